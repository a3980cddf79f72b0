"""Detect that the system clock was set, by comparing it with the monotonic clock.

A board without a clock boots in 1970 or at its last shutdown, and jumps when the network comes; an operator corrects
a wrong date. Feeds are due at dates, which survive a restart. Without this module, a step back would stop polling until
the clock has caught up, and a step forward would make every feed due at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from aggregator.model import Clock

MIN_STEP = timedelta(seconds=2)
"""Smaller differences are slewing, a busy machine, or a leap second."""
SETTLED_AFTER = timedelta(hours=1)
"""How long jobs that depend on the date wait after a step, which may be undone."""


class ClockSteps:
    """Compares *clock* with *monotonic_s* at each call of `check`.

    clock:       the clock of the worker
    monotonic_s: seconds of a clock that cannot be set
    speed:       returns how many times as fast as real time *clock* runs now
    """

    def __init__(
        self, clock: Clock, monotonic_s: Callable[[], float], speed: Callable[[], float] = lambda: 1.0
    ) -> None:
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._speed = speed
        self._seen = (clock(), monotonic_s())
        self._seen_speed = speed()
        self._stepped_at_s: float | None = None

    def check(self) -> timedelta:
        """Return the step since the last call, negative for a step back; zero without a step."""
        now, now_s = self._clock(), self._monotonic_s()
        then, then_s = self._seen
        self._seen = (now, now_s)
        speed_then, speed = self._seen_speed, self._speed()
        self._seen_speed = speed
        step = (now - then) - timedelta(seconds=now_s - then_s) * speed
        # The speed of the demo's clock changes between two calls, so the larger one counts.
        if abs(step) < MIN_STEP * max(speed_then, speed, 1.0):
            return timedelta()
        self._stepped_at_s = now_s
        return step

    @property
    def is_settled(self) -> bool:
        """Return whether there was no step within the last `SETTLED_AFTER`."""
        return self._stepped_at_s is None or self._monotonic_s() - self._stepped_at_s >= SETTLED_AFTER.total_seconds()
