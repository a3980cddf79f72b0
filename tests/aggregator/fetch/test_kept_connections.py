"""Connections are kept for the next request, in a number that is bounded."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import httpx

from aggregator.fetch.curl_transport import Connect, CurlTransport
from tests.feedserver import FeedServer


def _open_connections(port: int) -> int:
    """Count the connections of this process to *port*."""
    count = 0
    for descriptor in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(descriptor))) as copy:
            count += copy.getpeername()[1:2] == (port,)
    return count


def _kept(max_connections: int, at_once: int, rounds: int = 1) -> list[int]:
    """Return how many connections are open after each round of that many requests at once, and after closing."""

    async def fetch() -> list[int]:
        transport = CurlTransport(max_connections)
        counts = []
        for _ in range(rounds):
            requests = [
                httpx.Request("GET", url, extensions={"connect": Connect(), "headers": {}}) for _ in range(at_once)
            ]
            answers = await asyncio.gather(*(transport.handle_async_request(request) for request in requests))
            assert {answer.status_code for answer in answers} == {200}
            counts.append(_open_connections(port))
        await transport.aclose()
        return [*counts, _open_connections(port)]

    with FeedServer() as server:
        url = server.publish("/feed.xml", "<rss/>")
        port = urlsplit(url).port or 0
        return asyncio.run(fetch())


def test_no_more_connections_are_kept_than_asked_for() -> None:
    assert _kept(5, at_once=20) == [5, 0]


def test_to_one_host_no_more_connections_are_kept_than_there_were_requests_at_once() -> None:
    counts = _kept(50, at_once=8, rounds=5)
    assert all(1 <= count <= 8 for count in counts[:-1])
    assert counts[-1] == 0
