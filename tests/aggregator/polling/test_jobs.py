from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from aggregator.errors import DatabaseInUseError, StoreFault
from aggregator.polling.jobs import Jobs

TICK = timedelta(milliseconds=10)


async def test_a_job_that_fails_is_logged_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    runs = 0

    async def fail() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            stop.set()
        raise ValueError("no luck")

    jobs = Jobs()
    jobs.every(TICK, "unlucky", fail)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(jobs.run_until(stop), timeout=10)
    assert runs >= 3
    assert "job unlucky failed" in caplog.text


async def test_a_database_out_of_reach_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()

    async def write() -> None:
        stop.set()
        raise StoreFault("the server closed the connection")

    jobs = Jobs()
    jobs.every(TICK, "heartbeat", write)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(jobs.run_until(stop), timeout=10)
    assert "job heartbeat failed: the server closed the connection" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_job_that_another_process_displaces_says_so_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    stop, displaced = asyncio.Event(), []

    async def write() -> None:
        raise DatabaseInUseError("another worker is using the database")

    def give_way(error: DatabaseInUseError) -> None:
        displaced.append(str(error))
        stop.set()

    jobs = Jobs(give_way)
    jobs.every(TICK, "heartbeat", write)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(jobs.run_until(stop), timeout=10)
    assert displaced == ["another worker is using the database"]
    assert caplog.text == ""


async def test_a_job_never_runs_twice_at_once_and_others_go_on() -> None:
    stop = asyncio.Event()
    slow_at_once = most_at_once = ticks = 0

    async def slow() -> None:
        nonlocal slow_at_once, most_at_once
        slow_at_once += 1
        most_at_once = max(most_at_once, slow_at_once)
        await stop.wait()
        slow_at_once -= 1

    async def quick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 5:
            stop.set()

    jobs = Jobs()
    jobs.every(TICK, "slow", slow)
    jobs.every(TICK, "quick", quick)
    await asyncio.wait_for(jobs.run_until(stop), timeout=10)
    assert most_at_once == 1
    assert slow_at_once == 0


async def test_stopping_waits_for_what_is_under_way_but_not_for_ever() -> None:
    stop = asyncio.Event()
    ended: list[str] = []

    async def endless() -> None:
        stop.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    jobs = Jobs()
    jobs.every(TICK, "endless", endless)
    await asyncio.wait_for(jobs.run_until(stop, patience=TICK), timeout=10)
    assert ended == ["cancelled"]


async def test_a_stopped_job_is_not_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()

    async def endless() -> None:
        stop.set()
        await asyncio.sleep(3600)

    jobs = Jobs()
    jobs.every(TICK, "endless", endless)
    with caplog.at_level(logging.INFO):
        await asyncio.wait_for(jobs.run_until(stop, patience=TICK), timeout=10)

    assert "raised an exception" not in caplog.text
    assert "job endless was still running and was stopped" in caplog.text
