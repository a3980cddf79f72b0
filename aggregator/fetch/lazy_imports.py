"""httpx, imported without its command line: with that come rich and pygments, 60 ms at each start."""

from __future__ import annotations

import sys

# This is how httpx detects that there is no command line.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

__all__ = ["httpx"]
