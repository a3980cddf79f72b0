"""What people did: votes and views, editorial overrides, sessions and the audit list."""
