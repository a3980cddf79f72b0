"""What a reader chooses: saved stories, lists by name."""
