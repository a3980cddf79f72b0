"""When a feed is asked again, and what a poll leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Failed, FailureKind, FeedState, Fetched, NotModified, Outcome, PollLimits, Validators
from aggregator.schedule import DAY, adapted_interval, after, is_due, next_poll_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLL = PollLimits()
NEW = "https://new.example/feed"

durations = st.timedeltas(timedelta(), timedelta(days=400))
failures = st.builds(
    Failed,
    st.sampled_from(FailureKind),
    st.just("words"),
    st.none(),
    st.none() | st.timedeltas(timedelta(), timedelta(days=2)),
)
outcomes: st.SearchStrategy[Outcome] = failures | st.just(NotModified()) | st.just(Fetched(b"x", "", NEW))
states = st.builds(
    FeedState, st.just("a"), st.just("https://a.example/feed"), interval=durations, failures=st.integers(0, 10_000)
)


def state(**changes: object) -> FeedState:
    return FeedState("a", "https://a.example/feed", **changes)  # type: ignore[arg-type]


def fetched(moved_to: str = "") -> Fetched:
    return Fetched(b"x", "", NEW, Validators('"v1"'), moved_to)


@given(states, outcomes, st.floats(-1, 1))
def test_no_wait_is_longer_than_a_day_or_shorter_than_allowed(
    before: FeedState, outcome: Outcome, jitter: float
) -> None:
    wait = next_poll_at(before, outcome, NOON, poll=POLL, jitter=jitter) - NOON
    assert POLL.min * 0.89 <= wait <= DAY


@given(states, failures, st.floats(-1, 1))
def test_what_a_server_asks_for_is_never_undercut(before: FeedState, failed: Failed, jitter: float) -> None:
    wait = next_poll_at(before, failed, NOON, poll=PollLimits(POLL.min, HOUR), jitter=jitter) - NOON
    assert wait >= min(failed.retry_after or timedelta(), DAY)


def test_each_failure_doubles_the_wait() -> None:
    failed = Failed(FailureKind.TIMEOUT, "timed out")
    waits = []
    current = state(interval=HOUR)
    for _ in range(7):
        current = after(current, failed, NOON, poll=POLL)
        assert current.next_poll_at is not None
        waits.append((current.next_poll_at - NOON) / HOUR)
    assert waits == [1, 2, 4, 8, 16, 24, 24]
    assert current.failures == 7


def test_jitter_moves_a_wait_by_a_tenth() -> None:
    at = next_poll_at(state(interval=HOUR), NotModified(), NOON, poll=POLL, jitter=1.0)
    assert at == NOON + timedelta(minutes=66)


def test_the_interval_follows_the_feed_between_its_bounds() -> None:
    assert adapted_interval(HOUR, 5, poll=POLL) < adapted_interval(HOUR, 1, poll=POLL) < HOUR
    assert adapted_interval(HOUR, 0, poll=POLL) > HOUR
    assert adapted_interval(POLL.min, 9, poll=POLL) == POLL.min
    assert adapted_interval(POLL.max, 0, poll=POLL) == POLL.max


def test_a_success_clears_the_failures_and_keeps_what_the_server_gave() -> None:
    broken = after(state(), Failed(FailureKind.STATUS, "500", 500), NOON, poll=POLL)
    well = after(broken, fetched(), NOON + HOUR, poll=POLL, new=3, words="3 entries, 3 new")
    assert (well.failures, well.validators.etag, well.last_kind, well.last_words) == (
        0,
        '"v1"',
        "fetched",
        "3 entries, 3 new",
    )
    assert well.last_new_at == well.last_ok_at == NOON + HOUR


def test_a_failure_keeps_the_validators_and_says_why() -> None:
    before = state(validators=Validators('"v1"'), last_ok_at=NOON)
    broken = after(before, Failed(FailureKind.STATUS, "503 Service Unavailable", 503), NOON + HOUR, poll=POLL)
    assert broken.validators == before.validators
    assert (broken.last_kind, broken.last_status, broken.last_ok_at) == ("status", 503, NOON)


def test_gone_stops_the_polling() -> None:
    gone = after(state(), Failed(FailureKind.GONE, "410 Gone", 410), NOON, poll=POLL)
    assert gone.gone
    assert not is_due(gone, NOON + 100 * DAY)


def test_a_move_is_followed_when_two_polls_in_a_row_saw_it() -> None:
    once = after(state(), fetched(NEW), NOON, poll=POLL)
    assert once.url == "https://a.example/feed"
    assert after(once, fetched(), NOON, poll=POLL).move_seen_to == ""
    for second in (fetched(NEW), NotModified(moved_to=NEW)):
        assert after(once, second, NOON, poll=POLL).url == NEW


def test_a_move_to_another_source_or_to_no_feed_is_never_followed() -> None:
    once = after(state(), fetched(NEW), NOON, poll=POLL, taken=[NEW])
    assert after(once, fetched(NEW), NOON, poll=POLL, taken=[NEW]).url == "https://a.example/feed"
    seen = after(state(), fetched(NEW), NOON, poll=POLL)
    assert after(seen, Failed(FailureKind.NOT_A_FEED, "HTML"), NOON, poll=POLL).url == "https://a.example/feed"


@pytest.mark.parametrize(
    ("next_at", "due"),
    [(None, True), (NOON, True), (NOON + HOUR, False), (NOON + timedelta(days=400), True)],
)
def test_a_clock_that_was_set_back_starves_no_feed(next_at: datetime | None, due: bool) -> None:
    assert is_due(state(next_poll_at=next_at), NOON) is due
