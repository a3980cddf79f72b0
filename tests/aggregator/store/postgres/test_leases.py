"""How hosts are shared among pollers: fair shares, no overlap, and nothing is stored after a lease has expired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from aggregator.errors import LeaseLostError
from aggregator.model import Source
from aggregator.store import Store
from aggregator.store.cluster.leases import SHARDS, PollLeases, shard_of
from tests.postgres.cluster import Cluster

ALL = frozenset(range(SHARDS))


@pytest.fixture
def pollers(postgres: Cluster) -> Iterator[list[PollLeases]]:
    """Three pollers with a connection each, which have not joined yet."""
    url = postgres.emptied_database()
    with ExitStack() as opened:
        stores = [opened.enter_context(Store.connect(url)) for _ in range(3)]
        yield [store.poll_leases(f"poller {number}") for number, store in enumerate(stores)]


def settle(pollers: list[PollLeases]) -> None:
    """Let each poller update its leases twice: those with too many give back, those with too few take."""
    for _ in range(2):
        for poller in pollers:
            poller.renew()


def end_lease(poller: PollLeases) -> None:
    poller._db.run("update pollers set leased_until = now() - interval '1 s' where name = :name", poller._me)


def test_pollers_have_equal_shares_and_no_shard_twice(pollers: list[PollLeases]) -> None:
    assert pollers[0].renew()
    assert pollers[0].shards == ALL
    settle(pollers)
    shares = [poller.shards for poller in pollers]
    assert sorted(len(share) for share in shares) == [85, 85, 86]
    assert frozenset().union(*shares) == ALL
    assert all(poller.is_fair for poller in pollers)


def test_a_poller_that_leaves_or_dies_is_replaced(pollers: list[PollLeases]) -> None:
    settle(pollers)
    pollers[0].leave()
    end_lease(pollers[1])
    assert pollers[2].renew()
    assert pollers[2].shards == ALL
    assert pollers[2].others() == 0


def test_a_shard_with_running_polls_is_released_later(pollers: list[PollLeases]) -> None:
    first, second, _ = pollers
    first.renew()
    second.renew()
    busy = ALL - frozenset(range(10))
    first.renew(busy)
    assert busy <= first.shards
    first.renew()
    assert len(first.shards) == 128


def test_nothing_is_stored_after_a_lease_has_run_out(pollers: list[PollLeases]) -> None:
    first, second, _ = pollers
    first.renew()
    first.require("news.example")
    end_lease(first)
    with pytest.raises(LeaseLostError, match=r"news\.example"):
        first.require("news.example")
    second.renew()
    assert not first.renew()  # paused meanwhile: its polls in progress are void
    settle([first, second])
    mine = shard_of("news.example") in first.shards
    (first if mine else second).require("news.example")
    with pytest.raises(LeaseLostError):
        (second if mine else first).require("news.example")


def test_a_lease_does_not_end_while_a_poll_commits(pollers: list[PollLeases]) -> None:
    first, second, _ = pollers
    first.renew()
    free = "select name from pollers for update skip locked"  # when leases of dead pollers are checked
    with first._db.transaction():
        first.require("news.example")
        assert second._db.rows(free) == []
    assert len(second._db.rows(free)) == 1


def test_the_database_finds_the_sources_of_a_shard(postgres: Cluster) -> None:
    now = datetime(2026, 11, 17, 12, tzinfo=UTC)
    with Store.connect(postgres.emptied_database()) as store:
        hosts = [f"news{number}.example" for number in range(40)]
        store.feeds.sync([Source(id=name, name=name, url=f"https://{name}/feed", category="c") for name in hosts], now)
        shards = range(SHARDS // 2)
        due = {state.source_id for state in store.feeds.due(now, shards=shards)}
        assert due == {name for name in hosts if shard_of(name) in shards}
        assert store.feeds.due(now, shards=()) == []
