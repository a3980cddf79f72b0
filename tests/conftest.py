"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.feedserver import FeedServer
from tests.postgres.cluster import Cluster, binaries, running_cluster, why_not

# As in the program itself: fits are small, and the threads of linear algebra only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Processes started by tests use words alone: an encoder would cost each of them two seconds.
os.environ.setdefault("GROUNDSWELL_ENCODER", "off")

# Tests must not use the database named in somebody's shell.
os.environ.pop("DATABASE_URL", None)

# The same examples each time, so that a failure can be reproduced and a pass stays a pass.
# `--hypothesis-profile=wide` looks further.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("wide", max_examples=2_000, deadline=None)
settings.register_profile("release", max_examples=5_000, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server, started by the test suite."""
    if reason := why_not():
        pytest.skip(reason)
    folder = binaries()
    assert folder is not None
    with running_cluster(folder) as cluster:
        yield cluster


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    """A real feed server on 127.0.0.1, initially empty."""
    with FeedServer() as server:
        yield server
