"""The same documents through one process with SQLite and through four pollers with PostgreSQL give the same site."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from html import escape

import pytest

from aggregator.model import Config, Limits
from aggregator.model.clock import SteppedClock
from aggregator.polling.poller import Poller
from aggregator.store import Store
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.postgres.cluster import Cluster
from tests.postgres.feeds import Feeds, served
from tests.scoring.updater.test_updater import picture
from tests.scoring.world import CONFIG, NOON, newsroom

POLLERS = 4


@pytest.fixture
def feeds() -> Iterator[Feeds]:
    with served(len(CONFIG.sources)) as serving:
        yield serving


def configuration(feeds: Feeds) -> Config:
    """Return the newsroom with each source on its own host, so that pollers share them."""
    hosts = tuple(feeds.hosts)
    sources = [
        replace(source, url=feeds.url(number), owner=source.owner) for number, source in enumerate(CONFIG.sources)
    ]
    return replace(CONFIG, sources=tuple(sources), limits=Limits(allow_private=hosts, per_host_pause=timedelta()))


async def play(stores: Sequence[Store], feeds: Feeds, *, shared: bool) -> None:
    """Poll each source's documents at their times, and score them."""
    config, clock = configuration(feeds), SteppedClock(NOON)
    stores[0].feeds.sync(config.sources, NOON)
    updater = Updater(stores[0], config, load_prior())
    published: dict[str, list[str]] = {}
    paths = {source.id: f"/feed{number}" for number, source in enumerate(config.sources)}
    async with AsyncPollers(stores, config, clock, shared=shared) as pollers:
        for now, arrivals, source in newsroom(5):
            items = published.setdefault(source, [])
            for arrival in arrivals:
                draft = arrival.draft
                date = f"<pubDate>{format_datetime(draft.published_at)}</pubDate>" if draft.published_at else ""
                items.append(
                    f"<item><title>{escape(draft.title)}</title><link>{escape(draft.link)}</link>"
                    f"<guid>{escape(arrival.identity)}</guid><description>{escape(draft.summary)}</description>{date}</item>"
                )
            head = f"<title>{source}</title><link/><description/>"
            document = f'<rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'
            feeds.documents[paths[source]] = document.encode()
            clock.at = now
            for poller in pollers:
                if shared:
                    poller.renew_lease()
                await poller.poll_now([source])
            updater.run(now)


class AsyncPollers:
    """Pollers with one configuration and a connection each."""

    def __init__(self, stores: Sequence[Store], config: Config, clock: SteppedClock, *, shared: bool) -> None:
        self._leases = [store.poll_leases(f"poller {number}") for number, store in enumerate(stores) if shared]
        self._pollers = [
            Poller(
                config,
                store=store,
                clock=clock,
                rng=random.Random(number),
                leases=self._leases[number] if shared else None,
            )
            for number, store in enumerate(stores)
        ]

    async def __aenter__(self) -> Sequence[Poller]:
        # Twice: the first poller takes all hosts, and would otherwise update its leases only after ten seconds.
        for lease in (*self._leases, *self._leases):
            lease.renew()
        for poller in self._pollers:
            await poller.__aenter__()
        return self._pollers

    async def __aexit__(self, *error: object) -> None:
        for poller in self._pollers:
            await poller.__aexit__(None, None, None)


def test_four_pollers_give_the_entries_stories_and_scores_of_one(postgres: Cluster, feeds: Feeds) -> None:
    url = postgres.emptied_database()
    with ExitStack() as opened:
        expected = opened.enter_context(Store.open(":memory:"))
        asyncio.run(play([expected], feeds, shared=False))
        stores = [opened.enter_context(Store.connect(url)) for _ in range(POLLERS)]
        asyncio.run(play(stores, feeds, shared=True))
        assert expected.entries.count() > 20
        assert list(stores[0].entries.each()) == list(expected.entries.each())
        assert picture(stores[0]) == picture(expected)
        polled = stores[0]._connection.rows("select poller from poll_shards group by poller")
        assert len(polled) == POLLERS
