"""The commands `sources add`, `sources remove`, `opml import` and `opml export`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli.opml import opml
from aggregator.cli.options import Front
from aggregator.cli.sources import sources
from aggregator.config import parse_config
from aggregator.discovery.add_sources import added, source_id
from aggregator.discovery.opml import Subscription
from aggregator.discovery.opml import read as read_opml
from aggregator.errors import ConfigError
from aggregator.model import FeedState
from aggregator.polling.cadence import with_arrivals
from aggregator.store import PollRecord, Store
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
    assert [(source.id, source.name, source.url, source.category) for source in config.sources][1:] == [
        ("the_wire", "The Wire", feed, "policy")
    ]
    assert [category.name for category in config.categories] == ["Models", "Policy"]

    again = call(feeds, "add", page)
    assert "there already as the_wire" in again.output
    assert f"is already in {feeds}, as the_wire" in again.output
    assert feeds.read_text(encoding="utf-8") == text
    assert list(feeds.parent.iterdir()) == [feeds]

    removed = call(feeds, "remove", "the_wire")
    assert removed.exit_code == 0, removed.output
    assert feeds.with_name("feeds.yaml.before").read_text(encoding="utf-8") == text
    assert [source.id for source in parse_config(feeds.read_text(encoding="utf-8")).sources] == ["a"]


def test_looking_only_changes_nothing(feeds: Path, feed_server: FeedServer) -> None:
    result = call(feeds, "add", feed_server.publish("/wire.xml", FEED), "--dry-run", "--json")
    assert json.loads(result.output)["found"][0]["title"] == "The Wire"
    assert feeds.read_text(encoding="utf-8") == TEXT
    output = call(feeds, "add", feed_server.url("/wire.xml"), "--dry-run").output
    assert "number 1 would be added as the_wire" in output
    assert "nothing was changed" in output


@pytest.mark.parametrize("address", ["http://10.0.0.1/feed", "file:///etc/passwd", "javascript:alert(1)"])
def test_forbidden_addresses_are_refused(feeds: Path, address: str) -> None:
    result = call(feeds, "add", address)
    assert isinstance(result.exception, ConfigError)
    assert feeds.read_text(encoding="utf-8") == TEXT


def test_folders_become_categories_and_existing_feeds_are_skipped(feeds: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(
        '<opml><body><outline text="AI & more"><outline text="B" xmlUrl="https://b.example/rss"/>'
        '<outline text="A again" xmlUrl="http://a.example/feed"/></outline><outline text="models">'
        '<outline text="B" xmlUrl="https://c.example/rss"/></outline>'
        '<outline text="C twice" xmlUrl="https://c.example/rss/"/></body></opml>',
        encoding="utf-8",
    )
    result = call(feeds, "import", str(file), "--json")
    output = json.loads(result.output)
    assert output["added"] == ["b", "b_2"]
    assert output["known"] == ["http://a.example/feed", "https://c.example/rss/"]
    assert output["categories"] == ["ai_more"]
    assert "not well-formed" in output["notes"][0]
    config = parse_config(feeds.read_text(encoding="utf-8"))
    assert [(source.id, source.category) for source in config.sources] == [
        ("a", "models"),
        ("b", "ai_more"),
        ("b_2", "models"),
    ]

    exported = read_opml(call(feeds, "export").output.encode())
    assert {(feed.url, feed.folder) for feed in exported.feeds} == {
        ("https://a.example/feed/", "Models"),
        ("https://c.example/rss", "Models"),
        ("https://b.example/rss", "AI & more"),
    }


def test_an_import_can_be_previewed_and_undone(feeds: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(
        '<opml><body><outline text="B" xmlUrl="https://b.example/rss"/><outline text="B" xmlUrl="http://b.example/rss"/>'
        '<outline text="A again" xmlUrl="http://a.example/feed"/></body></opml>',
        encoding="utf-8",
    )
    output = call(feeds, "import", str(file), "--dry-run").output
    assert "https://b.example/rss  would be b" in output
    assert "http://b.example/rss  there twice" in output
    assert "http://a.example/feed  there already as a" in output
    assert "3 feeds, 1 would be added" in output
    assert feeds.read_text(encoding="utf-8") == TEXT

    assert "3 feeds, 1 added" in call(feeds, "import", str(file)).output
    assert feeds.with_name("feeds.yaml.before").read_text(encoding="utf-8") == TEXT


def test_sources_are_listed_by_state_and_shown_in_full(feeds: Path, tmp_path: Path) -> None:
    db = tmp_path / "news.db"
    others = "".join(
        f"  - {{id: {name}, url: 'https://{name}.example/rss', enabled: {enabled}}}\n"
        for name, enabled in {"b": "no", "c": "yes", "d": "yes"}.items()
    )
    feeds.write_text(TEXT + others, encoding="utf-8")
    with Store.open(db) as store:
        store.feeds.sync(parse_config(feeds.read_text(encoding="utf-8")).sources, NOON)
        down = FeedState("d", "https://d.example/rss", last_polled_at=NOON, failures=2)
        store.feeds.record(down, PollRecord(NOON, "refused", "connection refused", None))
        days = with_arrivals((), [NOON - timedelta(days=4 + number) for number in range(30)])
        answers = {"last_polled_at": NOON, "last_ok_at": NOON, "last_message": "nothing new", "arrivals": days}
        state = FeedState("a", "https://a.example/feed/", **answers)  # type: ignore[arg-type]
        store.feeds.record(state, PollRecord(NOON, "fetched", "nothing new", 200))

    def listed(*arguments: str) -> str:
        return call(feeds, "list", *arguments, "--db", str(db)).output

    assert [line.split()[:2] for line in listed().splitlines()[1:]] == [
        ["a", "silent"],
        ["b", "paused"],
        ["c", "waiting"],
        ["d", "failing"],
    ]
    assert "no source is gone" in listed("--state", "gone")
    assert "failing (2)" in listed("--state", "failing")
    assert [load["id"] for load in json.loads(listed("--state", "paused", "--json"))] == ["b"]
    assert json.loads(listed("a", "--json"))[0]["state"] == "silent"
    assert "a silence this long is less than 1 in 10,000" in listed("a")
    nobody = call(feeds, "list", "nobody", "--db", str(db))
    assert isinstance(nobody.exception, ConfigError)


def test_a_list_without_sources_says_how_to_begin(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("sources: []\n", encoding="utf-8")
    assert "groundswell sources add" in call(feeds, "list", "--db", str(tmp_path / "none.db")).output


def test_a_file_that_is_not_there_yet_begins(tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text('<opml><body><outline text="B" xmlUrl="https://b.example/rss"/></body></opml>', encoding="utf-8")
    feeds = tmp_path / "new.yaml"
    assert call(feeds, "import", str(file)).exit_code == 0
    assert [source.url for source in parse_config(feeds.read_text(encoding="utf-8")).sources] == [
        "https://b.example/rss"
    ]


def test_sources_of_a_file_without_categories_keep_theirs() -> None:
    text = "sources:\n- {id: a, url: https://a.example/feed}\n"
    change = added(text, parse_config(text), [Subscription("https://b.example/", "B", "Science")])
    config = parse_config(change.text)
    assert [(source.id, source.category) for source in config.sources] == [("a", "news"), ("b", "science")]


def test_an_id_is_derived_from_the_name_or_the_host() -> None:
    assert source_id("Café & Co: AI!", "https://a.example/", ()) == "cafe_co_ai"
    assert source_id("新闻", "https://www.a.example/", ()) == "a_example"
    assert source_id("A", "https://a.example/", ("a", "a_2")) == "a_3"
