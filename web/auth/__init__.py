"""Who may do what: the operator's token, sessions and access rules."""
