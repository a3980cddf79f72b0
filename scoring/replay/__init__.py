"""Run a recorded stream through the real code under a simulated clock."""
