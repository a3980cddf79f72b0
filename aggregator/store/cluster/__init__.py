"""What processes on several machines share: which of them polls which hosts. Used with PostgreSQL alone."""
