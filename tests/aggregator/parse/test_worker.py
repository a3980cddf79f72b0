"""Parsing in a child process with limits."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import NotAFeedError
from aggregator.model import DocumentMemory, Limits
from aggregator.parse import worker
from aggregator.parse.messages import Document, NoFeed
from aggregator.parse.parser import parse
from aggregator.parse.pool import ParserFailedError, ParserPool

FEED = (Path(__file__).resolve().parents[2] / "data" / "feeds" / "rss20.xml").read_bytes()
LIMITS = Limits()
URL = "https://feed.example/"
SLOW = b"<rss version='2.0'><channel><item><description>" + b"<i>" * 1_500_000


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool() as pool:
        yield pool


async def test_the_child_gives_what_parse_gives(pool: ParserPool) -> None:
    assert await pool.parse(FEED, "", URL, LIMITS) == parse(FEED, "", URL)


async def test_a_document_that_is_not_a_feed_is_reported_to_the_parent(pool: ParserPool) -> None:
    page = b"<html><link rel=alternate type=application/rss+xml href=/f>"
    with pytest.raises(NotAFeedError) as raised:
        await pool.parse(page, "text/html", URL, LIMITS)
    assert raised.value.feeds == ("https://feed.example/f",)


async def test_exceeding_the_cpu_limit_ends_the_child_and_not_the_next_document(pool: ParserPool) -> None:
    limits = replace(LIMITS, parse_cpu=timedelta(seconds=0.2))
    with pytest.raises(ParserFailedError, match=r"took more than 0\.2 s of CPU to read"):
        await pool.parse(SLOW, "", URL, limits)
    assert (await pool.parse(FEED, "", URL, limits)).entries


async def test_exceeding_the_memory_limit_ends_the_child_and_not_the_next_document(pool: ParserPool) -> None:
    limits = replace(LIMITS, parse_memory_bytes=30_000_000)
    document = b"<rss version='2.0'><channel><item><title>" + b"x" * 9_000_000
    with pytest.raises(ParserFailedError, match="took more than 30 MB of memory to read"):
        await pool.parse(document, "", URL, limits)
    assert (await pool.parse(FEED, "", URL, LIMITS)).entries


def test_a_fault_in_the_parser_is_an_error_of_its_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise KeyError("x" * 10_000)

    monkeypatch.setattr(worker, "parse", broken)
    answer = worker._answer(LIMITS, Document(FEED, "", URL, DocumentMemory()))
    assert isinstance(answer, NoFeed)
    assert (
        answer.message
        == f"the document broke the parser (KeyError in {Path(__file__).name}:{broken.__code__.co_firstlineno + 1})"
    )


async def test_documents_wait_for_their_turn(pool: ParserPool) -> None:
    feeds = await asyncio.gather(*(pool.parse(FEED, "", URL, LIMITS) for _ in range(5)))
    assert all(feed == feeds[0] for feed in feeds)


async def test_cancelling_leaves_no_half_answer_behind(pool: ParserPool) -> None:
    waiting = asyncio.create_task(pool.parse(SLOW, "", URL, LIMITS))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await pool.parse(FEED, "", URL, LIMITS)).title == "Chip & Board"


async def test_closing_while_a_document_is_read_leaves_no_child_behind() -> None:
    pool = ParserPool()
    await pool.parse(FEED, "", URL, LIMITS)
    waiting = asyncio.create_task(pool.parse(FEED, "", URL, LIMITS))
    await asyncio.sleep(0)
    await pool.aclose()
    assert (await waiting).entries
    assert pool._idle == []


async def test_a_closed_pool_parses_no_more() -> None:
    pool = ParserPool()
    await pool.parse(FEED, "", URL, LIMITS)
    await pool.aclose()
    with pytest.raises(ParserFailedError, match="closed"):
        await pool.parse(FEED, "", URL, LIMITS)


def test_a_child_dies_with_its_parent() -> None:
    parent = subprocess.run([sys.executable, "-c", LEAVES_A_CHILD], capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    child = int(parent.stdout)
    # Its standard output was a pipe of the parent; the kernel ends it, so only wait for that.
    for _ in range(1_000):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        os.sched_yield()
    pytest.fail(f"child {child} is still there")


LEAVES_A_CHILD = """
import asyncio, os, signal
from aggregator.model import DocumentMemory, Limits
from aggregator.parse.pool import ParserPool

async def main():
    pool = ParserPool()
    await pool.parse(b"<rss><channel><item/></channel></rss>", "", "", Limits())
    print(pool._idle[0]._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds its children in /proc, which Linux has")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_that_reaches_every_process_ends_no_document(pool: ParserPool, number: signal.Signals) -> None:
    def children() -> list[int]:
        return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]

    await pool.parse(FEED, "", URL, LIMITS)
    started = children()
    for pid in started:
        os.kill(pid, number)
    assert await pool.parse(FEED, "", URL, LIMITS) == parse(FEED, "", URL)
    assert started
    assert children() == started
