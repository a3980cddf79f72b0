"""Polling hints in a document."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Hints
from aggregator.parse.parser import parse
from aggregator.parse.polling_hints import of_xml

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def rss(head: str, tail: str = "") -> bytes:
    item = "<item><title>An item</title><ttl>5</ttl></item>"
    return f"<?xml version='1.0'?><rss version='2.0'><channel>{head}{item}{tail}</channel></rss>".encode()


@pytest.mark.parametrize(
    ("head", "due"),
    [
        ("", Hints("RSS 2.0")),
        ("<ttl>60</ttl>", Hints("RSS 2.0", ttl=60 * MINUTE)),
        ("<ttl> <![CDATA[15]]> </ttl>", Hints("RSS 2.0", ttl=15 * MINUTE)),
        ("<!-- <ttl>60</ttl> -->", Hints("RSS 2.0")),
        ("<ttl>0</ttl>", Hints("RSS 2.0")),
        ("<ttl>soon</ttl>", Hints("RSS 2.0")),
        ("<ttl>999999999</ttl>", Hints("RSS 2.0", ttl=timedelta(days=30))),
        (
            "<skipHours><hour>0</hour><hour> 23 </hour><hour>25</hour><unknown/></skipHours>",
            Hints("RSS 2.0", skip_hours=(0, 23)),
        ),
        ("<skipHours><hour>24</hour></skipHours>", Hints("RSS 2.0", skip_hours=(0,))),
        (f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in range(24))}</skipHours>", Hints("RSS 2.0")),
        (
            "<skipDays><day>Sunday</day><day>saturday</day><day>Someday</day></skipDays>",
            Hints("RSS 2.0", skip_days=(5, 6)),
        ),
        ("<sy:updatePeriod>\n hourly \n</sy:updatePeriod>", Hints("RSS 2.0", updated_every=HOUR)),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            Hints("RSS 2.0", updated_every=6 * HOUR),
        ),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", Hints("RSS 2.0")),
        (
            '<atom:link rel="hub" href="https://hub.example/"/><atom:link href="/feed?a=1&amp;b=2" rel="self"/>',
            Hints("RSS 2.0", hub="https://hub.example/", topic="https://a.example/feed?a=1&b=2"),
        ),
        ('<atom:link rel="self" href="/feed"/>', Hints("RSS 2.0")),
        ('<atom:link rel="hub" href="javascript:alert(1)"/>', Hints("RSS 2.0")),
    ],
)
def test_the_head_of_a_document_says_how_to_poll_it(head: str, due: Hints) -> None:
    assert parse(rss(head), url="https://a.example/news.xml").hints == due


def test_what_stands_behind_the_items_counts_too_and_what_stands_in_one_does_not() -> None:
    assert parse(rss("", "<ttl>90</ttl>")).hints.ttl == 90 * MINUTE
    assert parse(rss("")).hints.ttl is None


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (b"<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title></feed>", "Atom"),
        (b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><channel/></rdf:RDF>", "RSS 1.0"),
        (b"<rss version='0.91'><channel><title>t</title></channel></rss>", "RSS 0.91"),
        ("<rss version='2.0'><channel><title>t</title></channel></rss>".encode("utf-16"), "RSS 2.0"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "JSON Feed"),
    ],
)
def test_the_format_is_reported(document: bytes, name: str) -> None:
    assert parse(document).hints.format == name


def test_a_json_feed_names_its_hub() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "feed_url": "https://a.example/feed.json",
        "hubs": [{"type": "rssCloud", "url": "https://no.example/"}, {"type": "WebSub", "url": "https://hub.example/"}],
        "items": [],
    }
    hints = parse(json.dumps(document).encode()).hints
    assert (hints.hub, hints.topic) == ("https://hub.example/", "https://a.example/feed.json")


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_no_bytes_break_the_reading(before: bytes, inside: bytes) -> None:
    hints = of_xml(before + b"<rss><channel><ttl>" + inside + b"</ttl><skipHours>" + before, "https://a.example/")
    assert Hints.from_plain(json.loads(json.dumps(hints.as_plain()))) == hints
