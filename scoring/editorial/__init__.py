"""Editorial overrides: hide, pin, merge, split, correct."""
