"""Run a due long job here, or add it to the queue for any scorer or standby."""

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
    """Starts due long jobs."""

    async def step(self, job: str) -> None:
        """Start *job* if it is due."""


class RunHere:
    """Runs due jobs in this process: the default, with SQLite."""

    def __init__(self, schedule: Schedule, work: LongWork) -> None:
        self._schedule = schedule
        self._work = work

    async def step(self, job: str) -> None:
        """Run *job* if it is due."""
        if not self._schedule.is_due(job):
            return
        try:
            with self._schedule.running(job):
                await self._work.run(job, self._schedule.config)
        except CommandFailedError as error:
            log.error("job %s failed: %s; it runs again in %s, twice at most", job, error, RETRY)


class PutInQueue:
    """Adds due jobs to the queue, in one transaction with the record of it: never twice, and never only recorded."""

    def __init__(self, schedule: Schedule, store: Store, queue: JobQueue) -> None:
        self._schedule = schedule
        self._store = store
        self._queue = queue

    async def step(self, job: str) -> None:
        """Add *job* to the queue if it is due and neither waiting nor running."""
        if self._schedule.is_due(job):
            with self._store.transaction():
                if self._queue.defer(job):
                    self._schedule.note(job)
