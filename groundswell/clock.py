"""The real clock, which only this module reads; everything else gets a clock as an argument."""

from __future__ import annotations

import os
import time
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


def boot_time_s() -> float:
    """Return seconds of a clock that cannot be set, and that counts while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if clock is None else time.clock_gettime(clock)
