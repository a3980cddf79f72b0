"""Let a worker finish only the jobs that it still owns.

procrastinate ends or repeats a job by its number alone. A worker that was paused, and whose job runs elsewhere by now,
would end that run; and two that put back the same silent worker's job would start it twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aggregator.store.postgres.queue.deferring import procrastinate

log = logging.getLogger(__name__)

PATIENCE_S, PAUSE_S = 20.0, 1.0
"""How long a worker tries to write down that a job ended while the server is out of reach; then the job runs again."""

_MINE = """
    with mine as materialized (
        select id from procrastinate_jobs where id = %(job_id)s and status = 'doing'
        and worker_id is not distinct from %(worker_id)s for update)
"""
_FINISH = f"{_MINE} select procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s), id from mine"
_RETRY = f"{_MINE} select procrastinate_retry_job_v2(id, %(retry_at)s, null, null, null), id from mine"


class OwnJobs:
    """The job manager of procrastinate, but for jobs that the worker has which each names.

    on_lost: called where the end of a job could not be written down
    """

    def __init__(self, manager: Any, on_lost: Callable[[], None]) -> None:
        self._manager = manager
        self._on_lost = on_lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    async def finish_job(self, job: Any, status: Any, delete_job: bool) -> None:
        """Note that a job ended."""
        await self._write(_FINISH, job, status=status.value, delete_job=delete_job)

    async def retry_job(self, job: Any, retry_at: datetime | None = None, **_: object) -> None:
        """Let a job run again, at once or at *retry_at*."""
        library = procrastinate()
        try:
            await self._write(_RETRY, job, retry_at=retry_at or library.utils.utcnow())
        except library.exceptions.UniqueViolation:
            # The same job waits already, and does the same work.
            await self.finish_job(job, library.jobs.Status.FAILED, False)

    async def _write(self, query: str, job: Any, **arguments: object) -> None:
        library = procrastinate()
        last_try = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                rows = await self._manager.connector.execute_query_all_async(
                    query, job_id=job.id, worker_id=job.worker_id, **arguments
                )
                break
            except library.exceptions.UniqueViolation:
                raise
            except library.exceptions.ConnectorException as error:
                if asyncio.get_running_loop().time() > last_try:
                    log.error("the end of job %s could not be written down: %s; it runs again", job.task_name, error)
                    self._on_lost()
                    return
            await asyncio.sleep(PAUSE_S)
        if not rows:
            log.warning("job %s was taken over from this process while it was silent", job.task_name)
