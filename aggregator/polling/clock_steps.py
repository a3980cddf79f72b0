"""Notice that the system clock was set, by holding it against the monotonic one.

A board without a clock boots in 1970 or at its last shutdown, and jumps when the network comes; an operator corrects
a wrong date. The times at which feeds are due are dates, so that they survive a restart. Without this, a step back
stops polling until the clock has caught up, and a step forward makes every feed due at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from aggregator.model import Clock

MIN_STEP = timedelta(seconds=2)
"""Less is slewing, a busy machine, or a leap second."""
SETTLED_AFTER = timedelta(hours=1)
"""For so long after a step, what depends on the date alone waits: it may be taken back."""


class ClockSteps:
    """Compares *clock* with *monotonic_s* each time that `check` is called.

    clock:       the time that the worker goes by
    monotonic_s: seconds of a clock that nobody can set
    speed:       how many times as fast as real time *clock* runs
    """

    def __init__(self, clock: Clock, monotonic_s: Callable[[], float], speed: float = 1.0) -> None:
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._speed = speed
        self._seen = (clock(), monotonic_s())
        self._stepped_at_s: float | None = None

    def check(self) -> timedelta:
        """Return by how much the clock was set since the last call, back is negative; zero where it was not."""
        now, now_s = self._clock(), self._monotonic_s()
        then, then_s = self._seen
        self._seen = (now, now_s)
        step = (now - then) - timedelta(seconds=now_s - then_s) * self._speed
        if abs(step) < MIN_STEP * max(self._speed, 1.0):
            return timedelta()
        self._stepped_at_s = now_s
        return step

    @property
    def is_settled(self) -> bool:
        """Whether the clock was not set within the last `SETTLED_AFTER`."""
        return self._stepped_at_s is None or self._monotonic_s() - self._stepped_at_s >= SETTLED_AFTER.total_seconds()
