"""Which processes count as dead: those whose jobs sent nothing for a while and are not working on the server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from aggregator.site.database import ONLY_WRITER
from aggregator.store.postgres import locks
from tests.postgres.cluster import Cluster

SILENT_S = 0.2


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.emptied_database()


@pytest.fixture
def scorer(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    # Closed even during a statement.
    with closing(psycopg.connect(url, autocommit=True)) as raw:
        locks.holding(ONLY_WRITER)(raw)
        yield raw
        raw.cancel()


def test_a_process_that_works_or_just_did_keeps_its_lock(
    url: str, scorer: psycopg.Connection[tuple[object, ...]]
) -> None:
    assert locks.end_stale(url, 60) == 0
    scorer.pgconn.send_query(b"select pg_sleep(3)")
    wait_for(url, "state = 'active'")
    time.sleep(2 * SILENT_S)
    assert locks.end_stale(url, SILENT_S) == 0


def test_a_silent_process_loses_its_lock(url: str, scorer: psycopg.Connection[tuple[object, ...]]) -> None:
    time.sleep(2 * SILENT_S)
    assert locks.end_stale(url, SILENT_S) == 1
    assert locks.holder_at(url, ONLY_WRITER) == ""


def test_a_process_that_does_not_read_its_results_loses_its_lock(
    url: str, scorer: psycopg.Connection[tuple[object, ...]]
) -> None:
    scorer.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 100000)")
    wait_for(url, "wait_event = 'ClientWrite'")
    time.sleep(2 * SILENT_S)
    assert locks.end_stale(url, SILENT_S) == 1
    assert locks.holder_at(url, ONLY_WRITER) == ""


def wait_for(url: str, condition: str) -> None:
    deadline = time.monotonic() + 20
    with psycopg.connect(url, autocommit=True) as raw:
        question = f"select 1 from pg_stat_activity where application_name like 'groundswell on %' and {condition}"
        while not raw.execute(question).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.02)
