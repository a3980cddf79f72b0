"""Editorial overrides: hide, pin, merge, split, move, correct a category.

decisions                     which decisions are in force, and their effect on stories
pairwise_constraints          the same as must-link and cannot-link pairs, for measuring
"""
