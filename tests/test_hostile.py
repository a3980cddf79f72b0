"""Hostile documents and servers, and a worker that is killed: small versions of bench/hostile.py and bench/kills.py."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.hostile import HOSTILE, check_documents, check_server, make_documents
from bench.kills import run

beside = pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile documents are not beside this checkout")
QUICK = r"^/(ok|loop|redirect|gone|429|503|500|304|short|reset|gzip-bomb|bad-gzip|html|etag|guid|wrong|private|canary)"


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(tmp_path: Path, at_once: int) -> None:
    outcome = run(tmp_path, kills=3, at_once=at_once, rounds=6)
    assert outcome.findings == []
    assert outcome.killed == 3
    assert outcome.acknowledged > 0


@beside
async def test_every_hostile_document_ends_as_it_must(tmp_path: Path) -> None:
    assert await check_documents(make_documents(HOSTILE, tmp_path), tmp_path) == []


@beside
async def test_every_quick_fault_of_a_server_is_told_on_its_row() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert await check_server(HOSTILE, port, silent=0, paths=QUICK) == []
