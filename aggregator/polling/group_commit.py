"""Write what many polls brought in one transaction.

A commit waits for the disk, whatever it holds; so polls that end at about the same time share one. Each is
done only once that commit is: who awaits `run` and goes on may rely on what was written. What a poll writes
is decided by its caller.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar, cast

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 50
LONGEST_WAIT_S = 0.2


class GroupCommit:
    """Collects writes until `MOST` wait, none is on its way any more, or the first has waited `LONGEST_WAIT_S`.

    transaction: opens one, as `Store.transaction`
    expected:    how many polls may still bring a write, those that wait already among them
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[None]], expected: Callable[[], int]) -> None:
        self._transaction = transaction
        self._expected = expected
        self._waiting: list[_Write] = []
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, write: Callable[[], T]) -> T:
        """Do *write* within a transaction, in the order of the calls, and return its result once it is committed.

        It may be called again when another write of the same transaction fails: a fault is that of one poll.
        """
        one = _Write(write, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if len(self._waiting) >= min(MOST, self._expected()):
            # Not at once: what arrived in the same turn of the loop goes along.
            self._flush_in(0)
        elif self._timer is None:
            self._flush_in(LONGEST_WAIT_S)
        await one.done
        return cast(T, one.done.result())

    def _flush_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.flush)

    def flush(self) -> None:
        """Write what waits now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        writes = [one for one in self._waiting if not one.done.done()]
        self._waiting = []
        if not writes:
            return
        try:
            with self._transaction():
                results = [one.write() for one in writes]
        except Exception as error:
            if len(writes) == 1:
                writes[0].done.set_exception(error)
                return
            log.info("a transaction of %d polls failed (%s); each is written alone", len(writes), error)
            for one in writes:
                self._alone(one)
            return
        for one, result in zip(writes, results, strict=True):
            one.done.set_result(result)

    def _alone(self, one: _Write) -> None:
        try:
            with self._transaction():
                result = one.write()
        except Exception as error:
            one.done.set_exception(error)
        else:
            one.done.set_result(result)


class _Write:
    __slots__ = ("done", "write")

    def __init__(self, write: Callable[[], object], done: asyncio.Future[object]) -> None:
        self.write = write
        self.done = done
