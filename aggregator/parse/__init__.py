"""Parse a feed document into entries, in a child process with limits."""
