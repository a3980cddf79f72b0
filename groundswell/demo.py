"""Play the sample edition: a local feed server, the earlier days at once, then a clock that runs faster."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.cli.options import progress_bar
from aggregator.demo import edition as sample
from aggregator.demo.publish import feeds_yaml
from aggregator.demo.server import FeedServer
from aggregator.model import Clock
from aggregator.model.clock import FastClock, SteppedClock
from aggregator.polling.poller import Poller
from aggregator.site.config_watcher import ConfigWatch
from aggregator.store import Store
from aggregator.store.lock import WorkerLock
from aggregator.store.postgres.address import VARIABLE as DATABASE_URL
from groundswell.clock import CLOCK_VARIABLE, now

STEP = timedelta(minutes=30)
"""Between two polls of the earlier days."""
ARCHIVE_STEP = timedelta(hours=1)
"""The same in the archive, where single minutes do not matter."""
DAY = timedelta(days=1)
REFRESH_S = 5
"""Seconds after which a page of the demo reloads."""


@contextmanager
def sample_site(address: str, start: timedelta, speed: float) -> Iterator[tuple[Path, Path]]:
    """Yield feeds.yaml and database of a site that has polled the edition's first *start*; its clock runs from then on.

    address: of the site
    speed:   how many times as fast as real time the edition runs, here and in every process started from here. After
             its end time runs as usual, or within half an hour every source would be silent and every story old.
    """
    os.environ.pop(DATABASE_URL, None)  # the edition uses a temporary database
    edition = sample.load()
    begin = sample.STARTS_AT + start
    played = SteppedClock(sample.ARCHIVE_STARTS_AT)
    clock: Clock = played
    with (
        tempfile.TemporaryDirectory(prefix="groundswell-demo-") as folder,
        FeedServer(edition, lambda: clock()) as server,
    ):
        feeds, db = Path(folder) / "feeds.yaml", Path(folder) / "demo.db"
        feeds.write_text(feeds_yaml(edition, server.base_url, address), encoding="utf-8")
        asyncio.run(play(feeds, db, played, begin))
        clock = fast = FastClock(now, now(), begin, speed, sample.ENDS_AT)
        os.environ[CLOCK_VARIABLE] = fast.spec
        yield feeds, db


async def play(feeds: Path, db: Path, clock: SteppedClock, until: datetime, step: timedelta = STEP) -> None:
    """Poll and score the edition up to *until*, as the worker would have done at the time.

    Every midnight the site measures itself, so that the demo has a scorecard.
    """
    from scoring.evaluation.site.scorecard import measure
    from scoring.learning.model_store import current
    from scoring.updater import Updater

    with WorkerLock(db), Store.open(db) as store:
        config = ConfigWatch(feeds, store, os.environ).start(clock())
        updater = Updater(store, config, current(store.models))
        with progress_bar("Playing the days before") as bar:
            task = bar.add_task("", total=(until - clock.at) / DAY)
            # Sequentially, so that entries arrive in the same order at each start.
            in_order = replace(config, limits=replace(config.limits, concurrency=1))
            async with Poller(in_order, store=store, clock=clock, rng=random.Random(0)) as poller:
                while clock.at < until:
                    before = clock.at
                    pace = step if before >= sample.STARTS_AT else ARCHIVE_STEP
                    clock.at = min(before + pace, until)
                    # One commit a step: no other process uses the database yet.
                    with store.transaction():
                        await poller.poll_now()
                    updater.run(clock.at)
                    if clock.at.date() > before.date():
                        measure(store, config, clock.at)
                    bar.update(task, advance=(clock.at - before) / DAY, description=f"{clock.at:%A %H:%M}")
            # The worker of the demo measures again a day after this.
            store.state.set_moment("measured_at", clock.at)
