"""Data that scoring derives from facts: the worker can delete it and compute it again."""
