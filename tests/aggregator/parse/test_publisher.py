"""Whose site an entry is on, if its feed is served elsewhere."""

from __future__ import annotations

import pytest

from aggregator.parse.links.publisher import publisher_of
from aggregator.text import urls


@pytest.mark.parametrize(
    ("link", "home", "feed", "publisher"),
    [
        ("https://news.example/a", "https://news.example/", "https://news.example/feed.xml", ""),
        ("https://www.news.example/a", "https://www.news.example/", "https://feeds.news.example/feed.xml", ""),
        ("https://paper.example/a", "https://paper.example/", "https://proxy.test/paper", "https://paper.example/"),
        ("https://www.paper.co.uk/a", "https://paper.co.uk/", "https://proxy.test/paper", "https://paper.co.uk/"),
        ("https://www.paper.com/a", "https://paper.co.uk/", "https://paperfeeds.co.uk/x", "https://paper.co.uk/"),
        ("https://paper.com/a", "https://planet.example/", "https://feeds.paper.net/x", ""),
        ("https://other.org/a", "https://planet.example/", "https://planet.example/feed.xml", ""),
        ("https://a.co.uk/x", "https://b.co.uk/", "https://c.co.uk/feed.xml", ""),
        ("http://localhost/a", "http://localhost/", "http://127.0.0.1/feed.xml", "http://localhost/"),
        ("", "https://news.example/", "https://news.example/feed.xml", ""),
    ],
)
def test_the_publisher_is_the_channel_or_has_its_name(link: str, home: str, feed: str, publisher: str) -> None:
    assert publisher_of(link, home, feed) == publisher


def test_usual_feeds_do_not_need_the_list_of_public_suffixes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str) -> str:
        raise AssertionError(f"looked up {host}")

    monkeypatch.setattr("aggregator.parse.links.publisher.registrable_domain", fail)
    assert publisher_of("https://a.example/1", "https://a.example/", "https://a.example/feed.xml") == ""
    assert publisher_of("https://a.example/1", "https://a.example/", "https://proxy.test/a") == "https://a.example/"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://news.example/a?b#c", "news.example"),
        ("http://news.example:8080", "news.example"),
        ("https://News.Example./a", "news.example"),
        ("https://ada:secret@news.example/", "news.example"),
        ("https://ada:80@news.example/", "news.example"),
        ("https://[2001:db8::1]:8000/", "2001:db8::1"),
        ("https://news.example\\@other.example/", "other.example"),
        (" https://news.example/ ", "news.example"),
        ("news.example/a", ""),
        ("https://[", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert urls.host(url) == host
