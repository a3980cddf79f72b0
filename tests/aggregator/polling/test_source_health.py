"""Messages on a source's row, and the totals of a host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import FeedState, Hints, Source, SourceHealth
from aggregator.polling.cadence import with_arrivals
from aggregator.polling.source_health import messages, of_silence, size, span

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)  # a Tuesday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
URL = "https://a.example/feed.xml"


def row(source_id: str = "wire", url: str = URL, *, entries: int = 9, **state: object) -> SourceHealth:
    source = Source(source_id, source_id, url, "news")
    feed_state = FeedState(source_id, url, last_ok_at=NOON - HOUR, last_new_at=NOON - HOUR, **state)  # type: ignore[arg-type]
    return SourceHealth(source, feed_state, entries, 0, 0, polls=10, unchanged=8, bytes=20_000, saved_bytes=80_000)


def daily(last: datetime) -> tuple[int, ...]:
    return with_arrivals((), [last - number * DAY for number in range(30)])


def test_a_silent_feed_is_overdue_although_it_answers() -> None:
    silent = row(arrivals=daily(NOON - 4 * DAY))
    assert messages(silent, NOON)[0] == (
        "overdue since Saturday, although it answers: a silence this long is less than 1 in 10,000"
    )
    overdue = of_silence(silent, NOON)
    assert overdue is not None
    assert overdue.overdue_at < NOON


def test_a_feed_that_comes_as_usual_is_not_overdue() -> None:
    message = messages(row(arrivals=daily(NOON - HOUR)), NOON)
    assert message == (
        "publishes about every 24 h, polled about every 30 min",
        "80 % of the requests (10) answered 304, which saved 80 kB; 20 kB received",
    )


def test_a_paused_a_removed_and_a_gone_source_are_never_overdue() -> None:
    silent = row(arrivals=daily(NOON - 40 * DAY))
    for nobody_listens in (
        replace(silent, removed=True),
        replace(silent, source=replace(silent.source, enabled=False)),
        replace(silent, state=replace(silent.state, gone=True)),
    ):
        assert of_silence(nobody_listens, NOON) is None


@pytest.mark.parametrize(
    ("health", "message"),
    [
        (row(entries=0), "answers, but has no entries yet"),
        (
            row(moved_from="https://old.example/rss", moved_at=NOON - 8 * DAY),
            "moved from https://old.example/rss (9 November)",
        ),
        (
            row(format_before="RSS 2.0", format_changed_at=NOON - DAY, hints=Hints("Atom")),
            "RSS 2.0 became Atom (Monday)",
        ),
        (
            row(hints=Hints(ttl=HOUR, skip_days=(5, 6)), waits_kept=7),
            "asks to be polled less often (ttl 60 min, days of the week to skip: 2); honored 7×",
        ),
    ],
)
def test_the_message_says_what_happened(health: SourceHealth, message: str) -> None:
    assert messages(health, NOON)[0] == message


def test_lengths_and_sizes_read_as_people_say_them() -> None:
    assert [span(HOUR * hours) for hours in (0.001, 0.5, 3, 24, 72)] == ["4 s", "30 min", "3 h", "24 h", "3 days"]
    assert [size(count) for count in (12, 12_000, 3_400_000)] == ["12 bytes", "12 kB", "3.4 MB"]
