"""Run background jobs in this process, next to others on any machine, and take over those of processes that died.

    every 5 s    this worker's heartbeat; put back the jobs of workers that were silent for 30 s
    a new job    the server notifies every worker, and the first one takes it

A job that fails or is cut short runs again, five times in all: it may be what ends the worker. Where a job holds an
advisory lock of its name, the sessions that hold it are ended before it runs elsewhere, so that a process which was
only paused cannot write any more. Everything here restarts after an error: a lost connection leaves jobs
behind as those of a dead worker, which are taken over like any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from aggregator.errors import GroundswellError, StoreFault
from aggregator.store.postgres import locks
from aggregator.store.postgres.connection import connection_arguments
from aggregator.store.postgres.queue.deferring import SCHEMA, procrastinate
from aggregator.store.postgres.queue.own_jobs import OwnJobs

log = logging.getLogger(__name__)

Action = Callable[..., Awaitable[None]]

BEAT_S, SILENT_S = 5.0, 30.0
LOOK_S = 1.0
"""Between two looks for jobs; the server announces new ones, but not those that are put back or waited for a lock."""
TRIES, AGAIN_S = 5, 300.0
"""How often a job is started, and how long a long one waits after it failed. A crash of the server can cost two starts:
one is cut short, and the next finds the server recovering."""
FORGET_HOURS, FORGET_EVERY_S = 24 * 30, 3600.0
"""How long a failed job stays, and how often older ones are removed."""
PATIENCE_S = 2.0
"""For jobs under way when this process stops."""
PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that share a number of places, so that long ones do not keep short ones waiting.

    actions: what to do, by the names of jobs
    at_once: how many run in this process at a time
    again_s: how long one waits after it failed
    """

    actions: Mapping[str, Action]
    at_once: int = 2
    again_s: float = AGAIN_S


class JobRunner:
    """Runs jobs of the queue. Those of a name that no group has are left alone.

    beat_s, silent_s, tries: see the module's constants
    """

    def __init__(
        self,
        url: str,
        *groups: Group,
        beat_s: float = BEAT_S,
        silent_s: float = SILENT_S,
        tries: int = TRIES,
    ) -> None:
        self._url = url
        self._groups = groups
        self._beat_s, self._silent_s = beat_s, silent_s
        self._tries = tries
        self._library = procrastinate()
        self._running: Counter[int] = Counter()

    async def run_until(self, stop: asyncio.Event) -> None:
        """Run jobs until *stop* is set; those under way then are given back."""
        has_failed = False
        while not stop.is_set():
            try:
                await self._run(stop)
                has_failed = False
            except (self._library.exceptions.ProcrastinateException, psycopg.Error, StoreFault) as error:
                if not has_failed:
                    log.warning("background jobs wait for the database: %s", error.__cause__ or error)
                has_failed = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_S)

    async def _run(self, stop: asyncio.Event) -> None:
        """Run jobs until *stop* is set, or something fails."""
        lost = asyncio.Event()
        app = self._app(lost.set)
        async with app.open_async():
            running = [
                asyncio.create_task(each)
                for each in (
                    *(self._work(app, group) for group in self._groups),
                    self._put_back(app),
                    stop.wait(),
                    lost.wait(),
                )
            ]
            try:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in running:
                    task.cancel()
                ends = await asyncio.gather(*running, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _work(self, app: Any, group: Group) -> Coroutine[Any, Any, None]:
        work: Coroutine[Any, Any, None] = app.run_worker_async(
            queues=list(group.actions),
            concurrency=group.at_once,
            fetch_job_polling_interval=min(LOOK_S, self._beat_s),
            update_heartbeat_interval=self._beat_s,
            stalled_worker_timeout=self._silent_s,
            shutdown_graceful_timeout=PATIENCE_S,
            delete_jobs="successful",
            install_signal_handlers=False,
        )
        return work

    def _app(self, on_lost: Callable[[], None]) -> Any:
        arguments = connection_arguments(f"{locks.process_name()} jobs")
        arguments["options"] += f" -c search_path={SCHEMA}"
        connector = self._library.PsycopgConnector(
            conninfo=self._url, kwargs=arguments, min_size=1, max_size=3, timeout=5
        )
        app = self._library.App(connector=connector)
        app.job_manager = OwnJobs(app.job_manager, on_lost)
        for group in self._groups:
            for name, action in group.actions.items():
                retry = _Retry(group.again_s, self._tries)
                app.task(name=name, queue=name, pass_context=True, retry=retry)(self._noted(name, action))
        return app

    def _noted(self, name: str, action: Action) -> Action:
        """Return *action* with what procrastinate calls it with; it is noted while it runs, and how it failed."""

        async def run(context: Any, **arguments: object) -> None:
            job_id = context.job.id
            self._running[job_id] += 1
            try:
                await action(**arguments)
            except (StoreFault, GroundswellError) as error:
                log.error("job %s failed: %s", name, error)
                raise
            except Exception:
                log.exception("job %s failed", name)
                raise
            finally:
                self._running -= Counter((job_id,))  # without those that are at zero

        return run

    async def _put_back(self, app: Any) -> None:
        """Put back the jobs of silent workers again and again.

        A loop, and not a job itself: that would be left behind like the others.
        """
        manager = app.job_manager
        now = asyncio.get_running_loop().time
        forget_at = now()
        while True:
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._silent_s):
                if self._running[job.id] > 0:
                    continue  # this process itself was silent, for example since its machine slept
                await manager.connector.execute_query_all_async(locks.END_HOLDERS, **locks.key_of(job.task_name))
                if job.attempts + 1 >= self._tries:
                    log.error("job %s ended with its process %d times; it is given up", job.task_name, job.attempts + 1)
                    await manager.finish_job(job, self._library.jobs.Status.FAILED, False)
                else:
                    log.warning("job %s was left by a process that ended or fell silent; it runs again", job.task_name)
                    await manager.retry_job(job)
            if now() >= forget_at:
                await manager.delete_old_jobs(
                    nb_hours=FORGET_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
                )
                forget_at = now() + FORGET_EVERY_S
            await asyncio.sleep(self._beat_s)


class _Retry:
    """Says whether and when a job that did not succeed runs again; what procrastinate calls a retry strategy."""

    def __init__(self, again_s: float, tries: int) -> None:
        self._again_s = again_s
        self._tries = tries

    def get_retry_exception(self, exception: BaseException, job: Any) -> Any:
        library = procrastinate()
        if job.attempts + 1 >= self._tries:
            return None
        # Cut short because this process stops: another one goes on at once.
        is_cut_short = isinstance(exception, asyncio.CancelledError)
        seconds = 0 if is_cut_short else self._again_s
        return library.exceptions.JobRetry(library.RetryDecision(retry_in={"seconds": seconds}))
