"""Put a background job into the queue, within a transaction of the store: with what is noted of it, or not at all."""

from __future__ import annotations

from typing import Any

from aggregator.errors import StoreError
from aggregator.store.postgres.connection import PostgresConnection

SCHEMA = "jobs"


class JobQueue:
    """The queue as whoever decides what is due sees it. For one thread."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._db = connection
        library = procrastinate()
        # Never opened: each job is put in on the connection of the store.
        self._app = library.App(connector=library.SyncPsycopgConnector())

    def defer(self, name: str, key: str = "", **arguments: object) -> bool:
        """Put in a job; return whether that was done: not where the same one waits or runs.

        key: which of the jobs called *name*; of each there is one at a time
        """
        lock = f"{name} {key}".rstrip()
        with self._db.transaction():
            self._db.run(f"set local search_path to {SCHEMA}")
            is_there = self._db.value(
                "select 1 from procrastinate_jobs where queueing_lock = :lock and status in ('todo', 'doing')",
                {"lock": lock},
            )
            if is_there is None:
                # A queue for each name: a process of an older version leaves alone what it does not know.
                self._app.configure_task(
                    name, allow_unknown=True, queue=name, queueing_lock=lock, connection=self._db.raw()
                ).defer(**arguments)
            self._db.run("set local search_path to default")
        return is_there is None


def procrastinate() -> Any:
    """Return the library; StoreError where it is not installed. It is part of an extra, and imported when needed."""
    try:
        import procrastinate as library
    except ImportError as error:
        raise StoreError(
            f"background jobs over PostgreSQL need procrastinate, which is not installed ({error}); "
            "`pip install 'groundswell[postgres]'` installs it"
        ) from None
    return library
