"""Pictures: the proxy, social cards and structured data."""
