"""A rate limit per key: a sliding window, in memory and bounded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MAX_KEYS = 1_000


class RateLimit:
    """Allows *limit* events for each key within *window_s* seconds."""

    def __init__(self, limit: int, window_s: float, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._ticks = ticks
        self._lock = threading.Lock()
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, key: str) -> bool:
        """Count an event of *key*; return whether it is within the limit."""
        with self._lock:
            now = self._ticks()
            events = self._events.setdefault(key, deque(maxlen=self._limit + 1))
            while events and now - events[0] >= self._window_s:
                events.popleft()
            events.append(now)
            self._events.move_to_end(key)
            while len(self._events) > MAX_KEYS:
                self._events.popitem(last=False)
            return len(events) <= self._limit
