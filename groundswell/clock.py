"""The real clock, which only this module reads; everything else gets a clock as an argument."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from aggregator.model import Clock
from aggregator.model.clock import clock_from_spec

CLOCK_VARIABLE = "GROUNDSWELL_CLOCK"
"""Names the clock of a child process: empty for the real one."""


def now() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)


def process_clock() -> Clock:
    """Return the clock of this process: the real one, unless its parent set another."""
    return clock_from_spec(os.environ.get(CLOCK_VARIABLE, ""), now)
