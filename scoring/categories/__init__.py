"""Assign a category to each story."""
