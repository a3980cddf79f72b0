"""What scoring derives from the facts: the worker can drop it and make it again."""
