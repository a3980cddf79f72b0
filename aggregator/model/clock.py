"""Clocks derived from another clock, and a clock that cannot be set.

The real clock is read in `groundswell.clock` only and passed down. The demo's runs faster: a day of the sample edition
passes in minutes, for the poller, the engine and the site alike. `FastClock.spec` hands it to the site, which is a
process of its own.

`machine_time` measures how long ago something was, also where the system clock was set in between.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.model import Clock


@dataclass(frozen=True, slots=True)
class FastClock:
    """Showed *start* at the real moment *real_start*, and runs *speed* times as fast until it shows *end*."""

    real: Clock
    real_start: datetime
    start: datetime
    speed: float
    end: datetime
    """From then on it runs as fast as the real clock."""

    def __call__(self) -> datetime:
        elapsed = self.real() - self.real_start
        fast = (self.end - self.start) / self.speed
        return self.start + elapsed * self.speed if elapsed < fast else self.end + (elapsed - fast)

    def current_speed(self) -> float:
        """Return how many times as fast as the real clock it runs now."""
        return self.speed if self() < self.end else 1.0

    @property
    def spec(self) -> str:
        """The clock as text, for `clock_from_spec`."""
        moments = (self.real_start, self.start, self.end)
        return " ".join([*(moment.isoformat() for moment in moments), str(self.speed)])


class SteppedClock:
    """Stands still until it is set: for replaying the past."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def machine_time() -> str:
    """Return the present by a clock that cannot be set: which start of the machine, and the seconds since.

    All processes of a machine share it. "" if the system has none.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    if clock is None:
        return ""
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        start = "unknown"
    return f"{start} {time.clock_gettime(clock):.3f}"


def elapsed_since(then: str, now: str) -> timedelta | None:
    """Return the time between two values of `machine_time`; None if they do not belong to one start."""
    start_then, _, seconds_then = then.partition(" ")
    start_now, _, seconds_now = now.partition(" ")
    if not seconds_then or not seconds_now or start_then != start_now:
        return None
    elapsed = timedelta(seconds=float(seconds_now) - float(seconds_then))
    return elapsed if elapsed >= timedelta() else None


def clock_from_spec(spec: str, real: Clock) -> Clock:
    """Return the clock that `FastClock.spec` wrote; an empty text is the real clock."""
    if not spec:
        return real
    *moments, speed = spec.split()
    real_start, start, end = map(datetime.fromisoformat, moments)
    return FastClock(real, real_start, start, float(speed), end)
