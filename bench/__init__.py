"""Benchmarks: one command each, `python -m bench NAME`; all of them with `make bench`.

Each prints its own table. Those that need recorded data read it from `../shared`
(or `--data DIR`) and say so in a sentence where it is not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn


def skip(missing: Path | str) -> NoReturn:
    """End a benchmark without an error because the data it needs is missing."""
    print(f"skipped: there is no {missing}; name another place on the command line")
    raise SystemExit(0)
