"""Readers that use an app: their tokens, and what they have read and starred."""
