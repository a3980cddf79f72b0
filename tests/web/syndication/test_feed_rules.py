"""Our copy of the validator's rules detects what breaks them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.web.syndication.feed_rules import atom_errors, json_feed_errors, rss_errors
from tests.web.syndication.test_formats import channel, item, with_picture
from web.syndication import FORMATS

VALID = channel(
    item(1), item(2, published_at=None, image=with_picture()), next_url="https://news.example/n.rss?cursor=2-2"
)


def broken(form: str, before: str, after: str) -> bytes:
    document = FORMATS[form].write(VALID).decode()
    assert before in document, before
    return document.replace(before, after, 1).encode()


@pytest.mark.parametrize(("form", "rules"), [("rss", rss_errors), ("atom", atom_errors), ("json", json_feed_errors)])
def test_a_valid_feed_breaks_no_rule(form: str, rules: Callable[[bytes], list[str]]) -> None:
    assert rules(FORMATS[form].write(VALID)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<title>Story 1</title>", ""),
        ("<title>Story 1</title>", "<headline>Story 1</headline>"),
        ("story/2</guid>", "story/1</guid>"),
        (' isPermaLink="false"', ""),
        ("Thu, 19 Nov 2026 09:20:00 GMT", "2026-11-19T09:20:00Z"),
        ("Thu, 19 Nov 2026 09:20:00 GMT", "Thu, 39 Nov 2026 09:20:00 GMT"),
        ("<ttl>5</ttl>", "<ttl>five</ttl>"),
        ("<language>en</language>", "<language>English!</language>"),
        ('rel="self"', 'rel="me"'),
        ('length="0"', 'length=""'),
        ('type="image/jpeg" />', 'type="jpeg" />'),
        ('medium="image"', 'medium="photo"'),
        ("https://news.example/picture/7", "/picture/7"),
        ("&lt;/ul&gt;", ""),
        ("&lt;ul&gt;", "&lt;script&gt;"),
        ("<link>https://news.example/story/1/x</link>", "<link>/story/1/x</link>"),
    ],
)
def test_rss_that_breaks_a_rule_is_noticed(before: str, after: str) -> None:
    assert rss_errors(broken("rss", before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<id>tag:news.example,2026:story/1</id>", "<id>1</id>"),
        ("<id>tag:news.example,2026:story/1</id>", "<id>tag:news.example,2026:story/2</id>"),
        ("<name>TechCrunch AI</name>", ""),
        ("<published>2026-11-19T09:20:00Z</published>", "<published>19 Nov 2026</published>"),
        ("<updated>2026-11-19T12:00:00Z</updated>", ""),
        ('rel="next"', 'rel="more"'),
        ('term="big-tech"', 'term=""'),
        ('<content type="html">', '<content type="markdown">'),
        ('xml:lang="en"', 'xml:lang="?"'),
    ],
)
def test_atom_that_breaks_a_rule_is_noticed(before: str, after: str) -> None:
    assert atom_errors(broken("atom", before, after))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 1),
        ("url", "/story/1"),
        ("date_published", "yesterday"),
        ("authors", [{}]),
        ("tags", [1]),
        ("attachments", [{"url": "https://news.example/a.jpg"}]),
        ("content_html", '<a href="javascript:x">x</a>'),
    ],
)
def test_a_json_feed_that_breaks_a_rule_is_noticed(name: str, value: object) -> None:
    document = json.loads(FORMATS["json"].write(VALID))
    document["items"][0][name] = value
    assert json_feed_errors(json.dumps(document).encode())


def test_a_json_feed_that_leads_back_to_itself_is_noticed() -> None:
    document = json.loads(FORMATS["json"].write(VALID))
    document["next_url"] = document["feed_url"]
    assert json_feed_errors(json.dumps(document).encode())
