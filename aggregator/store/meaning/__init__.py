"""Embeddings of entries."""
