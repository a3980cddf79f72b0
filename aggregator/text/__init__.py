"""Text as the program reads it: markup, tokens, URLs and search queries."""
