"""What people and programs see: pages, feeds out, and their feedback.

Imports `scoring` and `aggregator`; nothing imports it but the front door.
"""
