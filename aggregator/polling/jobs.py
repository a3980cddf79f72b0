"""Run named jobs again and again, one of each at a time, until told to stop.

Knows APScheduler. What a job does, and which jobs there are, is the caller's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Action = Callable[[], Awaitable[None]]


class Jobs:
    """Jobs on the running event loop.

    A job that is late runs once, however late it is; one that still runs is not
    started again; one that fails is logged and runs again at its next time.
    """

    def __init__(self) -> None:
        # Skipping a job that still runs is what we ask for, so it is no warning.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._running: set[asyncio.Task[None]] = set()

    def every(self, interval: timedelta, name: str, action: Action) -> None:
        """Run *action* every *interval*, the first time one interval from the start."""

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await action()
            except Exception:
                # One job must not stop the others, and it must come round again.
                log.exception("job %s failed; it runs again in %s", name, interval)
            finally:
                self._running.discard(task)

        self._scheduler.add_job(run, "interval", seconds=interval.total_seconds(), id=name)

    async def run_until(self, stop: asyncio.Event, patience: timedelta = timedelta(seconds=3)) -> None:
        """Run the jobs until *stop* is set, then wait at most *patience* for those under way."""
        self._scheduler.start()
        await stop.wait()
        self._scheduler.pause()
        late: set[asyncio.Task[None]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience.total_seconds())
        self._scheduler.shutdown(wait=False)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
