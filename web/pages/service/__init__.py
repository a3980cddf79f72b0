"""Addresses for programs and browsers rather than readers: health, metrics, the hub, files, pictures, what is new."""
