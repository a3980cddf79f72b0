"""Order stories: trend, baseline and page order."""
