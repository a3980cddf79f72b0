"""The results of many kills."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.store import Store

SLOW_S = 2.0


@dataclass
class Tally:
    """Counts that grow with each kill."""

    killed: int = 0
    acknowledged: int = 0
    """Polls."""
    votes: int = 0
    """Acknowledged ones."""
    slowest_open_s: float = 0.0
    findings: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the results of another kind of kill."""
        self.killed += other.killed
        self.acknowledged += other.acknowledged
        self.votes += other.votes
        self.slowest_open_s = max(self.slowest_open_s, other.slowest_open_s)
        self.findings += other.findings


@contextmanager
def opened(db: Path, tally: Tally) -> Iterator[Store]:
    """Open a database after a kill; more than `SLOW_S` of CPU time is a finding.

    The wall-clock time is recorded too, but depends on what else the machine does.
    """
    start, start_cpu = time.monotonic(), time.process_time()
    with Store.open(db) as store:
        tally.slowest_open_s = max(tally.slowest_open_s, time.monotonic() - start)
        if (took_s := time.process_time() - start_cpu) > SLOW_S:
            tally.findings.append(f"opening took {took_s:.1f} CPU s")
        yield store
