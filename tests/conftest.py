"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.feedserver import FeedServer
from tests.postgres.cluster import Cluster, binaries, running_cluster, why_not

# As the program itself does: fits are small, and threads of their linear algebra wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The processes that tests start go by words alone: an encoder of its own would cost each of them two seconds.
os.environ.setdefault("GROUNDSWELL_ENCODER", "off")

# Tests never use the database that somebody's shell names.
os.environ.pop("DATABASE_URL", None)

# The same examples each time: a run that fails can be run again, and one that passed stays so.
# `--hypothesis-profile=wide` looks further.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("wide", max_examples=2_000, deadline=None)
settings.register_profile("release", max_examples=5_000, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A server of PostgreSQL, started by the suite."""
    if reason := why_not():
        pytest.skip(reason)
    folder = binaries()
    assert folder is not None
    with running_cluster(folder) as cluster:
        yield cluster


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    """A real feed server on 127.0.0.1, empty at first."""
    with FeedServer() as server:
        yield server
