"""Advisory locks of PostgreSQL: a session holds one until it ends, however it ends.

The session that holds a lock is the one that writes. Where the server ends it, because its machine is gone or another
process takes over, a transaction under way is rolled back; and no statement of that process writes again before a new
session holds the lock.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Any

import psycopg

from aggregator.errors import DatabaseInUseError, StoreFault

_CLASS = 0x67726F75
"""First half of the key of each lock: of this program, not of another one in the same database."""
_NUMBERS = {"worker": 1, "scoring": 2, "train": 3, "measure": 4, "prune": 5, "languages": 6}
"""Of the session of the scorer's jobs, which is never silent for long, of the one that its engine writes by, and of the
one that each background job writes by."""
_JOBS = frozenset(_NUMBERS) - {"worker", "scoring"}
PATIENCE = "2s"
"""A site without a scorer holds the lock while it applies feeds.yaml."""


def holding(name: str) -> Callable[[psycopg.Connection[Any]], None]:
    """Return what takes the lock *name* for a new session; DatabaseInUseError if another session holds it.

    A background job has one session: where it was lost, the job may run elsewhere, and a second one is a StoreFault.
    """
    has_locked = False

    def take(raw: psycopg.Connection[Any]) -> None:
        nonlocal has_locked
        if has_locked and name in _JOBS:
            raise StoreFault("the connection to the database was lost, and the job may run elsewhere by now")
        raw.execute("select set_config('application_name', %s, false)", (process_name(),))
        before = raw.execute("select current_setting('lock_timeout')").fetchone()
        assert before is not None
        raw.execute("select set_config('lock_timeout', %s, false)", (PATIENCE,))
        try:
            raw.execute("select pg_advisory_lock(%s, %s)", (_CLASS, _NUMBERS[name]))
        except psycopg.errors.LockNotAvailable:
            who = holder(raw, name) or "it has just ended"
            raise DatabaseInUseError(
                f"another process ({who}) does the same; wait for it"
                if name in _JOBS
                else f"another worker ({who}) is using the database; stop it first"
            ) from None
        raw.execute("select set_config('lock_timeout', %s, false)", (before[0],))
        has_locked = True

    return take


def holder(raw: psycopg.Connection[Any], name: str) -> str:
    """Return which process holds a lock, "" if none does."""
    row = raw.execute(
        """select a.application_name from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.classid = %s and l.objid = %s
        and l.database = (select oid from pg_database where datname = current_database())""",
        (_CLASS, _NUMBERS[name]),
    ).fetchone()
    return "" if row is None else row[0].removeprefix("groundswell ") or "a process without a name"


def holder_at(url: str, name: str) -> str:
    """Return which process holds a lock of the database at *url*, "" if none does or it cannot be reached."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as raw:
            return holder(raw, name)
    except psycopg.Error:
        return ""


def end_stale(url: str, silent_s: float) -> int:
    """End the sessions of processes whose jobs have sent nothing for so many seconds; return how many sessions.

    Such a process is paused, or its machine is gone. Its transactions are rolled back, and its locks are free.
    StoreFault if the database cannot be reached.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as raw:
            ended = raw.execute(
                _END_STALE,
                {"class": _CLASS, "jobs": _NUMBERS["worker"], "scoring": _NUMBERS["scoring"], "silent": silent_s},
            )
            return len(ended.fetchall())
    except psycopg.Error as error:
        raise StoreFault(" ".join(str(error).split())) from error


_END_STALE = """
    with held as materialized (
        select a.pid, a.application_name as name, l.objid as number, a.state_change,
        -- A server that waits for its client is not at work: the client may not read any more.
        a.state = 'active' and a.wait_event_type is distinct from 'Client' as is_working
        from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.classid = %(class)s and l.objid in (%(jobs)s, %(scoring)s)
        and l.database = (select oid from pg_database where datname = current_database()))
    select pg_terminate_backend(pid) from held where not exists (
        select 1 from held jobs where jobs.number = %(jobs)s and jobs.name = held.name
        and (jobs.is_working or jobs.state_change > clock_timestamp() - make_interval(secs => %(silent)s)))
"""


END_HOLDERS = """
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
    and classid = %(class)s and objid = %(number)s
    and database = (select oid from pg_database where datname = current_database())
"""
"""Ends the sessions that hold a lock; its parameters are those of `key_of`."""


def key_of(name: str) -> dict[str, int]:
    """Return the key of a lock; a job without one has the number 0, which nothing holds."""
    return {"class": _CLASS, "number": _NUMBERS.get(name, 0)}


def process_name() -> str:
    """Return what the server calls a session of this process."""
    # PostgreSQL keeps 63 bytes of a session's name.
    return f"groundswell on {platform.node()[:30]}, process {os.getpid()}"
