"""Write the results of many polls in one transaction (group commit, as databases do it).

Every commit waits for the disk, so polls that end at about the same time share one. A poll ends only after its commit,
so a caller of `run` can rely on the write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar, cast

log = logging.getLogger(__name__)

T = TypeVar("T")

# Limits on how long one transaction blocks other writers, and on how long a single poll waits.
MAX_WRITES = 50
MAX_WAIT_S = 0.2


class GroupCommit:
    """Collects writes until there are `MAX_WRITES`, no more are expected, or the first has waited `MAX_WAIT_S`.

    transaction: opens one, as `Store.transaction`
    expected:    number of polls that may still write, including the waiting ones
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[None]], expected: Callable[[], int]) -> None:
        self._transaction = transaction
        self._expected = expected
        self._waiting: list[_Write] = []
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, write: Callable[[], T]) -> T:
        """Do *write* within a transaction, in the order of the calls, and return its result once it is committed.

        It may be called again when another write of the same transaction fails, because an error belongs to one poll.
        """
        waiting = _Write(write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._waiting) >= min(MAX_WRITES, self._expected()):
            # Not immediately, so that writes of the same loop iteration join.
            self._flush_in(0)
        elif self._timer is None:
            self._flush_in(MAX_WAIT_S)
        await waiting.done
        return cast(T, waiting.done.result())

    def _flush_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.flush)

    def flush(self) -> None:
        """Commit the waiting writes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # A poll that was cancelled while waiting has cancelled its future; its document is fetched again.
        writes = [write for write in self._waiting if not write.done.done()]
        self._waiting = []
        if not writes:
            return
        try:
            with self._transaction():
                results = [write.write() for write in writes]
        except Exception as error:
            # One bad write fails the whole transaction, so each is tried alone: the error then reaches the poll that
            # caused it.
            if len(writes) == 1:
                writes[0].done.set_exception(error)
                return
            log.info("a transaction of %d polls failed (%s); writing them one by one", len(writes), error)
            for write in writes:
                self._write_alone(write)
            return
        for write, result in zip(writes, results, strict=True):
            write.done.set_result(result)

    def _write_alone(self, write: _Write) -> None:
        try:
            with self._transaction():
                result = write.write()
        except Exception as error:
            write.done.set_exception(error)
        else:
            write.done.set_result(result)


class _Write:
    __slots__ = ("done", "write")

    def __init__(self, write: Callable[[], object], done: asyncio.Future[object]) -> None:
        self.write = write
        self.done = done
