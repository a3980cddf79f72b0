"""Terms, document frequencies and amounts of a text."""
