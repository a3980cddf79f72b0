"""The commands that score, learn, measure and explain."""
