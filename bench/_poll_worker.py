"""The process that bench/poll.py measures: it imports what polling needs and nothing else.

python -m bench._poll_worker DATABASE URLS HOURS|update|nothing
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.model import Config, Limits, PollLimits, Site, Source
from aggregator.polling.poller import Poller
from aggregator.store import Store

HOSTS = 250
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def worker(db: Path, urls: Path, what: str) -> None:
    """Poll every feed once (*what* hours after noon), score what is stored, or do nothing."""
    lines = urls.read_text().split()
    hosts = tuple(f"127.0.0.{number}" for number in range(1, HOSTS + 1))
    sources = tuple(
        Source(f"f{number}", f"feed {number}", url, "news", owner=f"f{number}", poll=PollLimits(max=timedelta(hours=1)))
        for number, url in enumerate(lines)
    )
    config = Config(Site(), (), sources, limits=Limits(allow_private=hosts))
    with Store.open(db) as store:
        if store.config_edits.valid_text() is None:
            # What the worker would write for the site.
            listed = (
                f"- {{id: {source.id}, name: {source.name}, url: '{source.url}', category: news}}\n"
                for source in sources
            )
            store.config_edits.save(f"categories:\n- {{id: news, name: News}}\nsources:\n{''.join(listed)}", None, NOON)
            store.feeds.sync(sources, NOON)
        if what == "update":
            from scoring.relevance.model import load_prior
            from scoring.updater import Updater

            gc.set_threshold(20_000, 20, 20)  # the same settings as in the worker
            Updater(store, config, load_prior()).run(NOON + timedelta(days=1))
            return

        async def run() -> None:
            moment = NOON + timedelta(hours=float(what))
            async with Poller(config, store=store, clock=lambda: moment, rng=random.Random(0)) as poller:
                await poller.poll_now()

        if what != "nothing":
            asyncio.run(run())


if __name__ == "__main__":
    worker(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
