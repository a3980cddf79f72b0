"""A process that runs jobs for the tests: `python -m tests.postgres.job_worker URL`.

A job records its start, works as long as requested, and records its result, each in its own transaction.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import psycopg

from aggregator.store import Store
from aggregator.store.postgres.queue.runner import Group, JobRunner

BEAT_S, SILENT_S, AGAIN_S = 0.3, 1.5, 0.5
TABLES = """
    create table began (job bigint, process bigint, at timestamptz default clock_timestamp());
    create table did (job bigint, at timestamptz default clock_timestamp());
"""


class Work:
    """What the jobs do."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def note(self, job: int, work_s: float) -> None:
        """Work without a lock."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as raw:
            await raw.execute("insert into began values (%s, pg_backend_pid())", (job,))
            await asyncio.sleep(work_s)
            await raw.execute("insert into did values (%s)", (job,))

    async def measure(self, job: int, work_s: float) -> None:
        """Work as the program's own jobs do: through a session that holds the job's lock."""
        with Store.connect(self._url, hold="measure") as store:
            store._connection.run("insert into began values (:job, pg_backend_pid())", {"job": job})
            await asyncio.sleep(work_s)
            store._connection.run("insert into did values (:job)", {"job": job})


def runner(url: str, tries: int = 3, at_once: int = 3) -> JobRunner:
    """Return a runner that takes over much sooner than the program's."""
    work = Work(url)
    group = Group({"note": work.note, "measure": work.measure}, at_once, AGAIN_S)
    return JobRunner(url, group, beat_s=BEAT_S, silent_s=SILENT_S, tries=tries)


async def _main(url: str, tries: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await runner(url, tries).run_until(stop)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
