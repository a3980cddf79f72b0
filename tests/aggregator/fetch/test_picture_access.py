"""Private hosts from which a picture may be fetched."""

from __future__ import annotations

import pytest

from aggregator.fetch import access
from aggregator.model import Limits, Source

FEED = Source("wire", "Wire", "http://127.0.0.1:8001/feed.xml", "news")
ALLOWED = Limits(allow_private=("127.0.0.1",))


def test_a_picture_may_come_from_its_feed_s_own_server() -> None:
    assert access.of_picture("http://127.0.0.1:8001/a.png", FEED, ALLOWED) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/a.png",
        "https://127.0.0.1:8001/a.png",
        "http://127.0.0.1/a.png",
        "http://localhost:8001/a.png",
        "http://127.0.0.1:8001@192.168.1.1/a.png",
    ],
)
def test_a_picture_may_not_come_from_another_private_server(url: str) -> None:
    assert access.of_picture(url, FEED, ALLOWED) == frozenset()


def test_a_feed_that_may_reach_no_private_host_has_no_private_pictures() -> None:
    assert access.of_picture("http://127.0.0.1:8001/a.png", FEED, Limits()) == frozenset()
