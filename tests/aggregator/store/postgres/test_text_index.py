"""Counting words is bounded to the newest entries."""

from __future__ import annotations

import pytest

from aggregator.store import Store
from aggregator.store.postgres import text_index
from tests.aggregator.store.test_store import NOON, SOURCE, add, arrival
from tests.postgres.cluster import Cluster


def test_a_count_of_the_newest_entries_represents_all(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_index, "COUNTED_ENTRIES", 3)
    with Store.connect(postgres.emptied_database()) as store:
        store.feeds.sync([SOURCE], NOON)
        for word in ("one", "two", "three", "six", "six", "ten"):
            add(store, arrival(f"{word} {store.entries.count()}", title=f"Nvidia {word}"))
        store.count_words()

        assert store._connection.text_index.spread(["nvidia", "six", "one"]) == {"nvidia": 6, "six": 4}
