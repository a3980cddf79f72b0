"""What is kept of the meaning of entries."""
