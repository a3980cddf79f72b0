"""Clocks that are made of another clock.

The real one is read in `groundswell.py` only and handed down. The demo's runs
faster: a day of the sample edition passes in minutes, for the poller, the engine
and the site alike. A clock is written as text so that the site, which is a
process of its own, has the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.model import Clock


@dataclass(frozen=True, slots=True)
class FastClock:
    """Showed *start* at the real moment *real_start*, and runs *speed* times as fast."""

    real: Clock
    real_start: datetime
    start: datetime
    speed: float

    def __call__(self) -> datetime:
        return self.start + (self.real() - self.real_start) * self.speed

    @property
    def spec(self) -> str:
        """The clock as text, for `clock_from_spec`."""
        return f"{self.real_start.isoformat()} {self.start.isoformat()} {self.speed}"


class SteppedClock:
    """Stands still until it is set: for playing what is past."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def clock_from_spec(spec: str, real: Clock) -> Clock:
    """Return the clock that `FastClock.spec` wrote; an empty text is the real clock."""
    if not spec:
        return real
    real_start, start, speed = spec.split()
    return FastClock(real, datetime.fromisoformat(real_start), datetime.fromisoformat(start), float(speed))
