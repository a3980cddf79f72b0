"""Find feeds, read and write OPML, add sources."""
