"""Measures of ranking, probability and clustering quality."""
