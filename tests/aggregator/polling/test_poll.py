from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import (
    BACKLOG_AGE,
    Config,
    Entry,
    Failed,
    FailureKind,
    Limits,
    NotModified,
    Site,
    Source,
    Validators,
)
from aggregator.model.clock import SteppedClock
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store, StoreFault
from tests.feedserver import FeedServer

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rss(*items: tuple[str, str]) -> bytes:
    """Return a feed with an item for each guid and title."""
    body = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title>"
        f"<link>https://wire.example/{guid}</link><pubDate>Tue, 17 Nov 2026 11:00:00 GMT</pubDate></item>"
        for guid, title in items
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Wire</title>{body}</channel></rss>".encode()


TWO = rss(("a", "Chips are late"), ("b", "Chips are early"))


class Desk:
    """A store, a poller and a clock, with sources that a feed server publishes."""

    def __init__(self, server: FeedServer, store: Store) -> None:
        self.server = server
        self.store = store
        self.clock = SteppedClock(NOON)
        self.config = Config(Site(), (), (), limits=Limits(allow_private=("127.0.0.1",)))
        self.polled: dict[str, Polled] = {}

    def add(self, source_id: str, url: str) -> None:
        source = Source(id=source_id, name=source_id, url=url, category="models", owner=source_id)
        self.config = replace(self.config, sources=(*self.config.sources, source))
        self.store.feeds.sync(self.config.sources, self.clock())

    async def poll(self, *source_ids: str) -> None:
        async with Poller(
            self.config,
            store=self.store,
            clock=self.clock,
            rng=random.Random(0),
            finished=lambda polled: self.polled.update({polled.source_id: polled}),
        ) as poller:
            await poller.poll_now(list(source_ids) or None)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as opened:
        yield opened


@pytest.fixture
async def desk(feed_server: FeedServer, store: Store) -> Desk:
    return Desk(feed_server, store)


async def test_an_unchanged_feed_costs_one_request_and_no_rows(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO, etag='"v1"'))
    await desk.poll()
    desk.clock.at += HOUR
    await desk.poll()

    assert isinstance(desk.polled["wire"].outcome, NotModified)
    assert desk.server.requests[-1].headers["If-None-Match"] == '"v1"'
    assert desk.store.entries.count() == 2
    assert desk.store._connection.value("select count(*) from polls") == 1


@pytest.mark.parametrize(("is_private", "requests"), [(False, 1), (True, 4)])
async def test_a_rate_limit_holds_for_all_feeds_of_its_host(desk: Desk, is_private: bool, requests: int) -> None:
    for number in range(4):
        desk.add(f"wire{number}", desk.server.answer(f"/{number}.xml", 429, headers={"Retry-After": "600"}))
    desk.config = replace(desk.config, limits=replace(desk.config.limits, per_host=1))
    async with Poller(desk.config, store=desk.store, clock=desk.clock, rng=random.Random(0)) as poller:
        if not is_private:
            poller._private_hosts = frozenset()
        await poller.poll_now()
        assert len(desk.server.requests) == requests
        # Who asks for one source gets it.
        await poller.poll_now(["wire3"])
    assert [request.path for request in desk.server.requests[requests:]] == ["/3.xml"]


async def test_an_edited_title_updates_the_entry(desk: Desk) -> None:
    url = desk.server.publish("/news.xml", TWO)
    desk.add("wire", url)
    await desk.poll()
    desk.server.publish("/news.xml", rss(("a", "Chips are very late"), ("b", "Chips are early")))
    desk.clock.at += HOUR
    await desk.poll()
    assert (desk.polled["wire"].new, desk.polled["wire"].edited) == (0, 1)
    assert {entry.title for entry in desk.store.entries.each()} == {"Chips are very late", "Chips are early"}

    desk.server.publish("/news.xml", TWO)
    desk.clock.at += timedelta(days=1)
    await desk.poll()
    assert (desk.polled["wire"].new, desk.polled["wire"].edited) == (0, 0)


async def test_an_item_that_shares_its_link_with_stored_entries_is_stored(desk: Desk) -> None:
    def item(title: str, hour: int, guid: str = "") -> str:
        return (
            f"<item>{guid}<title>{title}</title><link>https://wire.example/live</link>"
            f"<pubDate>Tue, 17 Nov 2026 {hour}:00:00 GMT</pubDate></item>"
        )

    def document(*items: str) -> bytes:
        return f"<rss version='2.0'><channel><title>W</title>{''.join(items)}</channel></rss>".encode()

    first = document(item("One", 9, "<guid isPermaLink='false'>g1</guid>"), item("Two", 10))
    desk.add("wire", desk.server.publish("/wire.xml", first))
    await desk.poll("wire")
    for etag in ('"2"', '"3"'):
        desk.clock.at += HOUR
        desk.server.publish("/wire.xml", document(item("Three", 11)), etag=etag)
        await desk.poll("wire")

        assert desk.polled["wire"].state.failures == 0
        assert sorted(entry.title for entry in desk.store.entries.of_source("wire", 10)) == ["One", "Three", "Two"]


async def test_due_times_survive_a_restart(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO))
    await desk.poll()
    requests = len(desk.server.requests)
    await desk.poll()
    assert len(desk.server.requests) == requests
    desk.clock.at += timedelta(days=2)
    await desk.poll()
    assert len(desk.server.requests) == requests + 1


async def test_a_web_page_is_an_error_on_the_row_and_costs_nothing_that_was_there(desk: Desk) -> None:
    url = desk.server.publish("/news.xml", TWO, etag='"v1"')
    desk.add("wire", url)
    await desk.poll()
    desk.server.publish("/news.xml", b"<!doctype html><html><title>Moved!</title><p>Hello", etag='"v2"')
    desk.clock.at += HOUR
    await desk.poll()

    state = desk.polled["wire"].state
    assert isinstance(desk.polled["wire"].outcome, Failed)
    assert "web page" in state.last_message
    assert (state.failures, state.last_kind) == (1, FailureKind.NOT_A_FEED.value)
    assert state.validators == Validators('"v1"')
    assert desk.store.entries.count() == 2
    row = desk.store.feeds.health(desk.clock(), desk.config.sources)[0]
    assert (row.state.last_message, row.entries) == (state.last_message, 2)


async def test_one_bad_source_does_not_hold_up_the_others(desk: Desk) -> None:
    desk.add("nowhere", "http://127.0.0.1:9/feed.xml")
    desk.add("private", "http://10.1.2.3/feed.xml")
    desk.add("wire", desk.server.publish("/news.xml", TWO))
    await desk.poll()
    assert desk.polled["wire"].new == 2
    assert not desk.polled["nowhere"].ok
    refused = desk.polled["private"].outcome
    assert isinstance(refused, Failed)
    assert refused.kind is FailureKind.REFUSED_ADDRESS


async def test_a_poll_that_cannot_be_stored_is_reported_and_retried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO, etag='"v1"'))

    def full(*args: object, **options: object) -> None:
        raise StoreFault("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store.entries, "add", full)
        await desk.poll()
    state = desk.polled["wire"].state
    assert "disk is full" in state.last_message
    assert state.validators == Validators()
    assert desk.store.entries.count() == 0

    desk.clock.at += timedelta(days=1)
    await desk.poll()
    assert desk.polled["wire"].new == 2


async def test_a_gone_source_is_polled_only_at_the_operators_request(desk: Desk) -> None:
    desk.add("wire", desk.server.answer("/news.xml", 410))
    await desk.poll()
    assert desk.polled["wire"].state.gone
    desk.clock.at += timedelta(days=30)
    requests = len(desk.server.requests)
    await desk.poll()
    assert len(desk.server.requests) == requests
    desk.server.publish("/news.xml", TWO)
    await desk.poll("wire")
    assert desk.polled["wire"].new == 2


async def test_the_order_of_sources_makes_no_difference_to_what_is_stored(
    feed_server: FeedServer,
) -> None:
    def titles(store: Store) -> list[tuple[str, str]]:
        return sorted((entry.source_id, entry.title) for entry in store.entries.each())

    urls = {name: feed_server.publish(f"/{name}.xml", rss((name, f"News of {name}"))) for name in "abc"}
    results = []
    for order in ("abc", "cab"):
        with Store.open(":memory:") as store:
            desk = Desk(feed_server, store)
            for name in order:
                desk.add(name, urls[name])
            await desk.poll()
            results.append(titles(store))
    assert results[0] == results[1]


async def test_what_server_and_document_ask_for_outlives_the_document(desk: Desk) -> None:
    document = TWO.replace(b"<title>Wire</title>", b"<title>Wire</title><ttl>180</ttl>")
    desk.add("wire", desk.server.publish("/news.xml", document, etag='"v1"'))
    await desk.poll()
    desk.clock.at += 3 * HOUR
    await desk.poll()
    state = desk.polled["wire"].state
    assert isinstance(desk.polled["wire"].outcome, NotModified)
    assert state.next_poll_at == desk.clock.at + 3 * HOUR
    assert state.waits_kept == 2


async def test_max_age_delays_the_next_poll(desk: Desk) -> None:
    url = desk.server.answer("/news.xml", 200, TWO, {"Cache-Control": "public, max-age=14400"})
    desk.add("wire", url)
    await desk.poll()
    assert desk.polled["wire"].state.next_poll_at == NOON + 4 * HOUR


async def test_a_backlog_is_distinguished_from_news(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO.replace(b"17 Nov 2026", b"17 Nov 2021")))
    await desk.poll()
    assert desk.polled["wire"].state.last_message == "2 new, 2 of them older than 3 days"


async def test_if_no_source_responds_all_are_retried_within_minutes(desk: Desk) -> None:
    desk.config = replace(desk.config, limits=Limits(allow_private=("127.0.0.1", "127.0.0.2", "127.0.0.3")))
    for number in (1, 2, 3):
        desk.add(f"s{number}", f"http://127.0.0.{number}:9/feed.xml")
    await desk.poll()
    for number in (1, 2, 3):
        state = desk.store.feeds.state(f"s{number}")
        assert state is not None
        assert state.failures == 1
        assert state.next_poll_at is not None
        assert state.next_poll_at <= NOON + timedelta(minutes=2)


def undated(*titles: str) -> bytes:
    """Return a feed with an undated item for each title."""
    body = "".join(f"<item><title>{title}</title><guid>{title}</guid></item>" for title in titles)
    return f"<rss version='2.0'><channel><title>Wire</title>{body}</channel></rss>".encode()


async def test_undated_items_of_a_first_document_are_a_backlog_and_later_ones_are_news(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", undated("Old", "Older")))
    await desk.poll()
    desk.server.publish("/news.xml", undated("New", "Old", "Older"))
    desk.clock.at += HOUR
    await desk.poll()

    entries = {entry.title: entry for entry in desk.store.entries.of_source("wire")}
    assert {title: entry.backlog for title, entry in entries.items()} == {"Old": True, "Older": True, "New": False}
    assert entries["Old"].at == NOON - BACKLOG_AGE
    assert entries["New"].at == entries["New"].first_seen_at
    assert entries["Old"].plausible_published_at is None


async def test_a_dated_item_of_a_first_document_is_not_backlog(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO))
    await desk.poll()
    entries = desk.store.entries.of_source("wire")
    assert [entry.backlog for entry in entries] == [False, False]
    assert {entry.plausible_published_at for entry in entries} == {NOON - HOUR}


@pytest.mark.parametrize(
    ("stated", "believed"),
    [
        (NOON - HOUR, NOON - HOUR),
        (NOON + timedelta(minutes=10), NOON),  # a server's clock that is slightly fast
        (NOON + HOUR, None),  # local time labelled as GMT
        (NOON + timedelta(days=40), None),  # a future event
        (None, None),
    ],
)
def test_a_stated_date_is_shown_only_where_it_is_plausible(stated: datetime | None, believed: datetime | None) -> None:
    entry = Entry(1, "wire", "a", "", "Title", "", first_seen_at=NOON, published_at=stated)
    assert entry.plausible_published_at == believed


async def test_a_first_document_of_events_to_come_is_a_backlog(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO.replace(b"17 Nov 2026", b"17 Dec 2026")))
    await desk.poll()
    assert {entry.at for entry in desk.store.entries.of_source("wire")} == {NOON - BACKLOG_AGE}


EMPTY = b"<rss version='2.0'><channel><title>Wire</title></channel></rss>"
TOO_MANY = rss(("a", "First of three"), ("b", "Second of three"), ("c", "Third of three"))


@pytest.mark.parametrize("etag", ['"v1"', ""])
async def test_the_row_of_an_empty_feed_stays_right(desk: Desk, etag: str) -> None:
    desk.add("wire", desk.server.publish("/news.xml", EMPTY, etag=etag))
    for _ in range(3):
        await desk.poll()
        assert desk.polled["wire"].state.last_message == "a feed without entries"
        desk.clock.at += HOUR * 25


@pytest.mark.parametrize("etag", ['"v1"', ""])
async def test_the_row_repeats_what_was_left_out_while_the_document_stays(desk: Desk, etag: str) -> None:
    desk.config = replace(desk.config, limits=replace(desk.config.limits, entries_per_poll=2))
    desk.add("wire", desk.server.publish("/news.xml", TOO_MANY, etag=etag))
    await desk.poll()
    first, _, note = desk.polled["wire"].state.last_message.partition("; ")
    assert (first, "2" in note) == ("2 new", True)
    for _ in range(2):
        desk.clock.at += HOUR * 25
        await desk.poll()
        assert desk.polled["wire"].state.last_message == f"nothing new; {note}"
    desk.server.publish("/news.xml", TWO)
    desk.clock.at += HOUR * 25
    await desk.poll()
    assert note not in desk.polled["wire"].state.last_message


async def test_a_document_with_only_unchanged_items_is_not_empty(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", TWO))
    await desk.poll()
    desk.server.publish("/news.xml", TWO.replace(b"</title>", b"</title><generator>another day</generator>", 1))
    desk.clock.at += HOUR
    await desk.poll()
    assert desk.polled["wire"].state.last_message == "nothing new"


async def test_a_failure_in_between_does_not_make_the_row_wrong(desk: Desk) -> None:
    desk.add("wire", desk.server.publish("/news.xml", EMPTY, etag='"v1"'))
    await desk.poll()
    desk.server.answer("/news.xml", 500)
    desk.clock.at += HOUR * 25
    await desk.poll()
    assert desk.polled["wire"].state.last_message == "500 Internal Server Error"
    desk.server.publish("/news.xml", EMPTY, etag='"v1"')
    desk.clock.at += HOUR * 25
    await desk.poll()
    assert desk.polled["wire"].state.last_message == "a feed without entries"
