"""A long job that is due: run here, or put into the queue for whichever scorer or standby takes it."""

from __future__ import annotations

import logging
from typing import Protocol

from aggregator.store import Store
from aggregator.store.cluster.jobs import JobQueue
from groundswell.background.moments import RETRY
from groundswell.background.schedule import Schedule
from groundswell.background.work import LongWork
from groundswell.processes import CommandFailedError

log = logging.getLogger(__name__)


class Steps(Protocol):
    """Looks whether a long job is due, and starts it."""

    async def step(self, job: str) -> None:
        """Start *job* where it is due."""


class RunHere:
    """Runs what is due in this process: the embedded default."""

    def __init__(self, schedule: Schedule, work: LongWork) -> None:
        self._schedule = schedule
        self._work = work

    async def step(self, job: str) -> None:
        """Run *job* where it is due."""
        if not self._schedule.is_due(job):
            return
        try:
            with self._schedule.running(job):
                await self._work.run(job, self._schedule.config)
        except CommandFailedError as error:
            log.error("job %s failed: %s; it runs again in %s, twice at most", job, error, RETRY)


class PutInQueue:
    """Puts what is due into the queue, in one transaction with the note of it: never twice, and never only noted."""

    def __init__(self, schedule: Schedule, store: Store, queue: JobQueue) -> None:
        self._schedule = schedule
        self._store = store
        self._queue = queue

    async def step(self, job: str) -> None:
        """Put *job* into the queue where it is due, and neither waits nor runs there yet."""
        if self._schedule.is_due(job):
            with self._store.transaction():
                if self._queue.defer(job):
                    self._schedule.note(job)
