"""The sources pages: with ten sources, with ten thousand, and in every state."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Config, FeedState, Hints, Site, Source
from aggregator.polling.cadence import with_arrivals
from aggregator.store import PollRecord, Store
from tests.web.newsroom import NOW, Newsroom
from tests.web.pages.test_pages import get, text
from web.lists import sources

DAY = timedelta(days=1)
MANY = Config(
    Site(),
    (),
    tuple(Source(f"f{n}", f"Feed number {n}", f"https://host{n // 4}.example/{n}", "news") for n in range(700)),
)


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row" role="rowheader"><a href="/source/([^"]+)"', page)


def state(room: Newsroom, source_id: str, **fields: object) -> None:
    """Store the state of a source after a poll seven minutes ago, with the fields in *fields*."""
    source = room.config.source(source_id)
    assert source is not None
    at = NOW - timedelta(minutes=7)
    usual: dict[str, object] = {"last_polled_at": at, "last_ok_at": at, "last_kind": "fetched", "last_message": "read"}
    feed_state = FeedState(source_id, source.url, next_poll_at=NOW + timedelta(hours=1), **(usual | fields))  # type: ignore[arg-type]
    room.store.feeds.record(
        feed_state, PollRecord(at, feed_state.last_kind, feed_state.last_message, feed_state.last_status, 1_000)
    )


def daily(last_days_ago: float) -> tuple[int, ...]:
    return with_arrivals((), [NOW - (number + last_days_ago) * DAY for number in range(30)])


def test_a_source_was_first_on_stories_that_another_one_reported_too(room: Newsroom) -> None:
    room.story("Fab opens", ["seedbed", "techcrunch_ai"])
    room.story("Fab tour", ["seedbed"])
    room.story("Fab closes", ["techcrunch_ai", "seedbed"])
    room.merge(room.story("Fab opens early", ["seedbed", "techcrunch_ai"]), room.story("Fab news", ["techcrunch_ai"]))

    health = {row.source.id: row for row in room.store.feeds.health(NOW, room.config.sources)}

    assert (health["seedbed"].firsts, health["techcrunch_ai"].firsts) == (1, 1)


@pytest.fixture
def crowd(tmp_path: Path, make_app: Callable[..., Flask]) -> FlaskClient:
    """A site of 700 sources, one in a hundred of which fails."""
    with Store.open(tmp_path / "many.db") as store:
        room = Newsroom(store, MANY)
        for number in range(0, 700, 100):
            room.polled(f"f{number}", "timeout", "timed out after 20 s", None)
        room.polled("f7")
    return make_app(tmp_path / "many.db", fallback_config=MANY).test_client()


def test_many_sources_are_shown_a_page_at_a_time_those_that_fail_first(crowd: FlaskClient) -> None:
    first, second, third = (get(crowd, f"/sources?page={page}") for page in (1, 2, 3))
    shown = names(first) + names(second) + names(third)
    assert len(names(first)) == sources.PAGE_SIZE
    assert sorted(shown) == sorted(source.id for source in MANY.sources)
    assert shown[:7] == [f"f{number}" for number in range(0, 700, 100)]
    assert 'rel="next" href="/sources?page=2"' in first
    assert 'rel="next"' not in third
    assert "Page 9 does not exist: 700 sources match" in text(get(crowd, "/sources?page=9"))
    get(crowd, "/sources?page=5000", 400)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=failing", 7),
        ("state=ok", 1),
        ("q=number+f699", 1),
        ("q=HOST3.example", 4),
        ("q=number+99&state=failing", 0),
        ("category=nowhere", 0),
        ("state=odd", sources.PAGE_SIZE),
    ],
)
def test_sources_are_found_by_state_name_and_host(crowd: FlaskClient, query: str, count: int) -> None:
    page = get(crowd, f"/sources?{query}")
    assert len(names(page)) == count
    assert ("No matching sources" in page) == (count == 0)


def test_matching_sources_are_counted_by_state(crowd: FlaskClient) -> None:
    page = text(get(crowd, "/sources?q=f1&state=failing"))
    assert "All 111" in page
    assert "Failing 1 " in page
    assert "Not polled yet 110" in page


def test_a_secret_feed_address_cannot_be_searched_for(
    tmp_path: Path, store: Store, make_app: Callable[..., Flask]
) -> None:
    hidden = Source("f", "Feed", "https://a.example/feed?token=tellmenot", "news")
    config = replace(MANY, sources=(hidden, *MANY.sources))
    Newsroom(store, config)
    client = make_app(tmp_path / "news.db", fallback_config=config).test_client()
    assert names(get(client, "/sources?q=a.example")) == ["f"]
    assert names(get(client, "/sources?q=tellmenot")) == []
    assert "tellmenot" not in get(client, "/sources") + get(client, "/source/f")


def test_a_few_sources_need_no_filters(tmp_path: Path, store: Store, make_app: Callable[..., Flask]) -> None:
    config = replace(MANY, sources=MANY.sources[:5])
    Newsroom(store, config)
    page = get(make_app(tmp_path / "news.db", fallback_config=config).test_client(), "/sources")
    assert 'name="state"' not in page
    assert 'class="filters"' not in page


SITUATIONS: list[tuple[dict[str, object], str, str]] = [
    ({"arrivals": daily(4)}, "overdue", "although it answers: a silence this long is less than 1 in 10,000"),
    ({"arrivals": daily(0.1)}, "healthy", "publishes about every 24 h, polled about every 30 min"),
    ({"last_ok_at": NOW - 40 * DAY}, "healthy", "answers, but has no entries yet"),
    (
        {"failures": 4, "last_kind": "http", "last_message": "answered 500"},
        "failing 4 failures in a row",
        "answered 500",
    ),
    ({"gone": True, "last_kind": "gone", "last_message": "gone for good"}, "gone", "gone for good"),
    (
        {"moved_from": "https://old.example/rss", "moved_at": NOW - DAY},
        "healthy",
        "moved from https://old.example/rss (Wednesday)",
    ),
    (
        {"move_seen_to": "https://new.example/rss"},
        "healthy",
        "redirects permanently to https://new.example/rss; the address changes when the next poll says so too",
    ),
    (
        {"format_before": "RSS 2.0", "format_changed_at": NOW, "hints": Hints("Atom")},
        "healthy",
        "RSS 2.0 became Atom (today)",
    ),
    ({"hints": Hints(ttl=DAY), "waits_kept": 1}, "healthy", "asks to be polled less often (ttl 24 h); honored 1×"),
]


@pytest.mark.parametrize(("fields", "state_words", "message"), SITUATIONS)
def test_a_row_and_a_source_page_say_what_befell_it(
    site: FlaskClient, room: Newsroom, fields: dict[str, object], state_words: str, message: str
) -> None:
    state(room, "seedbed", **fields)
    for path in ("/sources?q=seedbed", "/source/seedbed"):
        page = text(get(site, path))
        assert message in page, page
        assert f"{state_words} " in page


def test_a_source_page_shows_its_hub_its_address_and_its_last_polls(site: FlaskClient, room: Newsroom) -> None:
    state(room, "seedbed", last_message="3 entries, 1 new", last_status=200)
    room.store.websub_subscriptions.want("seedbed", "https://hub.example/", "https://x.example/", "t", "s", NOW)
    page = text(get(site, "/source/seedbed"))
    assert "subscription requested at its hub, not confirmed yet" in page
    source = room.config.source("seedbed")
    assert source is not None
    assert source.url in page
    assert "7 min ago 3 entries, 1 new (HTTP 200) 1 kB" in page


def test_a_removed_source_keeps_its_page(tmp_path: Path, store: Store, make_app: Callable[..., Flask]) -> None:
    room = Newsroom(store, MANY)
    room.polled("f7")
    fewer = replace(MANY, sources=MANY.sources[:7])
    store.feeds.sync(fewer.sources, NOW)
    client = make_app(tmp_path / "news.db", fallback_config=fewer).test_client()
    assert "removed" in text(get(client, "/source/f7"))
    assert len(names(get(client, "/sources?state=removed"))) == sources.PAGE_SIZE


def test_the_host_table_shows_the_results_of_polling_each_host(crowd: FlaskClient) -> None:
    page = text(get(crowd, "/sources?q=host1.example"))
    assert "8 requests to 175 hosts so far" in page
    assert "host1.example 4 1 0%" in page
    assert "host2.example" not in page


def test_the_interface_says_since_when_a_source_is_silent(site: FlaskClient, room: Newsroom) -> None:
    state(room, "seedbed", arrivals=daily(4))
    by_id = {item["id"]: item for item in site.get("/api/v1/sources").get_json()["items"]}
    assert by_id["seedbed"]["state"] == "ok"
    assert by_id["seedbed"]["overdue_since"].startswith("2026-11-")
    assert by_id["rulemaker"]["overdue_since"] is None


def test_the_first_line_counts_an_overdue_source_as_such_and_not_as_healthy(site: FlaskClient, room: Newsroom) -> None:
    state(room, "seedbed", arrivals=daily(4))
    state(room, "rulemaker")
    page = text(get(site, "/sources"))
    assert "1 healthy, 1 overdue" in page
