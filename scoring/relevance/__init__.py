"""Estimate how likely a story is to be relevant, and explain the estimate."""
