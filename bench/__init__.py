"""Benchmarks: one command each, `python -m bench NAME`; all of them with `make bench`.

Each prints its own table. Those that need recorded data read it from `../shared`
(or `--data DIR`) and say so in a sentence where it is not there.
"""
