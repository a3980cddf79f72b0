"""Measure what the program decides against labels."""
