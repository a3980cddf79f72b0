"""Compare texts by meaning, with an optional sentence encoder."""
