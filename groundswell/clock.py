"""The real clock, read here and nowhere else; everything else is handed a clock."""

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
    """Return the clock of this process: the real one, unless its parent handed down another."""
    return clock_from_spec(os.environ.get(CLOCK_VARIABLE, ""), now)
