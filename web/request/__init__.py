"""What a request has at hand: configuration, clock, worker status."""
