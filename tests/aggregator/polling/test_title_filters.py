"""`exclude:` and `only:` of a source: what is not stored, and the count on its row."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config import parse_config
from aggregator.errors import ConfigError
from aggregator.model import Config, Draft, Site, Source
from aggregator.model.clock import SteppedClock
from aggregator.parse.identity import arrival
from aggregator.polling.items.title_filters import is_wanted
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store
from tests.feedserver import FeedServer

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


def wanted(
    title: str, tags: tuple[str, ...] = (), *, exclude: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> bool:
    source = Source("a", "A", "https://a.example/f", "news", exclude=exclude, only=only)
    return is_wanted(source, arrival(Draft(guid="1", link="", title=title, summary="", tags=tags)))


@pytest.mark.parametrize(
    ("text", "title", "tags", "left_out"),
    [
        ("horoscope", "Your horoscope for Monday", (), True),
        ("horoscope", "HOROSCOPE!", (), True),
        ("horoscope", "Horoscopes", (), False),
        ("horoscop*", "Horoscopes", (), True),
        ("deal", "A new ideal", (), False),
        ("daily deals", "The daily deals of today", (), True),
        ("daily deals", "Daily: no deals", (), False),
        ("daily deal*", "Our daily dealings", (), True),
        ("sponsored", "News", ("Sponsored", "AI"), True),
        ("tag:deals", "Deals of the day", (), False),
        ("tag:deals", "News", ("Deals",), True),
        ("tag:deals", "News", ("Best deals",), False),
        ("tag:big tech", "News", ("Big Tech",), True),
        ("C++", "A C++ compiler", (), True),
        ("芯片", "新芯片工厂", (), True),
    ],
)
def test_a_filter_matches_words_of_titles_and_tags(
    text: str, title: str, tags: tuple[str, ...], left_out: bool
) -> None:
    assert wanted(title, tags, exclude=(text,)) is not left_out
    assert wanted(title, tags, only=(text,)) is left_out


def test_an_item_that_both_match_is_left_out() -> None:
    assert wanted("Chips on sale", only=("chips",))
    assert not wanted("Chips on sale", only=("chips",), exclude=("sale",))


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))
def test_without_filters_everything_is_wanted(title: str, tags: list[str]) -> None:
    assert wanted(title, tuple(tags))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a*b", "'*' that is not at the end"),
        ("'*'", "contains no word"),
        ("'tag:'", "contains no word"),
        ("x" * 101, "at most 100"),
    ],
)
def test_a_filter_that_cannot_match_is_reported_at_its_place(value: str, message: str) -> None:
    text = f"sources:\n  - id: a\n    url: https://a.example/f\n    exclude: [{value}]\n"
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (4, 15)
    assert message in fault.message


def test_filters_of_defaults_count_for_sources_without_their_own() -> None:
    config = parse_config(
        "defaults: {exclude: [horoscope]}\nsources:\n  - {id: a, url: https://a.example/f}\n"
        "  - {id: b, url: https://b.example/f, exclude: [sponsor*]}\n"
    )
    assert [source.exclude for source in config.sources] == [("horoscope",), ("sponsor*",)]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as store:
        yield store


def items(*titles: str) -> bytes:
    body = "".join(
        f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title><link>https://a.example/{i}</link>"
        "<pubDate>Tue, 17 Nov 2026 11:00:00 GMT</pubDate></item>"
        for i, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>Wire</title>{body}</channel></rss>".encode()


async def test_what_is_left_out_is_not_stored_and_counted_on_the_row(feed_server: FeedServer, store: Store) -> None:
    messages: list[str] = []

    async def poll(*exclude: str) -> list[str]:
        source = Source("a", "A", feed_server.url("/f"), "news", "a", exclude=exclude, allow_private=True)
        config = Config(Site(), (), (source,))
        store.feeds.sync(config.sources, NOON)

        def finished(polled: Polled) -> None:
            messages.append(polled.state.last_message)

        clock = SteppedClock(NOON)
        async with Poller(config, store=store, clock=clock, rng=random.Random(0), finished=finished) as poller:
            await poller.poll_now(["a"])
        return sorted(entry.title for entry in store.entries.each())

    feed_server.publish("/f", items("Chips", "Daily horoscope", "Sponsored: a phone"))
    assert await poll("horoscope", "sponsor*") == ["Chips"]
    assert messages[-1] == "1 new; 2 items left out by exclude or only"

    # The same bytes again: nothing is parsed, and the row keeps its count.
    assert await poll("horoscope", "sponsor*") == ["Chips"]
    assert "2 items left out" in messages[-1]

    # After a filter is removed, items that are still in the document are stored once it changes.
    feed_server.publish("/f", items("News", "Chips", "Daily horoscope", "Sponsored: a phone"))
    assert await poll("sponsor*") == ["Chips", "Daily horoscope", "News"]
    assert messages[-1] == "2 new; 1 item left out by exclude or only"
