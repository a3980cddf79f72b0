"""Read the articles of web pages."""
