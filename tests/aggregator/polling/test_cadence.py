"""A feed's publishing rhythm: when to poll next, and when its silence is unusual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.polling.cadence import ALARM, MAX_ARRIVALS, MIN_ALARM, Arrivals, best_wait, silence, with_arrivals

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WORTH = 5 * MINUTE

moments = st.lists(st.timedeltas(timedelta(), timedelta(days=420)).map(lambda ago: NOON - ago), max_size=80)


def every(gap: timedelta, count: int, last: datetime = NOON) -> Arrivals:
    return with_arrivals((), [last - number * gap for number in range(count)])


@given(moments, moments)
def test_arrivals_are_the_newest_in_order_and_distinct(before: list[datetime], new: list[datetime]) -> None:
    arrivals = with_arrivals(with_arrivals((), before), new)
    assert list(arrivals) == sorted(set(arrivals))
    assert len(arrivals) <= MAX_ARRIVALS
    assert with_arrivals(arrivals, new) == arrivals
    if new:
        assert arrivals[-1] >= int(max(new).timestamp())


@given(moments, st.timedeltas(MINUTE, DAY))
def test_no_wait_is_longer_than_the_longest(arrived: list[datetime], longest: timedelta) -> None:
    assert timedelta() < best_wait(with_arrivals((), arrived), NOON, WORTH, longest) <= longest


@given(moments, st.timedeltas(MINUTE, HOUR))
def test_whoever_values_a_request_more_waits_longer(arrived: list[datetime], worth: timedelta) -> None:
    arrivals = with_arrivals((), arrived)
    assert best_wait(arrivals, NOON, worth, DAY) <= best_wait(arrivals, NOON, worth * 2, DAY)


def test_the_interval_follows_the_square_root_of_a_steady_rate() -> None:
    # 48 a day: f = sqrt(2 / h / (2 * 1/12 h)) = 3.46 an hour, every 17 min; after an arrival a little rarer, since
    # half of the rate is what the last hour excites. A quarter of the rate is twice the wait.
    often, seldom = (best_wait(every(gap, MAX_ARRIVALS), NOON + gap, WORTH, DAY) for gap in (HOUR / 2, 2 * HOUR))
    assert 15 * MINUTE < often < 25 * MINUTE
    assert 1.7 < seldom / often < 2.6


def test_a_feed_that_is_quiet_at_night_is_polled_less_then() -> None:
    by_day = [NOON - day * DAY + hour * HOUR for day in range(1, 7) for hour in range(-4, 4)]
    arrivals = with_arrivals((), by_day)
    assert best_wait(arrivals, NOON + 12 * HOUR, WORTH, DAY) > 1.5 * best_wait(arrivals, NOON, WORTH, DAY)


def test_recent_news_brings_the_next_poll_forward() -> None:
    quiet = every(6 * HOUR, 30, NOON - 6 * HOUR)
    burst = with_arrivals(quiet, [NOON - minutes * MINUTE for minutes in range(5)])
    assert best_wait(burst, NOON, WORTH, DAY) < 0.5 * best_wait(quiet, NOON, WORTH, DAY)


def test_an_abandoned_feed_is_polled_ever_more_rarely() -> None:
    arrivals = every(HOUR, MAX_ARRIVALS)
    waits = [best_wait(arrivals, NOON + after, WORTH, DAY) for after in (DAY, 7 * DAY, 60 * DAY, 3000 * DAY)]
    assert waits == sorted(waits)
    assert waits[-1] >= 12 * HOUR


# Silence


@pytest.mark.parametrize("count", [0, 1, 8])
def test_few_arrivals_tell_nothing_of_silence(count: int) -> None:
    assert silence(every(HOUR, count), NOON + 100 * DAY) is None


def test_a_daily_feed_is_overdue_when_it_missed_its_day() -> None:
    silent = silence(every(DAY, 30), NOON + DAY)
    assert silent is not None
    assert silent.last_at == NOON
    assert silent.usual_gap == DAY
    # k / n = 7 / 29, a = 8: (24.1) ** (1 / 8) = 1.49 days.
    assert abs(silent.overdue_at - (NOON + 1.49 * DAY)) < timedelta(minutes=20)


def test_a_feed_that_rests_on_weekends_is_not_overdue_on_sunday() -> None:
    weekdays = [NOON - day * DAY for day in range(60) if (NOON - day * DAY).weekday() < 5]
    silent = silence(with_arrivals((), weekdays), NOON)
    assert silent is not None
    assert silent.overdue_at > NOON + 3 * DAY


@given(moments, st.timedeltas(timedelta(), timedelta(days=400)), st.timedeltas(timedelta(), timedelta(days=400)))
def test_longer_silence_is_never_less_strange(arrived: list[datetime], shorter: timedelta, more: timedelta) -> None:
    arrivals = with_arrivals((), arrived)
    early, late = silence(arrivals, NOON + shorter), silence(arrivals, NOON + shorter + more)
    if early is None or late is None:
        assert early is late is None
        return
    assert 0 < late.probability <= early.probability <= 1
    assert early.overdue_at == late.overdue_at >= early.last_at + MIN_ALARM
    overdue = silence(arrivals, early.overdue_at + timedelta(seconds=1))
    assert overdue is not None
    assert overdue.probability <= ALARM * 1.001
