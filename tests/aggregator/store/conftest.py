"""The contract of the store: these tests run on SQLite, and on PostgreSQL if it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from aggregator.store import Store
from tests.postgres.cluster import Cluster

OpenStore = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest) -> Iterator[OpenStore]:
    """Open a new, empty database on each call."""
    with ExitStack() as opened:
        if request.param == "sqlite":
            yield lambda: opened.enter_context(Store.open(":memory:"))
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            numbers = count()
            yield lambda: opened.enter_context(Store.connect(cluster.emptied_database(next(numbers))))
