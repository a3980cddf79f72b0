"""Enqueue background jobs in the transaction of the store that records them: both are committed, or neither."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from aggregator.errors import StoreError
from aggregator.store.cluster.jobs import NewJob
from aggregator.store.postgres.connection import PostgresConnection

SCHEMA = "jobs"


class PostgresJobQueue:
    """The queue as seen by the code that decides what is due; see `aggregator.store.cluster.jobs`."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._db = connection
        self._library = procrastinate()
        # Never opened: jobs are enqueued on the connection of the store.
        self._app = self._library.App(connector=self._library.SyncPsycopgConnector())

    def defer(self, name: str, key: str = "", **arguments: object) -> bool:
        """Enqueue a job called *name*; return False if one with this key already waits or runs."""
        return bool(self.defer_all(name, [NewJob(key, arguments=arguments)]))

    def defer_all(self, name: str, jobs: Iterable[NewJob]) -> int:
        """Enqueue jobs called *name*, except those of which one with the same key waits or runs; return how many."""
        wanted = {f"{name} {job.key}".rstrip(): job for job in jobs}
        if not wanted:
            return 0
        with self._db.transaction():
            self._db.run(f"set local search_path to {SCHEMA}")
            rows = self._db.rows(
                "select queueing_lock from procrastinate_jobs where queue_name = :name and status in ('todo', 'doing')",
                {"name": name},
            )
            present = {row["queueing_lock"] for row in rows}
            # A queue for each name, so that a process of an older version ignores jobs that it does not know.
            new = [
                self._library.jobs.Job(
                    task_name=name,
                    queue=name,
                    queueing_lock=queueing_lock,
                    lock=job.lock or None,
                    task_kwargs=dict(job.arguments),
                )
                for queueing_lock, job in wanted.items()
                if queueing_lock not in present
            ]
            if new:
                self._app.job_manager.batch_defer_jobs(new, connection=self._db.raw())
            self._db.run("set local search_path to default")
        return len(new)


def procrastinate() -> Any:
    """Return the library; StoreError if it is not installed. It is part of an extra, and imported when needed."""
    try:
        import procrastinate as library
    except ImportError as error:
        raise StoreError(
            f"background jobs over PostgreSQL need procrastinate, which is not installed ({error}); "
            "`pip install 'groundswell[postgres]'` installs it"
        ) from None
    # We log what is worth a line; the libraries log each attempt, with a traceback.
    for name in ("procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return library
