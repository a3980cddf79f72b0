"""Bring an engine back after a stop: from a snapshot, or from the stored entries and stories where none fits."""
