"""Concurrent calls to subscribers' callbacks, limited in total and per host, so that slow hosts do not block others."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

log = logging.getLogger(__name__)

MAX_CALLS = 20
"""Concurrent confirmations, and as many deliveries."""
MAX_CALLS_PER_GROUP = 2
"""Concurrent calls to one host, so that an unresponsive host cannot take all slots."""


class CallbackCalls:
    """Concurrent calls: at most `MAX_CALLS`, and `MAX_CALLS_PER_GROUP` of one group of hosts."""

    def __init__(self) -> None:
        self._groups: Counter[str] = Counter()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start(self, number: int, group: str, call: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Start a call unless it is running; return whether others could start now."""
        if number in self._tasks or self._groups[group] >= MAX_CALLS_PER_GROUP:
            return True
        if len(self._tasks) >= MAX_CALLS:
            return False
        self._groups[group] += 1
        task = self._tasks[number] = asyncio.create_task(call())
        task.add_done_callback(partial(self._ended, number, group))
        return True

    def _ended(self, number: int, group: str, task: asyncio.Task[None]) -> None:
        del self._tasks[number]
        self._groups[group] -= 1
        if self._groups[group] <= 0:
            del self._groups[group]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("hub: a call failed", exc_info=error)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The calls that are running."""
        return list(self._tasks.values())
