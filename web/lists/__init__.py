"""Lists of stories and sources, and the query parameters that select them."""
