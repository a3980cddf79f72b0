"""Compare texts by meaning: an optional sentence encoder, and the embeddings that it makes."""
