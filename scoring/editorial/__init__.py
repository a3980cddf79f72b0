"""Editorial overrides: hide, pin, merge, split, move, correct a category.

decisions                     what stands, and what it makes of the stories
pairwise_constraints          the same as must-link and cannot-link pairs, for measuring
"""
