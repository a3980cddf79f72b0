"""Background jobs in PostgreSQL: each runs once, whatever happens to the process or the server."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from aggregator.errors import DatabaseInUseError, StoreFault
from aggregator.store import Store
from aggregator.store.cluster.jobs import NewJob
from aggregator.store.postgres.migrations import STEPS, complete
from aggregator.store.postgres.queue.runner import TRIES, Group, JobRunner
from tests.postgres.cluster import Cluster
from tests.postgres.job_worker import AGAIN_S, BEAT_S, SILENT_S, TABLES, runner

PATIENCE_S = 60.0
SCHEMA_DIGEST = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"
"""Of procrastinate's schema, for which 0020_job_queue was written."""


class Site:
    """A database with the queue, and processes that run its jobs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = Store.connect(url)
        self.queue = self.store.job_queue()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.store._connection.run(TABLES.split(";")[0])
        self.store._connection.run(TABLES.split(";")[1])

    def start(self, tries: int = 3) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.postgres.job_worker", self.url, str(tries)]
        self.workers.append(subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2]))
        return self.workers[-1]

    def count(self, table: str) -> int:
        return int(self.store._connection.value(f"select count(*) from {table}"))

    def jobs(self) -> dict[str, int]:
        """Return the number of jobs, by status."""
        rows = self.store._connection.rows(
            "select cast(status as text) as status, count(*) as count from jobs.procrastinate_jobs group by 1"
        )
        return {row["status"]: row["count"] for row in rows}

    def change_jobs(self, statement: LiteralString) -> None:
        with psycopg.connect(self.url, options="-c search_path=jobs") as raw:
            raw.execute(statement)

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.store.close()


@pytest.fixture
def site(postgres: Cluster) -> Iterator[Site]:
    opened = Site(postgres.new_database())
    yield opened
    opened.close()


def until(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(StoreFault):  # the server starts again
            if is_so():
                return
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.05)


async def run_for(runner: JobRunner, is_done: Callable[[], bool]) -> None:
    """Run jobs in this process until *is_done*."""
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run_until(stop))
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline, "waited too long"
        assert not running.done()
        await asyncio.sleep(0.05)
    stop.set()
    await running


def test_the_schema_of_the_queue_is_that_of_the_library() -> None:
    schema = (files("procrastinate.sql") / "schema.sql").read_bytes()
    assert sha256(schema).hexdigest() == SCHEMA_DIGEST, (
        "procrastinate has another schema now: add a step that changes it"
    )
    assert schema.decode() in complete(STEPS["0020_job_queue"])


def test_a_job_is_put_in_with_the_transaction_or_not_at_all(site: Site) -> None:
    with suppress(BrokenPipeError), site.store.transaction():
        assert site.queue.defer("note", job=1, work_s=0)
        raise BrokenPipeError
    assert site.jobs() == {}
    with site.store.transaction():
        assert site.queue.defer("note", job=1, work_s=0)
    assert site.jobs() == {"todo": 1}
    # Later statements still find the site's tables.
    assert site.store.entries.count() == 0


def test_one_job_of_a_name_and_key_waits_or_runs_at_a_time(site: Site) -> None:
    assert site.queue.defer("note", job=1, work_s=0)
    assert not site.queue.defer("note", job=2, work_s=0)
    assert site.queue.defer("note", "other", job=3, work_s=0)
    site.change_jobs("update procrastinate_jobs set status = 'doing'")
    assert not site.queue.defer("note", job=2, work_s=0)
    site.change_jobs("update procrastinate_jobs set status = 'succeeded'")
    assert site.queue.defer("note", job=2, work_s=0)


async def test_jobs_with_one_lock_run_one_after_the_other(site: Site) -> None:
    new = [NewJob(str(number), "one host", {"job": number, "work_s": 0.2}) for number in range(3)]
    assert site.queue.defer_all("note", [*new, NewJob("3", "", {"job": 3, "work_s": 0.2})]) == 4
    assert site.queue.defer_all("note", new) == 0
    await run_for(runner(site.url, at_once=4), lambda: site.jobs() == {})
    pairs = site.store._connection.rows(
        """select began.job from began join did using (job), began later
        where began.job < 3 and later.job < 3 and later.at > began.at and later.at < did.at"""
    )
    assert pairs == []
    assert site.count("did") == 4


async def test_jobs_run_once_and_leave_no_row(site: Site) -> None:
    for number in range(5):
        site.queue.defer("note", str(number), job=number, work_s=0)
    await run_for(runner(site.url), lambda: site.jobs() == {})
    rows = site.store._connection.rows("select job from did order by job")
    assert [row["job"] for row in rows] == [0, 1, 2, 3, 4]


async def test_a_failing_job_is_repeated_and_then_abandoned(site: Site) -> None:
    tried: list[float] = []

    async def fail() -> None:
        tried.append(time.monotonic())
        raise StoreFault("the disk is full")

    site.queue.defer("fail")
    failing = JobRunner(site.url, Group({"fail": fail}, 1, AGAIN_S), beat_s=BEAT_S, silent_s=SILENT_S)
    await run_for(failing, lambda: site.jobs() == {"failed": 1})
    assert len(tried) == TRIES
    assert min(later - earlier for earlier, later in pairwise(tried)) >= AGAIN_S
    assert site.queue.defer("fail")


async def test_an_unknown_job_waits_for_a_process_that_can_run_it(site: Site) -> None:
    site.queue.defer("of a later version")
    site.queue.defer("note", job=1, work_s=0)
    await run_for(runner(site.url), lambda: site.count("did") == 1)
    assert site.jobs() == {"todo": 1}


async def test_a_process_whose_machine_slept_continues_its_job(site: Site) -> None:
    site.queue.defer("note", job=1, work_s=2)

    def is_done() -> bool:
        if site.count("did") == 0:
            site.change_jobs("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
        return site.jobs() == {}

    await run_for(runner(site.url), is_done)
    assert (site.count("began"), site.count("did")) == (1, 1)


async def test_a_process_that_stops_gives_its_job_back_at_once(site: Site) -> None:
    site.queue.defer("note", job=1, work_s=60)
    await run_for(runner(site.url), lambda: site.count("began") == 1)
    assert site.jobs() == {"todo": 1}
    assert site.store._connection.value("select count(*) from jobs.procrastinate_workers") == 0


def test_the_job_of_a_killed_process_runs_once_more_elsewhere(site: Site) -> None:
    site.queue.defer("measure", job=1, work_s=3)
    first = site.start()
    until("the job", lambda: site.count("began") == 1)
    site.start()
    first.kill()
    until("the second run", lambda: site.jobs() == {})
    assert (site.count("began"), site.count("did")) == (2, 1)


@pytest.mark.long
def test_a_process_that_was_paused_writes_and_ends_nothing(site: Site) -> None:
    site.queue.defer("measure", job=1, work_s=4)
    first = site.start()
    until("the job", lambda: site.count("began") == 1)
    first.send_signal(signal.SIGSTOP)
    site.start()
    until("the second run", lambda: site.count("began") == 2)
    first.send_signal(signal.SIGCONT)
    # The first run ends now, before the second.
    until("the second run's end", lambda: site.jobs() == {})
    time.sleep(4 * BEAT_S)
    assert (site.count("began"), site.count("did"), site.jobs()) == (2, 1, {})


@pytest.mark.long
def test_a_run_whose_worker_ends_every_time_is_abandoned(site: Site) -> None:
    site.queue.defer("note", job=1, work_s=60)
    for number in range(1, 4):
        worker = site.start()
        until("a run", lambda number=number: site.count("began") == number)  # type: ignore[misc]
        worker.kill()
    site.start()
    until("the end", lambda: site.jobs() == {"failed": 1})
    assert site.count("began") == 3


async def test_a_silent_workers_job_that_waits_again_already_is_not_in_the_way(site: Site) -> None:
    """procrastinate's issue 1543: returning a job to the queue beside a waiting one with the same key is an error."""
    site.queue.defer("note", job=1, work_s=0)
    site.change_jobs("update procrastinate_jobs set status = 'doing'")
    site.change_jobs(
        """insert into procrastinate_jobs (queue_name, task_name, queueing_lock, args, scheduled_at)
        values ('note', 'note', 'note', '{"job": 2, "work_s": 0}', now() + interval '2 seconds')"""
    )
    await run_for(runner(site.url), lambda: site.count("did") == 1)
    assert site.jobs() == {"failed": 1}
    assert site.store._connection.value("select job from did") == 2


@pytest.mark.long
async def test_a_long_outage_of_the_server_ends_no_process(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(runner("postgresql://127.0.0.1:1/news").run_until(stop))
    async with asyncio.timeout(PATIENCE_S):
        while "background jobs wait for the database" not in caplog.text:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    assert not running.done()
    stop.set()
    await running


def test_the_session_of_a_job_is_not_opened_again(site: Site) -> None:
    with Store.connect(site.url, hold="train") as store:
        with pytest.raises(DatabaseInUseError, match="does the same; wait for it"):
            Store.connect(site.url, hold="train")
        Store.connect(site.url, hold="measure").close()
        with psycopg.connect(site.url, autocommit=True) as raw:
            raw.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
        with pytest.raises(StoreFault):
            store.entries.count()
        with pytest.raises(StoreFault, match="may run elsewhere"):
            store.entries.count()


@pytest.mark.long
def test_kills_and_a_restart_of_the_server_lose_nothing(postgres: Cluster) -> None:
    """A short version of `bench.job_queues`."""
    jobs, kills = 60, 4
    rng = random.Random(17)
    with ExitStack() as opened:
        site = Site(postgres.new_database())
        opened.callback(site.close)
        for number in range(jobs):
            site.queue.defer("note", str(number), job=number, work_s=0.3)
        workers = [site.start(tries=100) for _ in range(2)]
        for number in range(kills):
            until("some jobs", lambda number=number: site.count("did") >= 8 * (number + 1))  # type: ignore[misc]
            time.sleep(rng.uniform(0, 0.3))
            workers[number % 2].kill()
            workers[number % 2] = site.start(tries=100)
            if number == 1:
                postgres.restart(crash=True)
        until("the last job", lambda: site.jobs() == {})
        assert site.store._connection.value("select count(distinct job) from did") == jobs
        # A result written just before a kill is written again: a job runs at least once.
        assert site.count("did") <= jobs + kills
