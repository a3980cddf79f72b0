"""Read RSS, Atom and CDF: bytes to UTF-8, then the fast reader, then feedparser."""
