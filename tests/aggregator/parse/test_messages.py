"""Messages between the polling process and its parse workers."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from aggregator.model import DocumentMemory, Limits
from aggregator.parse.messages import (
    LENGTH_BYTES,
    UNREADABLE,
    Document,
    Read,
    Reply,
    Request,
    message,
    read_reply,
    read_request,
)
from aggregator.parse.parser import parse

FEED = parse(b"<rss version='2.0'><channel><item><title>One</title><guid>1</guid></item></channel></rss>")


def test_a_request_crosses_unchanged() -> None:
    limits = Limits(tags=3, allow_private=("127.0.0.1",))
    request = Request(
        limits, 0.25, [Document(b"\x00\xff", "text/xml", "https://a.example/", DocumentMemory("2 - -", "ab"))]
    )
    assert read_request(message(request)[LENGTH_BYTES:]) == request


def test_a_message_says_how_long_it_is() -> None:
    sent = message(Reply([Read(FEED)], True))
    assert int.from_bytes(sent[:LENGTH_BYTES]) == len(sent) - LENGTH_BYTES


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(UNREADABLE):
        read_reply(message(Reply([Read(replace(FEED, title=7))], False))[LENGTH_BYTES:])  # type: ignore[arg-type]
    with pytest.raises(UNREADABLE):
        read_reply(msgspec.msgpack.encode({"answers": [], "retire": False}))


def test_text_that_is_none_does_not_cross() -> None:
    sent = message(Reply([Read(FEED)], False))[LENGTH_BYTES:]
    with pytest.raises(UNREADABLE):
        read_reply(sent.replace(b"One", b"\xed\xa0\x80"))
