"""The front door: the command line, the real clock, and which job runs when."""
