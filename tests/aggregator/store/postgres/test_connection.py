"""A lost connection loses nothing that was committed, and the next statement opens another one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from aggregator.errors import StoreFault
from aggregator.store import Store
from aggregator.store.postgres.placeholders import adapted
from tests.aggregator.store.test_store import NOON, OTHER, SOURCE, add, arrival
from tests.postgres.cluster import Cluster


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.emptied_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.connect(url) as opened:
        opened.feeds.sync([SOURCE, OTHER], NOON)
        yield opened


def cut_all(url: str) -> None:
    """End all other connections."""
    with psycopg.connect(url) as raw:
        raw.execute(
            """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid != pg_backend_pid()"""
        )


def test_the_store_continues_after_a_lost_connection(store: Store, url: str) -> None:
    add(store, arrival("a"))
    cut_all(url)
    with pytest.raises(StoreFault):
        store.entries.count()
    assert store.entries.count() == 1


def test_a_transaction_whose_connection_is_lost_leaves_nothing(store: Store, url: str) -> None:
    def interrupted() -> None:
        with store.transaction():
            store.entries.add(SOURCE.id, [arrival("a")], NOON)
            cut_all(url)
            store.entries.add(SOURCE.id, [arrival("b")], NOON)

    with pytest.raises(StoreFault):
        interrupted()
    assert store.entries.count() == 0
    add(store, arrival("c"))
    assert store.entries.count() == 1


def test_many_rows_are_copied_in_and_keep_their_order(store: Store) -> None:
    names = [f"entry {number}" for number in range(100)]
    ids = add(store, *map(arrival, names))
    assert ids == sorted(ids)
    stored = [store.entries.get(entry_id) for entry_id in ids]
    assert [entry.identity for entry in stored if entry is not None] == names


def test_what_stands_in_quotes_is_no_parameter() -> None:
    assert adapted("select ':a', x::text, :b, '100%', c % 2 where d = ?") == (
        "select ':a', x::text, %(b)s, '100%%', c %% 2 where d = %s"
    )
