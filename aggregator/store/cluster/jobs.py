"""Background jobs as whoever decides what is due sees them; `aggregator.store.postgres.queue` keeps and runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put in.

    key:  which of the jobs of its name it is
    lock: of the jobs with one lock, one runs at a time; "": it waits for no other
    """

    key: str = ""
    lock: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)


class JobQueue(Protocol):
    """Takes jobs, within a transaction of the store: with what is noted of them, or not at all. For one thread."""

    def defer(self, name: str, key: str = "", **arguments: object) -> bool:
        """Put in a job called *name*; return whether that was done: not where the one with this key waits or runs."""

    def defer_all(self, name: str, jobs: Iterable[NewJob]) -> int:
        """Put in jobs called *name*, but those of which one with the same key waits or runs; return how many."""
