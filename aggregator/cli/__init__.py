"""The commands that concern sources, entries and the database."""
