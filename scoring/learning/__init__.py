"""Learn from coverage, votes and clicks; train and choose models."""
