"""How many jobs a queue in PostgreSQL loses or runs twice while its producer and its workers are killed.

    python -m bench.job_queues [--jobs 600] [--kills 25] [--pauses 3] [--seed 1] [--ways "pgqueuer" ...]

Needs PostgreSQL, and for one of the ways the package pgqueuer, which the program does not use; what is missing is
skipped. For each way: a new database, all jobs queued, two workers with up to three concurrent jobs each. A job waits
0.1 to 0.5 seconds and writes one row in its own transaction. Workers are killed with `kill -9` at random moments and
restarted, as a supervisor would do; halfway through, the PostgreSQL server is stopped as in a power cut and started
again. Some workers are paused for longer than the others wait for them. A job that fails because the database is down
is retried.

    lost       it wrote no row, and was not started again for 15 seconds
    stalled    of these: the queue says that it is running
    doubled    it wrote more than one row
    at once    of these: the second run began before the first had written its row

The jobs take no lock, so a paused worker finishes its jobs even if others have run them in the meantime; the program's
long jobs write through a session that is ended first. The second way is that of the program's messages: a job claims
its row before it works, and does nothing if the row is claimed already, so a job cut short by a kill stays undone:
"stalled" counts the rows that say so.

The first two ways are the program's own code (`aggregator/store/postgres/queue`), with shorter timeouts. There, a
producer adds the jobs meanwhile, each with a row of its own in one transaction; it is killed as often as a worker. The
ways with a lock work like the scorer: one process holds an advisory lock and takes due jobs from rows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import logging
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import psycopg

from aggregator.store import Store
from aggregator.store.postgres.queue.runner import Group, JobRunner
from tests.postgres.cluster import Cluster, binaries, running_cluster, why_not

WORKERS, AT_ONCE = 2, 3
PRODUCER = "producer of"
SILENT_S, BEAT_S = 3.0, 1.0
"""After so many seconds without a heartbeat a worker counts as dead, for both queues."""
QUIET_S = 15.0
TABLES = """
    create table done (job bigint, began timestamptz, wrote timestamptz);
    create table due (job bigint primary key, noted boolean default false, claimed boolean default false,
        finished boolean default false);
"""
COUNTS = """
    select count(*) filter (where rows = 0), count(*) filter (where rows > 1),
        count(*) filter (where exists (select 1 from done a join done b on a.job = b.job and a.ctid != b.ctid
            and a.began <= b.began and b.began < a.wrote where a.job = counted.job))
    from (select j job, (select count(*) from done where done.job = j) as rows from generate_series(1, %s) j) counted
"""


async def work(url: str, job: int) -> None:
    """Do a job: wait, then write one row in its own transaction."""
    async with await psycopg.AsyncConnection.connect(url) as raw:
        row = await (await raw.execute("select clock_timestamp()")).fetchone()
        assert row is not None
        await raw.rollback()
        await asyncio.sleep(random.uniform(0.1, 0.5))
        await raw.execute("insert into done values (%s, %s, clock_timestamp())", (job, row[0]))


# the program's own queue


async def own_fill(url: str, jobs: int) -> None:
    """Record which jobs the producer is to add."""
    async with await psycopg.AsyncConnection.connect(url) as raw:
        await raw.execute("insert into due select generate_series(1, %s)", (jobs,))


async def own_produce(url: str) -> None:
    """Add the jobs one by one, each in one transaction with the record of it."""
    with Store.connect(url) as store:
        connection, queue = store._connection, store.job_queue()
        while (job := connection.value("select min(job) from due where not noted")) is not None:
            with store.transaction():
                queue.defer("work", str(job), job=job)
                connection.run("update due set noted = true where job = :job", {"job": job})
            await asyncio.sleep(0.02)
        await asyncio.Event().wait()  # otherwise its end would count as a failure


async def own_work(url: str) -> None:
    """Run jobs, and take over those of dead workers."""

    async def run(job: int) -> None:
        await work(url, job)

    await own_runner(url, run).run_until(asyncio.Event())


async def own_claimed_work(url: str) -> None:
    """Do the same as for messages, each of which is claimed before it is sent."""

    async def run(job: int) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw:
            if (await raw.execute("update due set claimed = true where job = %s and not claimed", (job,))).rowcount:
                await work(url, job)
                await raw.execute("update due set finished = true where job = %s", (job,))

    await own_runner(url, run).run_until(asyncio.Event())


def own_runner(url: str, run: Callable[[int], Coroutine[Any, Any, None]]) -> JobRunner:
    """Return the program's runner, which takes over sooner."""
    group = Group({"work": run}, AT_ONCE, again_s=1)
    return JobRunner(url, group, beat_s=BEAT_S, silent_s=SILENT_S, tries=100)


# procrastinate by itself


def procrastinate_app(url: str) -> Any:
    """Return a procrastinate application with the job."""
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    async def task(job: int) -> None:
        await work(url, job)

    app.task(name="work", retry=procrastinate.RetryStrategy(max_attempts=100, wait=1))(task)
    return app


async def procrastinate_fill(url: str, jobs: int) -> None:
    """Create the queue's tables and add the jobs."""
    app = procrastinate_app(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await app.tasks["work"].batch_defer_async(*({"job": job} for job in range(1, jobs + 1)))


async def procrastinate_work(url: str) -> None:
    """Run jobs."""
    app = procrastinate_app(url)
    async with app.open_async():
        await app.run_worker_async(
            concurrency=AT_ONCE,
            update_heartbeat_interval=BEAT_S,
            stalled_worker_timeout=SILENT_S,
            fetch_job_polling_interval=1,
            install_signal_handlers=False,
        )


# pgqueuer


async def pgqueuer_fill(url: str, jobs: int) -> None:
    """Create the queue's tables and add the jobs."""
    from pgqueuer.db import PsycopgDriver
    from pgqueuer.queries import Queries

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw, PsycopgDriver(raw) as driver:
        queries = Queries(driver)
        await queries.install()
        await queries.enqueue(["work"] * jobs, [b"%d" % job for job in range(1, jobs + 1)], [0] * jobs)


async def pgqueuer_work(url: str) -> None:
    """Run jobs; the queue itself takes back those with a late heartbeat."""
    from pgqueuer import PgQueuer
    from pgqueuer.db import PsycopgDriver
    from pgqueuer.executors import DatabaseRetryEntrypointExecutor

    def executor(parameters: Any) -> Any:
        return DatabaseRetryEntrypointExecutor(
            parameters=parameters, max_attempts=100, initial_delay=timedelta(seconds=1), max_delay=timedelta(seconds=1)
        )

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw:
        queue = PgQueuer(PsycopgDriver(raw))

        async def task(job: Any) -> None:
            await work(url, int(job.payload))

        queue.entrypoint("work", on_failure="hold", executor_factory=executor)(task)
        await queue.run(
            batch_size=1,
            max_concurrent_tasks=AT_ONCE,
            dequeue_timeout=timedelta(seconds=1),
            heartbeat_timeout=timedelta(seconds=SILENT_S),
        )


# rows of due jobs, and a lock


async def lock_fill(url: str, jobs: int) -> None:
    """Add a row for each job."""
    async with await psycopg.AsyncConnection.connect(url) as raw:
        await raw.execute("insert into due select generate_series(1, %s)", (jobs,))


async def lock_work(url: str, *, resumes: bool) -> None:
    """Wait for the lock and run due jobs. A job is marked before it runs, so that a failing one does not loop.

    resumes: first clear the marks of unfinished jobs
    """
    slots = asyncio.Semaphore(WORKERS * AT_ONCE)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as raw:
        await raw.execute("select pg_advisory_lock(1)")
        if resumes:
            await raw.execute("update due set noted = false where not finished")

        async def run(job: int) -> None:
            try:
                await work(url, job)
                await raw.execute("update due set finished = true where job = %s", (job,))
            finally:
                slots.release()

        async with asyncio.TaskGroup() as running:
            while True:
                await slots.acquire()
                row = await (
                    await raw.execute(
                        """update due set noted = true where job = (select min(job) from due where not noted)
                        returning job"""
                    )
                ).fetchone()
                if row is not None:
                    running.create_task(run(row[0]))
                else:
                    slots.release()
                    await asyncio.sleep(0.2)


Work = Callable[[str], Coroutine[Any, Any, None]]
WAYS: dict[str, tuple[str, Callable[[str, int], Coroutine[Any, Any, None]], Work, str]] = {
    "ours, over procrastinate": (
        "procrastinate",
        own_fill,
        own_work,
        "select count(*) from jobs.procrastinate_jobs where status = 'doing'",
    ),
    "ours, claimed before the work": (
        "procrastinate",
        own_fill,
        own_claimed_work,
        "select count(*) from due where claimed and not finished",
    ),
    "procrastinate by itself": (
        "procrastinate",
        procrastinate_fill,
        procrastinate_work,
        "select count(*) from procrastinate_jobs where status = 'doing'",
    ),
    "pgqueuer": ("pgqueuer", pgqueuer_fill, pgqueuer_work, "select count(*) from pgqueuer where status = 'picked'"),
    "lock, noted before the run": (
        "psycopg",
        lock_fill,
        lambda url: lock_work(url, resumes=False),
        "select count(*) from due where noted and not finished",
    ),
    "lock, unfinished ones resumed": (
        "psycopg",
        lock_fill,
        lambda url: lock_work(url, resumes=True),
        "select count(*) from due where noted and not finished",
    ),
}


PRODUCERS: dict[str, Work] = dict.fromkeys(("ours, over procrastinate", "ours, claimed before the work"), own_produce)


class Processes:
    """Two workers, and a producer if the way has one; each is restarted when it ends."""

    def __init__(self, way: str, url: str) -> None:
        self._url = url
        self._ways = [way] * WORKERS + [f"{PRODUCER} {way}"] * (way in PRODUCERS)
        self._processes = [self._start(way) for way in self._ways]
        self._paused: subprocess.Popen[bytes] | None = None
        self.ended = 0

    def _start(self, way: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bench.job_queues", "--worker", way, self._url]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def restart_ended(self) -> None:
        """Restart processes that ended by themselves."""
        for at, process in enumerate(self._processes):
            if process.poll() is not None:
                self.ended += 1
                self._processes[at] = self._start(self._ways[at])

    def kill_one(self, rng: random.Random) -> None:
        """Kill a worker or the producer, and restart it."""
        at = rng.randrange(len(self._processes))
        self._processes[at].kill()
        self._processes[at].wait()
        self._processes[at] = self._start(self._ways[at])

    def pause_one(self, rng: random.Random) -> None:
        """Pause a worker until `resume`."""
        self._paused = self._processes[rng.randrange(WORKERS)]
        self._paused.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the paused worker continue, unless it was killed meanwhile."""
        if self._paused is not None:
            self._paused.send_signal(signal.SIGCONT)
            self._paused = None

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()


def measure(cluster: Cluster, way: str, jobs: int, kills: int, pauses: int, rng: random.Random) -> None:
    """Run the jobs in one way, and print how many were lost and doubled."""
    url = cluster.new_database()
    if way in PRODUCERS:
        Store.connect(url).close()  # it requires a database without other tables
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute(TABLES)
    asyncio.run(WAYS[way][1](url, jobs))
    processes = Processes(way, url)
    killed = paused = idle_kills = 0
    began = quiet_since = time.monotonic()
    rows, next_kill, resume_at, restarted = 0, began + 3, float("inf"), False
    try:
        while True:
            time.sleep(0.05)
            processes.restart_ended()
            now = time.monotonic()
            if now >= resume_at:
                processes.resume()
                resume_at = float("inf")
            if now >= next_kill and killed < kills:
                processes.kill_one(rng)
                killed += 1
                idle_kills += rows >= jobs
                next_kill = now + rng.uniform(0.5, 2.5)
                if paused < pauses and killed >= (paused + 1) * kills // (pauses + 1) and resume_at == float("inf"):
                    processes.pause_one(rng)
                    paused += 1
                    resume_at = now + SILENT_S + 3
                    next_kill = resume_at + 1
            if killed >= kills // 2 and not restarted:
                cluster.restart(crash=True)
                restarted = True
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as raw:
                row = raw.execute("select count(distinct job) from done").fetchone()
                assert row is not None
                if row[0] != rows:
                    rows, quiet_since = row[0], now
            if killed >= kills and now - max(quiet_since, next_kill - 2.5) > (QUIET_S if rows < jobs else 5):
                break
    finally:
        processes.close()
    with psycopg.connect(url) as raw:
        counts = raw.execute(COUNTS, (jobs,)).fetchone()
        stalled = raw.execute(WAYS[way][3].encode()).fetchone()
    assert counts is not None
    assert stalled is not None
    print(
        f"{way:34}{jobs:6}{killed:7}{paused:7}{counts[0]:6}{stalled[0]:9}{counts[1]:9}{counts[2]:9}"
        f"   {processes.ended} ended by themselves; {idle_kills} kills after the last job; {quiet_since - began:.0f} s",
        flush=True,
    )


def main() -> int:
    """Measure each way in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=600)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--pauses", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--worker", nargs=2, metavar=("WAY", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    # Both queues log each job that fails while the database is down.
    logging.disable(logging.CRITICAL)
    if options.worker:
        way, url = options.worker
        action = PRODUCERS[way.removeprefix(f"{PRODUCER} ")] if way.startswith(PRODUCER) else WAYS[way][2]
        asyncio.run(action(url))
        return 0
    folder = binaries()
    if reason := why_not():
        print(f"skipped: {reason}")
        return 0
    assert folder is not None
    print(f"{'way':34}{'jobs':>6}{'kills':>7}{'pauses':>7}{'lost':>6}{'stalled':>9}{'doubled':>9}{'at once':>9}")
    with running_cluster(folder) as cluster:
        for way in options.ways:
            if importlib.util.find_spec(WAYS[way][0]) is None:
                print(f"{way:34}skipped: {WAYS[way][0]} is not installed")
                continue
            measure(cluster, way, options.jobs, options.kills, options.pauses, random.Random(options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
