"""Hostile documents and servers: a small version of bench/hostile.py."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from bench.hostile import HOSTILE, check_documents, check_server, make_documents, parse_documents

pytestmark = pytest.mark.long

beside = pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile documents are not beside this checkout")
QUICK = r"^/(ok|loop|redirect|gone|429|503|500|304|short|reset|gzip-bomb|bad-gzip|html|etag|guid|wrong|private|canary)"


@beside
async def test_every_hostile_document_ends_as_it_must(tmp_path: Path) -> None:
    assert await check_documents(make_documents(HOSTILE, tmp_path), tmp_path) == []


async def test_the_cost_of_a_document_is_compared_with_its_limit(tmp_path: Path) -> None:
    title = b"many words " * 500_000
    data = b"<rss version='2.0'><channel><item><title>" + title + b"</title></item></channel></rss>"
    row = {"file": "long", "cls": "size", "b64": base64.b64encode(data).decode(), "outcome": "items", "never": []}
    # A child process may reuse memory it already has, so a negative growth is allowed.
    (read,) = await parse_documents([row | {"max_s": 0.0, "max_mb": -1}], tmp_path)
    assert read.cost.cpu_s > 0
    assert [finding.split()[-4:-2] for finding in read.findings] == [["s,", "at"], ["MB,", "at"]]
    (allowed,) = await parse_documents([row | {"max_s": 60.0, "max_mb": 500}], tmp_path)
    assert allowed.findings == []


@beside
async def test_every_quick_server_error_is_reported_on_its_row() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert await check_server(HOSTILE, port, silent=0, paths=QUICK) == []
