"""Endpoints for programs and browsers: health, metrics, the hub, static files, pictures, updates."""
