"""The last runs of long jobs, so that a stop of the worker or a failure does not skip one.

    state: <name>          when the last run began
           <name>_starts   starts since the last completed run; absent if none is running

A run is recorded before it begins. A failed run is repeated after `RETRY`, and an interrupted one by the next worker,
on any machine. After three starts it waits for its regular time instead, because the run itself may end the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.store import Store

STARTS = 3
RETRY = timedelta(minutes=5)


class LongJobs:
    """Decides when the jobs called *names* are due; these are also their names in the state."""

    def __init__(self, store: Store, *names: str) -> None:
        self._store = store
        self._interrupted = {name for name in names if 0 < self._starts(name) < STARTS}
        self._failed: dict[str, datetime] = {}

    def is_due(self, name: str, every: timedelta, at: datetime) -> bool:
        """Return whether the last run began *every* ago or longer, or must be repeated.

        On a new site the first run is due one interval after the first call.
        """
        if name in self._interrupted:
            return True
        # A clock that was set back must not stop a job until it has caught up.
        if name in self._failed and not timedelta() <= at - self._failed[name] < RETRY:
            return True
        last = self._store.state.moment(name)
        if last is None:
            self._store.state.set_moment(name, at)
            return False
        return not timedelta() <= at - last < every

    @contextmanager
    def running(self, name: str, at: datetime, note: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Record that the job begins at *at* and, unless it is interrupted or fails, that it ended.

        note: called in the transaction of the first record
        """
        state = self._store.state
        with self._store.transaction():
            is_again = name in self._interrupted or name in self._failed
            starts = 1 + (self._starts(name) if is_again else 0)
            state.set_moment(name, at)
            state.set(f"{name}_starts", str(starts))
            note()
        self._interrupted.discard(name)
        self._failed.pop(name, None)
        try:
            yield
        except Exception:
            if starts < STARTS:
                self._failed[name] = at
            raise
        # A cancelled task reaches neither branch: the worker stops, and the next one repeats the run.
        state.clear(f"{name}_starts")

    def _starts(self, name: str) -> int:
        return int(self._store.state.get(f"{name}_starts") or 0)
