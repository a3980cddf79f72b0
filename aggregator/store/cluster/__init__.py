"""What processes on several machines share: which of them polls which hosts, and in which order
entries are numbered. Used with PostgreSQL alone."""
