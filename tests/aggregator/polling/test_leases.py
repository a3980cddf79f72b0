from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from aggregator.model import Config, Limits, Site, Source
from aggregator.polling.poller import Poller
from aggregator.store import Store
from aggregator.store.cluster.leases import LEASE_S, SHARDS, PollLeases

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


class AllShards:
    """The leases of a single poller."""

    shards = frozenset(range(SHARDS))
    is_fair = True

    def renew(self, busy: Collection[int] = ()) -> bool:
        return True

    def require(self, host: str) -> None:
        pass


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as opened:
        yield opened


@pytest.mark.parametrize(("hangs_s", "started"), [(LEASE_S / 2, 1), (LEASE_S + 1, 0)])
async def test_no_poll_starts_if_the_lease_ends_while_the_database_hangs(
    hangs_s: float, started: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(id="wire", name="Wire", url="http://127.0.0.1:9/feed.xml", category="models", owner="wire")
    config = Config(Site(), (), (source,), limits=Limits(allow_private=("127.0.0.1",)))
    store.feeds.sync(config.sources, NOON)
    leases = cast(PollLeases, AllShards())
    async with Poller(config, store=store, clock=lambda: NOON, rng=random.Random(0), leases=leases) as poller:
        poller.renew_lease()
        loop, due = asyncio.get_running_loop(), store.feeds.due

        def after_a_while(*args: Any) -> Any:
            rows, then = due(*args), loop.time() + hangs_s
            monkeypatch.setattr(loop, "time", lambda: then)
            return rows

        monkeypatch.setattr(store.feeds, "due", after_a_while)
        assert poller.start_due() == started
        monkeypatch.undo()
