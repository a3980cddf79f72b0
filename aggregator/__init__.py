"""What the sources published, one entry at a time.

Knows feeds, entries and the store. Imports neither `scoring` nor `web`.
"""
