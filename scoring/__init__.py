"""Which entries are about the same event, how relevant it is, and how fast it grows.

Knows stories and numbers. Imports `aggregator`, never `web`.
"""
