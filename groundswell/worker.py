"""The worker: polls, groups, scores, publishes, trains and prunes, each as a job.

    every 0.5 s   start due polls; process what they stored
    every 2 s     publish to subscribers, renew our own subscriptions, follow the chosen model
    every minute  train, prune, measure and back up, if due (`groundswell.background`)

Knows how often each job runs. Each job writes in its own transactions, so the next worker continues where a killed one
stopped, and repeats the long job that was interrupted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.errors import DatabaseInUseError, StoreError
from aggregator.model import Clock, Config
from aggregator.model.actions import ActionKind
from aggregator.model.clock import FastClock, machine_time
from aggregator.polling.clock_steps import ClockSteps, SteadyClock
from aggregator.polling.jobs import Jobs
from aggregator.polling.poller import Poller
from aggregator.polling.posted import PostedEntriesJob
from aggregator.polling.websub_subscriber import HubSubscriber
from aggregator.process import keep_heap_small
from aggregator.site.config_watcher import ConfigWatch
from aggregator.site.database import end_silent_writer, is_file, open_as_only_writer, open_store
from aggregator.store import Store, StoreFault
from aggregator.store.cluster.jobs import JobQueue
from aggregator.text.ip_addresses import is_public_host
from groundswell.background.fleet import run_background_jobs
from groundswell.background.schedule import Schedule
from groundswell.background.steps import PutInQueue, RunHere, Steps
from groundswell.background.work import LongWork
from groundswell.clock import boot_time_s
from groundswell.poller import log_poll
from groundswell.scorer import Scorer

if TYPE_CHECKING:
    from web.websub.publisher import Publisher

log = logging.getLogger(__name__)

LONG_JOBS = {"train": 20, "prune": 60, "measure": 60, "backup": 20, "languages": 30}
"""Seconds between two checks for due long jobs."""
STAND_BY_S = 2.0
"""Seconds between two checks of whether another process is still working."""
DISPLACED = 3
"""Exit code of a worker whose database was deleted or replaced; the next one opens the new database."""


async def stand_by(feeds: Path, db: Path, clock: Clock, stop: asyncio.Event) -> int:
    """Work without polling when no other process does, until *stop* is set; return the exit code.

    For PostgreSQL: one of several machines works, and another takes over if that one ends or stops responding. All run
    background jobs meanwhile.
    """
    background = asyncio.create_task(run_background_jobs(feeds, db, clock, stop))
    try:
        return await _work_or_wait(feeds, db, clock, stop)
    finally:
        stop.set()
        await background


async def _work_or_wait(feeds: Path, db: Path, clock: Clock, stop: asyncio.Event) -> int:
    waiting = False
    while not stop.is_set():
        try:
            return await work(feeds, db, clock, stop, polls=False)
        except DatabaseInUseError as error:
            if not waiting:
                log.info("standing by: %s", error)
            waiting = True
        end_silent_writer()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), STAND_BY_S)
    return 0


async def work(feeds: Path, db: Path, clock: Clock, stop: asyncio.Event, *, polls: bool = True) -> int:
    """Poll, update, train and prune until *stop* is set; return the exit code.

    polls: whether this process starts polls; it stores deliveries of hubs and posted entries in any case
    """
    from web.websub.publisher import Publisher
    from web.websub.rendering import FeedRenderer

    keep_heap_small()
    if not isinstance(clock, FastClock):
        clock = SteadyClock(clock, boot_time_s)
    with open_as_only_writer(db) as store:
        watch = ConfigWatch(feeds, store, os.environ)
        config = watch.start(clock())
        scorer = Scorer(db, config)
        log.info("%d sources; database %s", len(config.sources), db)
        # Jitter only spreads requests over time; nothing that is stored depends on it.
        rng = random.Random(os.getpid())
        queue = None if is_file() else store.job_queue()
        async with (
            Poller(config, store=store, clock=clock, rng=rng, finished=log_poll) as poller,
            Publisher(config, store=store, renderer=FeedRenderer(db, clock), queue=queue) as publisher,
        ):
            worker = Worker(feeds, db, store, clock, config, watch, scorer, poller, publisher, stop, queue)
            await worker.heartbeat()
            await scorer.encode()
            await worker.jobs(polls=polls).run_until(stop)
        await scorer.close()
    return worker.exit_code


class Worker:
    """The jobs of the worker, one method each, and their intervals."""

    def __init__(
        self,
        feeds: Path,
        db: Path,
        store: Store,
        clock: Clock,
        config: Config,
        watch: ConfigWatch,
        scorer: Scorer,
        poller: Poller,
        publisher: Publisher,
        stop: asyncio.Event,
        queue: JobQueue | None,
    ) -> None:
        from scoring.insights.summarizer import Summarizer
        from web.alerts import Dispatcher

        self._feeds = feeds
        self._db = db
        self._store = store
        self._clock = clock
        self._config = config
        self._watch = watch
        self._scorer = scorer
        self._poller = poller
        self._publisher = publisher
        self._stop = stop
        self.exit_code = 0
        self._narrator = Summarizer(config, store)
        self._clock_steps = (
            ClockSteps(clock, boot_time_s, clock.current_speed)
            if isinstance(clock, FastClock)
            else ClockSteps(clock, boot_time_s)
        )
        self._schedule = Schedule(store, config, clock, self._is_clock_settled)
        self._alerts = Dispatcher(config, store, db.absolute().parent, queue, self._is_clock_settled)
        self._long: Steps = (
            RunHere(self._schedule, LongWork(feeds, db, store, clock))
            if queue is None
            else PutInQueue(self._schedule, store, queue)
        )
        self._posted = PostedEntriesJob(config, store, poller)
        self._hubs = HubSubscriber(config, base=_address_for_hubs(config), store=store, clock=clock, poller=poller)

    def jobs(self, *, polls: bool = True) -> Jobs:
        """Return the jobs with their intervals."""
        jobs = Jobs(self._give_way)
        jobs.every(timedelta(seconds=1), "config", self.apply_config)
        jobs.every(timedelta(seconds=0.5), "poll", self.start_polls if polls else self._check_clock)
        jobs.every(timedelta(seconds=0.5), "update", self.update)
        jobs.every(timedelta(seconds=1), "encode", self._scorer.encode)
        jobs.every(timedelta(seconds=2), "publish", self.publish)
        jobs.every(timedelta(seconds=2), "hubs", self._hubs.step)
        jobs.every(timedelta(seconds=1), "posted entries", self._posted.step)
        jobs.every(timedelta(seconds=10), "heartbeat", self.heartbeat)
        jobs.every(timedelta(seconds=10), "database", self.watch_database)
        jobs.every(timedelta(seconds=2), "model", self.follow_model)
        jobs.every(timedelta(seconds=15), "narrate", self.narrate)
        jobs.every(timedelta(seconds=5), "alerts", self.send_alerts)
        for job, interval_s in LONG_JOBS.items():
            jobs.every(timedelta(seconds=interval_s), job, partial(self._long.step, job))
        return jobs

    async def apply_config(self) -> None:
        """Apply the last saved feeds.yaml."""
        if changed := self._watch.check(self._clock()):
            self._config = self._schedule.config = changed
            self._posted.reconfigure(changed)
            self._hubs.reconfigure(changed, _address_for_hubs(changed))
            await self._poller.reconfigure(changed)
            await self._scorer.reconfigure(changed, self._clock())
            await self._publisher.reconfigure(changed)
            self._narrator.reconfigure(changed)
            self._alerts.reconfigure(changed)

    async def start_polls(self) -> None:
        """Start the polls that are due."""
        if step := self._clock_steps.check():
            self._poller.clock_was_set(step)
        self._poller.start_due()

    def _is_clock_settled(self) -> bool:
        return self._clock_steps.is_settled

    async def _check_clock(self) -> None:
        """Check whether the system clock was set."""
        self._clock_steps.check()

    async def update(self) -> None:
        """Process new events into stories and scores."""
        await self._scorer.update(self._clock())

    async def publish(self) -> None:
        """Notify subscribers of the site's own hub."""
        await self._publisher.step(self._clock())

    async def heartbeat(self) -> None:
        """Store the heartbeat."""
        self._store.state.beat(self._clock(), "" if isinstance(self._clock, FastClock) else machine_time())

    def _give_way(self, error: DatabaseInUseError) -> None:
        """Stop, because the database was unreachable for a while and another process has taken over."""
        if self._stop.is_set():
            return
        log.error("%s; this process stands by", error)
        self.exit_code = DISPLACED
        self._stop.set()

    async def watch_database(self) -> None:
        """Stop if the database was deleted or replaced, and save what only this process can still read."""
        change = self._store.displacement()
        if not change or self._stop.is_set():
            return
        copy = self._db.with_name(f"{self._db.name}.rescued-{self._clock():%Y%m%dT%H%M%S}")
        try:
            self._store.copy_to(copy, {})
            note = f"its content is saved as {copy.name}"
        except StoreError as error:
            note = f"its content could not be saved: {error}"
        message = f"the database was {change} while the worker used it; {note}"
        log.error("%s: %s; restarting the worker with the current files", self._db, message)
        self.exit_code = DISPLACED
        self._stop.set()
        try:
            with open_store(self._db) as store:
                store.actions.note("database", ActionKind.DATABASE_REPLACED, self._clock(), {"what": message})
        except (StoreError, StoreFault) as error:
            log.error("%s", error)

    async def follow_model(self) -> None:
        """Use the last chosen model."""
        await self._scorer.follow_model(self._clock())

    async def narrate(self) -> None:
        """Let the configured language model summarize stories."""
        await self._narrator.step(self._clock())

    async def send_alerts(self) -> None:
        """Send alerts about stories to the targets in feeds.yaml, and alarms to the operator."""
        await self._alerts.step(self._clock())


def _address_for_hubs(config: Config) -> str:
    """Return the site's address if hubs can reach it, else ""."""
    url = config.site.url.rstrip("/")
    return url if is_public_host(urlsplit(url).hostname or "") else ""
