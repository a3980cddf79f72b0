"""The interface to the queue of background jobs; `aggregator.store.postgres.queue` stores and runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to add.

    key:  identifies it among the jobs of its name
    lock: only one job with the same lock runs at a time; "": no lock
    """

    key: str = ""
    lock: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)


class JobQueue(Protocol):
    """Adds jobs within a transaction of the store. For one thread."""

    def defer(self, name: str, key: str = "", **arguments: object) -> bool:
        """Add a job; return False if one with this name and key is waiting or running."""

    def defer_all(self, name: str, jobs: Iterable[NewJob]) -> int:
        """Add jobs called *name*, except those whose key is waiting or running; return how many were added."""
