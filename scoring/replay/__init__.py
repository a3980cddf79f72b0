"""Replay a recorded stream through the production code with a simulated clock.

streams                       lines of a recording
runner                        lines -> entries and edits, a moment at a time -> the engine, or store and updater
report                        what was decided for each line at its arrival
"""
