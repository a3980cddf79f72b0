"""What a story page tells beyond its entries: lead entry, key facts, analysis."""
