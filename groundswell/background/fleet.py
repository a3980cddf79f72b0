"""Run background jobs from the queue in PostgreSQL, in each process of the role `score`, standbys included.

These have feeds.yaml, which training and measuring read. Pollers do not, and their machines may be small.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from aggregator.errors import ConfigError, StoreError
from aggregator.model import Clock, Config
from aggregator.site.config_watcher import AppliedConfig
from aggregator.site.database import open_store, run_jobs
from aggregator.store import Store, StoreFault
from groundswell.background.moments import RETRY
from groundswell.background.schedule import MOMENTS
from groundswell.background.work import LongWork

log = logging.getLogger(__name__)

PAUSE_S = 2.0
LONG_AT_ONCE, MESSAGES_AT_ONCE, CALLS_AT_ONCE = 2, 4, 20
AGAIN_S = 10.0
"""Wait of a short job after a failure. A message that a service refuses is not a failed job."""


async def run_background_jobs(feeds: Path, db: Path, clock: Clock, stop: asyncio.Event) -> None:
    """Run background jobs until *stop* is set."""
    message = ""
    while not stop.is_set():
        try:
            with open_store(db) as store:
                await _run(feeds, db, store, clock, stop)
        except (StoreError, StoreFault) as error:
            if str(error) != message:
                message = str(error)
                log.warning("background jobs wait: %s", message)
        except Exception:
            # The scorer continues, and so must its jobs.
            log.exception("background jobs stopped; they start again")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE_S)


async def _run(feeds: Path, db: Path, store: Store, clock: Clock, stop: asyncio.Event) -> None:
    from web.alerts import MESSAGES, deliver_by_id
    from web.websub.rendering import Documents, FeedRenderer
    from web.websub.subscriber_calls import CONFIRMATIONS, DELIVERIES, SubscriberCalls

    work = LongWork(feeds, db, store, clock)
    documents = Documents(store, FeedRenderer(db, clock))
    applied = _Applied(store, documents.forget)

    async def run(job: str) -> None:
        await work.run(job, applied.config())

    async def send(message_id: int) -> None:
        await deliver_by_id(store, applied.config(), message_id, clock())

    async def confirm(number: int) -> None:
        async with SubscriberCalls(applied.config(), store, documents) as calls:
            await calls.confirm_by_id(number, clock())

    async def deliver(number: int) -> None:
        async with SubscriberCalls(applied.config(), store, documents) as calls:
            await calls.deliver_by_id(number, clock())

    try:
        await run_jobs(
            stop,
            ({job: partial(run, job) for job in MOMENTS}, LONG_AT_ONCE, RETRY.total_seconds()),
            ({MESSAGES: send}, MESSAGES_AT_ONCE, AGAIN_S),
            ({CONFIRMATIONS: confirm, DELIVERIES: deliver}, CALLS_AT_ONCE, AGAIN_S),
        )
    finally:
        documents.close()


class _Applied:
    """The last applied configuration; *on_change* is called when it changes."""

    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._watch = AppliedConfig(store, os.environ)
        self._config: Config | None = None

    def config(self) -> Config:
        """Return it; StoreError if none can be read here."""
        try:
            if changed := self._watch.check():
                self._config = changed
                self._on_change()
        except ConfigError as error:
            raise StoreError(f"the configuration cannot be read here: {error.public}") from None
        if self._config is None:
            raise StoreError("no feeds.yaml was applied to this database yet")
        return self._config
