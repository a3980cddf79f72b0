"""Times in this program are aware and in UTC, and come from a clock that is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present, aware and in UTC. Only `groundswell.clock` reads the real one."""


def utc(moment: datetime) -> datetime:
    """Return *moment* in UTC; ValueError when it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a time zone: {moment!r}")
    return moment.astimezone(UTC)
