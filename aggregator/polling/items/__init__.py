"""Steps between parsing and storing: leave items out, or complete them with their article."""
