"""Jobs that run every few hours: each runs on time, and a worker's death does not skip one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.store import Store
from groundswell.background.moments import RETRY, STARTS, LongJobs
from tests.postgres.cluster import binaries, running_cluster, why_not

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "measured_at"

Open = Callable[[], Store]


@contextmanager
def _postgres() -> Iterator[Open]:
    if reason := why_not():
        pytest.skip(reason)
    folder = binaries()
    assert folder is not None
    with running_cluster(folder) as cluster:
        url = cluster.new_database()
        yield lambda: Store.connect(url)


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open the same database repeatedly, as successive workers do."""
    if request.param == "sqlite":
        yield lambda: Store.open(tmp_path / "site.db")
    else:
        with _postgres() as opens:
            yield opens


def _run(jobs: LongJobs, at: datetime) -> bool:
    """Run the job if it is due; return whether it was."""
    if not jobs.is_due(NAME, DAY, at):
        return False
    with jobs.running(NAME, at):
        return True


def _is_cut_short(jobs: LongJobs, at: datetime) -> bool:
    """Start the job if it is due, and stop as a worker that ends does; return whether it was due."""
    if not jobs.is_due(NAME, DAY, at):
        return False
    with pytest.raises(asyncio.CancelledError), jobs.running(NAME, at):
        raise asyncio.CancelledError
    return True


def test_the_next_worker_repeats_a_run_that_was_interrupted(open_store: Open) -> None:
    with open_store() as store:
        jobs = LongJobs(store, NAME)
        assert not _run(jobs, NOON)  # a new site
        assert _is_cut_short(jobs, NOON + DAY)
    with open_store() as store:
        jobs = LongJobs(store, NAME)
        assert _run(jobs, NOON + DAY + timedelta(minutes=1))
        assert not _run(jobs, NOON + DAY + timedelta(minutes=2))
        assert _run(jobs, NOON + 2 * DAY + timedelta(minutes=2))
    with open_store() as store:
        assert not _run(LongJobs(store, NAME), NOON + 2 * DAY + timedelta(minutes=3))


def test_a_run_that_ends_every_worker_is_left_until_the_next_day(open_store: Open) -> None:
    with open_store() as store:
        assert not _run(LongJobs(store, NAME), NOON)
        began = [_is_cut_short(LongJobs(store, NAME), NOON + DAY) for _ in range(STARTS + 2)]
        assert began == [True] * STARTS + [False] * 2
        assert _is_cut_short(LongJobs(store, NAME), NOON + 2 * DAY)
        assert _run(LongJobs(store, NAME), NOON + 2 * DAY)


def _fails(jobs: LongJobs, at: datetime) -> bool:
    """Start the job if it is due, and fail; return whether it was due."""
    if not jobs.is_due(NAME, DAY, at):
        return False
    with pytest.raises(BrokenPipeError), jobs.running(NAME, at):
        raise BrokenPipeError
    return True


def test_a_run_that_fails_is_repeated_soon_and_not_for_ever(open_store: Open) -> None:
    with open_store() as store:
        jobs = LongJobs(store, NAME)
        assert not _run(jobs, NOON)
        assert _fails(jobs, NOON + DAY)
        assert not _fails(jobs, NOON + DAY + RETRY / 2)
        assert _fails(jobs, NOON + DAY + RETRY)
        assert _fails(jobs, NOON + DAY + 2 * RETRY)
        assert not _fails(jobs, NOON + DAY + 3 * RETRY)
        assert _fails(jobs, NOON + 2 * DAY + 2 * RETRY)
        assert _run(jobs, NOON + 2 * DAY + 3 * RETRY)
        assert not _run(jobs, NOON + 2 * DAY + 4 * RETRY)


def test_the_next_worker_repeats_a_run_that_failed(open_store: Open) -> None:
    with open_store() as store:
        jobs = LongJobs(store, NAME)
        assert not _run(jobs, NOON)
        assert _fails(jobs, NOON + DAY)
    with open_store() as store:
        assert _run(LongJobs(store, NAME), NOON + DAY + timedelta(minutes=1))
