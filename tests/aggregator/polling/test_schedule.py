"""When a feed is polled next, and what a poll records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import (
    Failed,
    FailureKind,
    FeedState,
    Fetched,
    Hints,
    NotModified,
    Outcome,
    PollLimits,
    Validators,
)
from aggregator.polling.cadence import best_wait
from aggregator.polling.schedule import (
    DAY,
    Reach,
    after,
    is_due,
    network_retry,
    next_poll_at,
    pause_of_host,
    rescheduled,
    validators_to_send,
)

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
hours = st.lists(st.integers(0, 23), max_size=23, unique=True).map(tuple)
days = st.lists(st.integers(0, 6), max_size=6, unique=True).map(tuple)
hints = st.builds(Hints, st.just("RSS 2.0"), st.none() | durations, st.none() | durations, hours, days)
states = st.builds(
    FeedState,
    st.just("a"),
    st.just("https://a.example/feed"),
    interval=durations,
    failures=st.integers(0, 10_000),
    hints=hints,
    fresh_for=st.none() | durations,
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
def test_the_wait_requested_by_a_server_is_never_undercut(before: FeedState, failed: Failed, jitter: float) -> None:
    wait = next_poll_at(before, failed, NOON, poll=PollLimits(POLL.min, HOUR), jitter=jitter) - NOON
    assert wait >= min(failed.retry_after or timedelta(), DAY)


def test_a_request_is_worth_five_minutes_of_delay() -> None:
    hourly = [NOON - number * HOUR for number in range(24)]

    polled = after(state(), fetched(), NOON, poll=PollLimits(timedelta(minutes=1), DAY), arrived=hourly)

    assert polled.interval == best_wait(polled.arrivals, NOON, timedelta(minutes=5), DAY)
    assert timedelta(minutes=10) < polled.interval < HOUR


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


@given(states, st.floats(-1, 1), st.timedeltas(timedelta(), timedelta(days=8)))
def test_requests_of_server_and_document_are_honoured_up_to_the_maximum_interval(
    before: FeedState, jitter: float, later: timedelta
) -> None:
    now = NOON + later
    at = next_poll_at(before, NotModified(), now, poll=POLL, jitter=jitter)
    wait = at - now
    for requested in (before.hints.ttl, before.hints.updated_every, before.fresh_for):
        assert wait >= min(requested or timedelta(), POLL.max)
    skipped = at.hour in before.hints.skip_hours or at.weekday() in before.hints.skip_days
    assert not skipped or wait == POLL.max


@pytest.mark.parametrize(
    ("stated", "wait"),
    [
        ({"hints": Hints(ttl=2 * HOUR)}, 2 * HOUR),
        ({"hints": Hints(updated_every=3 * HOUR, ttl=2 * HOUR)}, 3 * HOUR),
        ({"fresh_for": timedelta(minutes=50)}, timedelta(minutes=50)),
        ({"fresh_for": timedelta(minutes=1)}, timedelta(minutes=30)),
        ({"hints": Hints(ttl=timedelta(days=30))}, DAY),
        ({"hints": Hints(skip_hours=(12, 13, 14))}, 3 * HOUR),
        ({"hints": Hints(skip_days=(6,))}, 12 * HOUR),  # NOON is a Sunday
        ({"hints": Hints(skip_days=(6, 0))}, DAY),
    ],
)
def test_a_feed_is_not_polled_during_the_wait_it_requested(stated: dict[str, object], wait: timedelta) -> None:
    assert next_poll_at(state(interval=HOUR / 2, **stated), NotModified(), NOON, poll=POLL) == NOON + wait


def test_a_304_without_cache_control_leaves_what_the_document_came_with() -> None:
    first = after(state(), replace(fetched(), fresh_for=2 * HOUR), NOON, poll=POLL, hints=Hints(ttl=3 * HOUR))
    second = after(first, NotModified(), NOON + 3 * HOUR, poll=POLL)
    assert (second.fresh_for, second.hints.ttl) == (2 * HOUR, 3 * HOUR)
    assert second.next_poll_at == NOON + 6 * HOUR
    # The feed's own cadence would poll it sooner, so both reasons for waiting apply, each with what it adds.
    assert (first.waits_kept, second.waits_kept) == (1, 2)
    assert first.next_poll_at is not None
    assert first.waited == first.next_poll_at - NOON - first.interval
    assert second.waited == first.waited + (second.next_poll_at - (NOON + 3 * HOUR) - second.interval)


def test_the_interval_follows_the_feed_between_its_bounds() -> None:
    def interval(*minutes_ago: int) -> timedelta:
        moments = [NOON - timedelta(minutes=ago) for ago in minutes_ago]
        return after(state(), fetched(), NOON, poll=POLL, arrived=moments).interval

    assert POLL.min <= interval(*range(1, 40)) < interval(*range(1, 400, 10)) < interval(*range(1, 40_000, 1_000))
    assert interval(*range(200_000, 400_000, 10_000)) <= POLL.max
    assert after(state(), fetched(), NOON, poll=PollLimits(HOUR, HOUR), arrived=[NOON] * 9).interval == HOUR


def test_a_backlog_does_not_count_as_rhythm() -> None:
    before = state(last_ok_at=NOON - HOUR, last_new_at=NOON - DAY, arrivals=(int((NOON - DAY).timestamp()),))
    old = [NOON - timedelta(days=number) for number in range(5, 200)]
    assert after(before, fetched(), NOON, poll=POLL, arrived=old).arrivals == before.arrivals
    # A date without a time is before the last poll, although the entry appeared after it.
    midnight = NOON - 12 * HOUR
    assert after(before, fetched(), NOON, poll=POLL, arrived=[midnight]).arrivals[-1] == int(NOON.timestamp())


def test_another_format_and_another_address_are_noted() -> None:
    rss = after(state(), fetched(), NOON, poll=POLL, hints=Hints("RSS 2.0"))
    assert rss.format_changed_at is None
    atom = after(rss, fetched(NEW), NOON + HOUR, poll=POLL, hints=Hints("Atom"))
    assert (atom.format_before, atom.hints.format, atom.format_changed_at) == ("RSS 2.0", "Atom", NOON + HOUR)
    moved = after(atom, NotModified(moved_to=NEW), NOON + DAY, poll=POLL)
    assert (moved.moved_from, moved.url, moved.moved_at) == ("https://a.example/feed", NEW, NOON + DAY)


UNREACHED = Failed(FailureKind.NETWORK, "no connection")


def test_when_nobody_answers_the_network_is_down_until_somebody_does() -> None:
    reach = Reach()
    for number in range(3):
        assert not reach.is_down
        reach = reach.with_outcome(f"s{number}", f"{number}.example", UNREACHED, 0)
    assert reach.is_down
    assert [source_id for _, source_id in reach.unreached] == ["s0", "s1", "s2"]
    assert not reach.with_outcome("s9", "9.example", Failed(FailureKind.STATUS, "503", 503), 4).is_down


def test_one_host_or_hosts_long_dead_do_not_mean_that_the_network_is_down() -> None:
    alive, dead = Reach(), Reach()
    for number in range(9):
        alive = alive.with_outcome(f"s{number}", "same.example", UNREACHED, 0)
        dead = dead.with_outcome(f"s{number}", f"{number}.example", UNREACHED, 5)
    assert not alive.is_down
    assert not dead.is_down


@given(states, st.floats(-1, 1))
def test_while_the_network_is_down_the_retry_is_soon_and_no_fault_of_the_feed(before: FeedState, jitter: float) -> None:
    broken = after(before, UNREACHED, NOON, poll=POLL, jitter=jitter, network_down=True)
    assert broken.next_poll_at is not None
    assert broken.next_poll_at - NOON <= network_retry(jitter) <= timedelta(minutes=2)
    assert broken.failures == max(before.failures, 1)
    retried = after(before, Failed(FailureKind.STATUS, "500", 500), NOON, poll=POLL, network_down=True)
    assert retried.failures == before.failures + 1


def test_a_success_clears_the_failures_and_keeps_what_the_server_gave() -> None:
    broken = after(state(), Failed(FailureKind.STATUS, "500", 500), NOON, poll=POLL)
    well = after(broken, fetched(), NOON + HOUR, poll=POLL, arrived=[None] * 3, message="3 entries, 3 new")
    assert (well.failures, well.validators.etag, well.last_kind, well.last_message) == (
        0,
        '"v1"',
        "fetched",
        "3 entries, 3 new",
    )
    assert well.last_new_at == well.last_ok_at == NOON + HOUR


def test_a_304_changes_the_validators_that_it_names() -> None:
    before = state(validators=Validators('"v1"', "yesterday"), last_ok_at=NOON)
    for named, kept in ((Validators(), before.validators), (Validators('"v2"'), Validators('"v2"', "yesterday"))):
        assert after(before, NotModified(validators=named), NOON, poll=POLL).validators == kept


@pytest.mark.parametrize(
    ("silent_for", "polled_before", "last_kind", "conditional"),
    [
        (HOUR, DAY, "not modified", True),  # a usual pause
        (10 * DAY, DAY, "not modified", False),
        (10 * DAY, HOUR, "not modified", True),  # not the first poll of the day
        (10 * DAY, DAY, "fetched", True),
        (60 * DAY, DAY, "not modified", True),  # has probably ended, and was polled this week
        (60 * DAY, 7 * DAY, "not modified", False),
    ],
)
def test_an_overdue_feed_is_asked_for_the_whole_document_once_a_day(
    silent_for: timedelta, polled_before: timedelta, last_kind: str, conditional: bool
) -> None:
    last = (NOON - silent_for).timestamp()
    arrivals = tuple(int(last - 3600 * 8 * number) for number in range(20, -1, -1))
    before = state(
        validators=Validators('"v1"'), arrivals=arrivals, last_kind=last_kind, last_polled_at=NOON - polled_before
    )
    assert validators_to_send(before, NOON) == (before.validators if conditional else Validators())
    assert validators_to_send(state(validators=Validators('"v1"')), NOON) == Validators('"v1"')


@pytest.mark.parametrize(
    ("status", "retry_after", "pause"),
    [
        (429, None, timedelta(minutes=1)),
        (429, 10 * HOUR, HOUR),
        (503, HOUR / 2, HOUR / 2),
        (503, None, timedelta()),
        (404, None, timedelta()),
    ],
)
def test_a_rate_limit_pauses_the_host(status: int, retry_after: timedelta | None, pause: timedelta) -> None:
    assert pause_of_host(Failed(FailureKind.STATUS, "", status, retry_after)) == pause
    assert not pause_of_host(NotModified())


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


def test_changed_limits_apply_to_the_poll_that_is_scheduled() -> None:
    slow = PollLimits(timedelta(hours=6), DAY)
    polled = after(state(), fetched(), NOON, poll=slow)
    assert polled.next_poll_at == NOON + 6 * HOUR
    quick = PollLimits(timedelta(minutes=1), timedelta(minutes=10))
    assert rescheduled(polled, quick).next_poll_at == after(state(), fetched(), NOON, poll=quick).next_poll_at
    assert rescheduled(after(state(), fetched(), NOON, poll=quick), slow).next_poll_at == NOON + 6 * HOUR


def test_new_limits_that_do_not_bind_leave_the_poll_where_it_is() -> None:
    polled = after(state(), fetched(), NOON, poll=POLL, jitter=0.7)
    assert rescheduled(polled, replace(POLL, max=POLL.max - HOUR)) == polled


def test_changed_limits_do_not_undercut_waits_that_a_server_requested() -> None:
    hour = timedelta(hours=1)
    polled = after(state(), fetched(), NOON, poll=PollLimits(timedelta(hours=6), DAY), hints=Hints("RSS 2.0", ttl=hour))
    at = rescheduled(polled, PollLimits(timedelta(minutes=1), timedelta(minutes=90))).next_poll_at
    assert at is not None
    assert at >= NOON + hour

    failing = after(state(), Failed(FailureKind.STATUS, "503", 503, 2 * hour), NOON, poll=POLL)
    assert rescheduled(failing, PollLimits(timedelta(minutes=1), timedelta(minutes=2))) == failing
