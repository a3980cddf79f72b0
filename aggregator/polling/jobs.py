"""Run named jobs repeatedly, each at most once at a time, until stopped.

    every interval of the loop's monotonic clock: make the job due in APScheduler
    APScheduler:                                  start it, unless it is still running

APScheduler's own timers run on the system clock. Set back by a month, it would start nothing for a month; set
forward, it would count every run that was missed, five million a month for a job that runs twice a second. So its
jobs have no times of their own, and the event loop makes them due. The caller defines the jobs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from aggregator.errors import DatabaseInUseError, StoreFault

log = logging.getLogger(__name__)

Action = Callable[[], Awaitable[None]]

_NEVER = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = datetime.min.replace(year=1970, tzinfo=UTC)


class Jobs:
    """Jobs on the running event loop.

    A late job runs once, however late it is. A running job is not started again. A failure is logged, and the job runs
    again at its next time.

    on_displaced: called when a job finds that another process has taken over the database
    """

    def __init__(self, on_displaced: Callable[[DatabaseInUseError], None] | None = None) -> None:
        self._on_displaced = on_displaced
        # Skipping a running job is intended, so it is not a warning.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # No run counts as missed, however late, and ten late runs are one: a laptop that wakes up polls once, not
            # all night's.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._intervals_s: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def every(self, interval: timedelta, name: str, action: Action) -> None:
        """Run *action* every *interval*, first one interval after the start."""

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await action()
            except asyncio.CancelledError:
                # A stop is not a failure, but APScheduler would log one.
                if not self._is_stopping:
                    raise
                log.info("job %s was still running and was stopped", name)
            except DatabaseInUseError as error:
                if self._on_displaced is None:
                    raise
                self._on_displaced(error)
            except StoreFault as error:
                # The server or the disk failed; a traceback of this program would not help the operator.
                log.error("job %s failed: %s; it runs again in %s", name, error, interval)
            except Exception:
                # A failing job must not stop the others, and must run again.
                log.exception("job %s failed; it runs again in %s", name, interval)
            finally:
                self._running.discard(task)

        self._scheduler.add_job(run, _OnDemandTrigger(), id=name)
        self._intervals_s[name] = interval.total_seconds()

    async def run_until(self, stop: asyncio.Event, patience: timedelta = timedelta(seconds=3)) -> None:
        """Run the jobs until *stop* is set, then wait at most *patience* for running ones."""
        self._scheduler.start()
        now = asyncio.get_running_loop().time()
        for name, interval_s in self._intervals_s.items():
            self._set_timer(name, now + interval_s)
        await stop.wait()
        for timer in self._timers.values():
            timer.cancel()
        # Paused before waiting, so that no job starts again.
        self._scheduler.pause()
        late: set[asyncio.Task[None]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience.total_seconds())
        self._is_stopping = True
        self._scheduler.shutdown(wait=False)
        for task in late:
            task.cancel()
        # Cancelled tasks close sockets and roll back; a second is enough, and a task that ignores it must not keep the
        # process.
        if late:
            await asyncio.wait(late, timeout=1)

    def _set_timer(self, name: str, due_s: float) -> None:
        self._timers[name] = asyncio.get_running_loop().call_at(due_s, self._start, name, due_s)

    def _start(self, name: str, due_s: float) -> None:
        self._scheduler.modify_job(name, next_run_time=_AT_ONCE)
        # A loop that was blocked for longer than an interval does not catch up.
        self._set_timer(name, max(due_s, asyncio.get_running_loop().time()) + self._intervals_s[name])


class _OnDemandTrigger(BaseTrigger):  # type: ignore[misc]
    """A job that APScheduler never starts by time."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return _NEVER
