"""Jobs that run every few hours and take minutes, so that a stop of the worker can interrupt one.

    state: <name>          when the last run began
           <name>_starts   how often it was started since the last run that ended; absent: none is under way

A run is noted before it begins: one that fails is not repeated at once. The next worker, on this machine or on
another, repeats a run that was interrupted, unless it was interrupted three times: it may be what ends the worker.
Knows when a job is due. Leaves what it does to the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.store import Store

STARTS = 3


class LongJobs:
    """When each of the jobs called *names* is due; these are the names of their moments in the state."""

    def __init__(self, store: Store, *names: str) -> None:
        self._store = store
        self._interrupted = {name for name in names if 0 < self._starts(name) < STARTS}

    def is_due(self, name: str, every: timedelta, at: datetime) -> bool:
        """Return whether the last run began *every* ago or longer, or was interrupted.

        On a new site the first run comes one interval after the first question.
        """
        if name in self._interrupted:
            return True
        last = self._store.state.moment(name)
        if last is None:
            self._store.state.set_moment(name, at)
            return False
        # A clock that was set back must not silence a job until it has caught up.
        return not timedelta() <= at - last < every

    @contextmanager
    def running(self, name: str, at: datetime) -> Iterator[None]:
        """Note that the job begins at *at* and, unless it is interrupted, that it ended."""
        state = self._store.state
        with self._store.transaction():
            state.set_moment(name, at)
            state.set(f"{name}_starts", str(1 + (self._starts(name) if name in self._interrupted else 0)))
        self._interrupted.discard(name)
        try:
            yield
        except Exception:
            state.clear(f"{name}_starts")
            raise
        # A cancelled task comes neither here nor there: the worker stops, and the next one repeats the run.
        state.clear(f"{name}_starts")

    def _starts(self, name: str) -> int:
        return int(self._store.state.get(f"{name}_starts") or 0)
