"""Find the terms and names that rise."""
