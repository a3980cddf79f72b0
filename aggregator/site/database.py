"""The site's database: a SQLite file, or the PostgreSQL database that `DATABASE_URL` names.

    open_store             for commands, pages and jobs
    open_as_only_writer    for the process that writes stories: one at a time
    open_for_job           for a background job: one process at a time does the same
    require_file           for what works with a SQLite file alone

With PostgreSQL, the path in `--db` says only where this machine keeps files of its own, such as the operator's token.
The address comes from the environment, which child processes inherit: a command line would show its password to all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.store import Store, StoreFault, lock
from aggregator.store.postgres.address import database_url, shown

log = logging.getLogger(__name__)

JobAction = Callable[..., Awaitable[None]]

ONLY_WRITER, SCORING = "worker", "scoring"
"""Names of the advisory locks that the process which writes stories holds, one for each of its sessions."""
SILENT_S = 30.0
"""A process that holds them and has sent nothing for so long counts as dead."""


def is_file() -> bool:
    """Return whether the site's database is a SQLite file on this machine."""
    return not database_url()


def shown_name(db: Path) -> str:
    """Return what messages call the site's database: its file, or server and name without user and password."""
    url = database_url()
    return shown(url) if url else str(db)


def exists(db: Path) -> bool:
    """Return whether the site may have a database: a server's is made when it is first opened."""
    return bool(database_url()) or db.exists()


def has_config(db: Path) -> bool:
    """Return whether the site's database knows a feeds.yaml that was valid; StoreError if it cannot be used."""
    if not database_url():
        return db.exists()
    with open_store(db) as store:
        return store.config_edits.valid_text() is not None


def open_store(db: Path) -> Store:
    """Open the site's database, and bring it to the present schema; StoreError with a way out."""
    url = database_url()
    return Store.connect(url) if url else Store.open(db)


@contextmanager
def open_as_only_writer(db: Path) -> Iterator[Store]:
    """Open the site's database as the one process that writes stories; DatabaseInUseError if another does."""
    url = database_url()
    if url:
        # The session that writes holds the lock: when the server ends the session, it can write no longer.
        with Store.connect(url, hold=ONLY_WRITER) as store:
            yield store
    else:
        with lock.WorkerLock(db), Store.open(db) as store:
            yield store


def open_for_scoring(db: Path) -> Store:
    """Open a second connection of the only writer, for its engine; DatabaseInUseError if a dead one has it yet."""
    url = database_url()
    return Store.connect(url, hold=SCORING) if url else Store.open(db)


def open_for_job(db: Path, job: str) -> Store:
    """Open the site's database for the background job *job* ("train", "measure", "prune" or "languages").

    With PostgreSQL, of several machines one does it at a time: DatabaseInUseError if another does. Where its session
    is lost, the job fails instead of going on with another one. With SQLite one worker starts all jobs.
    """
    url = database_url()
    return Store.connect(url, hold=job) if url else Store.open(db)


async def run_jobs(stop: asyncio.Event, *groups: tuple[Mapping[str, JobAction], int, float]) -> None:
    """Run background jobs of the queue in PostgreSQL until *stop* is set; StoreError if that is not possible here.

    groups: what to do by the names of jobs, how many of these run at once, how many seconds one waits after it failed
    """
    from aggregator.store.postgres.queue.runner import Group, JobRunner

    await JobRunner(database_url(), *(Group(*group) for group in groups)).run_until(stop)


def end_silent_writer() -> None:
    """Take the locks from a process that holds them and is silent, so that another can write; with PostgreSQL alone."""
    from aggregator.store.postgres import locks

    try:
        if locks.end_stale(database_url(), SILENT_S):
            log.warning("the scoring process sent nothing for %.0f s; its sessions were ended", SILENT_S)
    except StoreFault as error:
        log.warning("the database cannot be reached: %s", error)


def is_written(db: Path) -> bool:
    """Return whether a process holds the database as its only writer."""
    url = database_url()
    if not url:
        return lock.is_held(db)
    # Imported here: psycopg is an extra.
    from aggregator.store.postgres import locks

    return bool(locks.holder_at(url, ONLY_WRITER))


def write_problem(db: Path) -> str:
    """Return what prevents all writing, or "" if nothing is visible from here."""
    return "" if database_url() else lock.lock_problem(db)


def require_server(what: str) -> None:
    """Raise StoreError if the site's database is a SQLite file: *what* needs PostgreSQL."""
    if not database_url():
        raise StoreError(f"{what} needs PostgreSQL: set DATABASE_URL, or leave it out to run everything in one place")


def require_file(what: str, instead: str) -> None:
    """Raise StoreError if the site's database is in PostgreSQL: *what* works with a SQLite file alone."""
    if url := database_url():
        raise StoreError(
            f"{what} works with SQLite files only, and the database is in PostgreSQL ({shown(url)}); {instead}"
        )
