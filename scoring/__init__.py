"""Which entries tell of one event, how relevant that is, and how fast it grows.

Knows stories and numbers. Imports `aggregator`, never `web`.
"""
