"""Many polls in one transaction: a poll is done only once committed, and an error affects only its own poll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from aggregator.polling.group_commit import MAX_WRITES, GroupCommit


class Ledger:
    """A transaction that the tests can inspect."""

    def __init__(self) -> None:
        self.committed: list[list[int]] = []
        self._open: list[int] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._open = []
        yield
        self.committed.append(self._open)

    def writes(self, number: int) -> Callable[[], int]:
        def write() -> int:
            self._open.append(number)
            return number

        return write


async def test_what_ends_together_is_committed_together_and_in_order() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 3)
    assert await asyncio.gather(*(group.run(ledger.writes(number)) for number in range(3))) == [0, 1, 2]
    assert ledger.committed == [[0, 1, 2]]


async def test_no_poll_returns_before_the_commit() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 2)
    first = asyncio.create_task(group.run(ledger.writes(1)))
    await asyncio.sleep(0)
    assert not first.done()
    assert ledger.committed == []
    await asyncio.gather(first, group.run(ledger.writes(2)))
    assert ledger.committed == [[1, 2]]


async def test_a_group_has_a_bound() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 1_000)
    await asyncio.gather(*(group.run(ledger.writes(number)) for number in range(MAX_WRITES)))
    assert ledger.committed == [list(range(MAX_WRITES))]


async def test_the_write_of_a_cancelled_poll_is_not_committed() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 3)
    cancelled = asyncio.create_task(group.run(ledger.writes(1)))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    group.flush()
    assert ledger.committed == []

    cancelled = asyncio.create_task(group.run(ledger.writes(2)))
    other = asyncio.create_task(group.run(ledger.writes(3)))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    group.flush()
    assert await other == 3
    assert ledger.committed == [[3]]


async def test_one_that_fails_takes_no_other_along() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 3)

    def fails() -> int:
        raise ValueError("mine")

    first, second, third = await asyncio.gather(
        group.run(ledger.writes(1)), group.run(fails), group.run(ledger.writes(3)), return_exceptions=True
    )
    assert (first, third) == (1, 3)
    assert isinstance(second, ValueError)
    assert ledger.committed == [[1], [3]]


async def test_an_abandoned_poll_writes_nothing() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.transaction, lambda: 2)
    gone = asyncio.create_task(group.run(ledger.writes(1)))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await group.run(ledger.writes(2))
    assert ledger.committed == [[2]]
