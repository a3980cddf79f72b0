"""One of several polling processes: `groundswell worker --role poll`, with PostgreSQL.

    every 2 s     renew the lease, and take or return shards (`aggregator.store.cluster.leases`)
    every 1 s     follow the configuration that the scorer applied
    every 0.5 s   start the due polls of the leased shards

It needs no feeds.yaml: the scorer applies it, and every poller reads it from the database. Its variables (passwords)
come from the environment of the poller.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from aggregator.model import Clock, Config
from aggregator.polling.jobs import Jobs
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.site.config_watcher import AppliedConfig
from aggregator.site.database import open_store, require_server
from aggregator.store import StoreFault

log = logging.getLogger(__name__)

WAIT_S = 2.0


async def poll_shards(db: Path, clock: Clock, stop: asyncio.Event) -> int:
    """Poll the due sources of the leased shards until *stop* is set; return the exit code."""
    require_server("`--role poll`")
    with open_store(db) as store:
        applied = AppliedConfig(store, os.environ)
        config = await _first_config(applied, stop)
        if config is None:
            return 0
        name = f"{platform.node()} {os.getpid()} {secrets.token_hex(4)}"
        leases = store.poll_leases(name)
        log.info("%d sources; poller %s", len(config.sources), name)
        # Jitter only spreads requests over time; nothing that is stored depends on it.
        rng = random.Random(os.getpid())
        async with Poller(config, store=store, clock=clock, rng=rng, finished=log_poll, leases=leases) as poller:
            poller.renew_lease()
            await _jobs(poller, applied).run_until(stop)
        with suppress(StoreFault):  # then it runs out
            leases.leave()
    return 0


async def _first_config(applied: AppliedConfig, stop: asyncio.Event) -> Config | None:
    """Return the configuration once a scorer has applied one; None if *stop* was set first."""
    config = applied.check()
    if config is None:
        log.info("no feeds.yaml was applied to this database yet; waiting for the scorer")
    while config is None and not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WAIT_S)
        config = applied.check()
    return config


def _jobs(poller: Poller, applied: AppliedConfig) -> Jobs:
    async def follow_config() -> None:
        if config := applied.check():
            await poller.reconfigure(config)
            log.info("configuration applied: %d sources", len(config.sources))

    async def renew() -> None:
        poller.renew_lease()

    async def start_polls() -> None:
        poller.start_due()

    jobs = Jobs()
    jobs.every(timedelta(seconds=2), "lease", renew)
    jobs.every(timedelta(seconds=1), "config", follow_config)
    jobs.every(timedelta(seconds=0.5), "poll", start_polls)
    return jobs


def log_poll(polled: Polled) -> None:
    """Log a poll with new entries."""
    if polled.new or polled.edited:
        log.info("%s: %s", polled.source_id, polled.state.last_message)
