"""Detect that the system clock was set, by comparing it with one that cannot be set.

A board without a clock boots in 1970 or at its last shutdown, and jumps when the network comes; an operator corrects
a wrong date. Feeds are due at dates, which survive a restart. Without this module, a step back would stop polling until
the clock has caught up, and a step forward would make every feed due at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from aggregator.model import Clock

log = logging.getLogger(__name__)

MIN_STEP = timedelta(seconds=2)
"""Smaller differences are slewing, a busy machine, or a leap second."""
SETTLED_AFTER = timedelta(hours=1)
"""How long jobs that depend on the date wait after a step, which may be undone."""

MIN_HELD = timedelta(minutes=1)
"""A clock that was set by less is followed at once."""
STEADY_S = 600.0
"""Seconds without a step after which the clock is trusted more than a step. A board without a clock boots with a wrong
time, so the first steps are corrections."""
HELD_S = 300.0
"""Seconds for which a step must last to count."""


class SteadyClock:
    """A clock that ignores a step of the system clock until it has lasted for five minutes.

    Observed: an operator mistypes a year and corrects it, a virtual machine resumes with the time of another host.
    Moments of entries only grow, so what was stored meanwhile would stay ahead of the clock: no story would age for a
    year. Rule: after ten steady minutes a step counts only once it has lasted for five.

    boot_time_s: seconds of a clock that cannot be set and that counts while the machine sleeps
    """

    def __init__(self, clock: Clock, boot_time_s: Callable[[], float]) -> None:
        self._clock = clock
        self._boot_time_s = boot_time_s
        self._lock = threading.Lock()
        self._steady_since_s = boot_time_s()
        self._at_boot = clock() - timedelta(seconds=self._steady_since_s)
        self._stepped_at_s: float | None = None

    def __call__(self) -> datetime:
        """Return the time."""
        with self._lock:
            now, now_s = self._clock(), self._boot_time_s()
            expected = self._at_boot + timedelta(seconds=now_s)
            step = now - expected
            if abs(step) >= MIN_HELD:
                if self._is_held(step, now_s):
                    return expected
                self._steady_since_s = now_s
            self._stepped_at_s = None
            self._at_boot = now - timedelta(seconds=now_s)
            return now

    def _is_held(self, step: timedelta, now_s: float) -> bool:
        if self._stepped_at_s is None:
            if now_s - self._steady_since_s < STEADY_S:
                return False
            self._stepped_at_s = now_s
            log.warning(
                "the system clock was set by %+.0f s; it counts if it stays so for %.0f minutes",
                step.total_seconds(),
                HELD_S / 60,
            )
        return now_s - self._stepped_at_s < HELD_S


class ClockSteps:
    """Compares *clock* with *boot_time_s* at each call of `check`.

    clock:       the clock of the worker
    boot_time_s: as for `SteadyClock`
    speed:       returns how many times as fast as real time *clock* runs now
    """

    def __init__(
        self, clock: Clock, boot_time_s: Callable[[], float], speed: Callable[[], float] = lambda: 1.0
    ) -> None:
        self._clock = clock
        self._boot_time_s = boot_time_s
        self._speed = speed
        self._seen = (clock(), boot_time_s())
        self._seen_speed = speed()
        self._stepped_at_s: float | None = None

    def check(self) -> timedelta:
        """Return the step since the last call, negative for a step back; zero without a step."""
        now, now_s = self._clock(), self._boot_time_s()
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
        return self._stepped_at_s is None or self._boot_time_s() - self._stepped_at_s >= SETTLED_AFTER.total_seconds()
