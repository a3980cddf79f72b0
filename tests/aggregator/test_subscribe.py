"""`sources add`, `sources remove`, `opml import` and `opml export`, as people call them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.commands import Front, opml, sources
from aggregator.config import parse_config
from aggregator.errors import ConfigError
from aggregator.opml import Subscription
from aggregator.opml import read as read_opml
from aggregator.subscribe import added, source_id
from tests.feedserver import FeedServer

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
FEED = b"<rss version='2.0'><channel><title>The Wire</title><item><title>A</title></item></channel></rss>"
TEXT = """\
# Mine.
limits: {allow_private: [127.0.0.1]}
categories:
  - {id: models, name: Models}   # first
sources:
  - {id: a, url: https://a.example/feed/}   # daily
"""


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def call(feeds: Path, *arguments: str) -> Result:
    group = opml if arguments[0] in ("import", "export") else sources
    return CliRunner().invoke(group, [*arguments, "--feeds", str(feeds)], obj=Front(lambda: NOON, {}))


def test_any_page_is_enough_to_add_its_feed(feeds: Path, feed_server: FeedServer) -> None:
    feed = feed_server.publish("/wire.xml", FEED)
    link = '<link rel="alternate" type="application/rss+xml" href="/wire.xml">'
    page = feed_server.answer("/", 200, f"<html><head>{link}</head></html>")

    result = call(feeds, "add", page, "--category", "Policy")

    assert result.exit_code == 0, result.output
    assert "added as the_wire" in result.output
    text = feeds.read_text(encoding="utf-8")
    assert "# Mine." in text and "# first" in text and "# daily" in text  # noqa: PT018
    config = parse_config(text)
    assert [(one.id, one.name, one.url, one.category) for one in config.sources][1:] == [
        ("the_wire", "The Wire", feed, "policy")
    ]
    assert [category.name for category in config.categories] == ["Models", "Policy"]

    assert "stands in" in call(feeds, "add", page).output
    assert feeds.read_text(encoding="utf-8") == text
    assert list(feeds.parent.iterdir()) == [feeds]

    assert call(feeds, "remove", "the_wire").exit_code == 0
    assert [one.id for one in parse_config(feeds.read_text(encoding="utf-8")).sources] == ["a"]


def test_looking_only_changes_nothing(feeds: Path, feed_server: FeedServer) -> None:
    result = call(feeds, "add", feed_server.publish("/wire.xml", FEED), "--dry-run", "--json")
    assert json.loads(result.output)["found"][0]["title"] == "The Wire"
    assert feeds.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("address", ["http://10.0.0.1/feed", "file:///etc/passwd", "javascript:alert(1)"])
def test_what_must_not_be_asked_is_refused(feeds: Path, address: str) -> None:
    result = call(feeds, "add", address)
    assert isinstance(result.exception, ConfigError)
    assert feeds.read_text(encoding="utf-8") == TEXT


def test_folders_become_categories_and_known_feeds_are_recognised(feeds: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(
        '<opml><body><outline text="AI & more"><outline text="B" xmlUrl="https://b.example/rss"/>'
        '<outline text="A again" xmlUrl="http://a.example/feed"/></outline><outline text="models">'
        '<outline text="B" xmlUrl="https://c.example/rss"/></outline>'
        '<outline text="C twice" xmlUrl="https://c.example/rss/"/></body></opml>',
        encoding="utf-8",
    )
    result = call(feeds, "import", str(file), "--json")
    told = json.loads(result.output)
    assert told["added"] == ["b", "b_2"]
    assert told["known"] == ["http://a.example/feed", "https://c.example/rss/"]
    assert told["categories"] == ["ai_more"]
    assert "not well-formed" in told["notes"][0]
    config = parse_config(feeds.read_text(encoding="utf-8"))
    assert [(one.id, one.category) for one in config.sources] == [("a", "models"), ("b", "ai_more"), ("b_2", "models")]

    exported = read_opml(call(feeds, "export").output.encode())
    assert {(one.url, one.folder) for one in exported.feeds} == {
        ("https://a.example/feed/", "Models"),
        ("https://c.example/rss", "Models"),
        ("https://b.example/rss", "AI & more"),
    }


def test_a_file_that_is_not_there_yet_begins(tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text('<opml><body><outline text="B" xmlUrl="https://b.example/rss"/></body></opml>', encoding="utf-8")
    feeds = tmp_path / "new.yaml"
    assert call(feeds, "import", str(file)).exit_code == 0
    assert [one.url for one in parse_config(feeds.read_text(encoding="utf-8")).sources] == ["https://b.example/rss"]


def test_sources_of_a_file_without_categories_keep_theirs() -> None:
    text = "sources:\n- {id: a, url: https://a.example/feed}\n"
    change = added(text, parse_config(text), [Subscription("https://b.example/", "B", "Science")])
    config = parse_config(change.text)
    assert [(one.id, one.category) for one in config.sources] == [("a", "news"), ("b", "science")]


def test_an_id_is_made_of_the_name_or_the_host() -> None:
    assert source_id("Café & Co: AI!", "https://a.example/", ()) == "cafe_co_ai"
    assert source_id("新闻", "https://www.a.example/", ()) == "a_example"
    assert source_id("A", "https://a.example/", ("a", "a_2")) == "a_3"
