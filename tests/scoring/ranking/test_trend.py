from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.ranking.baseline import CategoryRhythm
from scoring.ranking.trend import burst, expected_sources, freshness, interest, pull, reach, trend, usual_coverage

HALF = timedelta(hours=24)
HOUR = timedelta(hours=1)
usual = st.floats(1.0, 100)
ages = st.timedeltas(timedelta(), timedelta(days=5))
sources = st.lists(st.tuples(ages, st.floats(0.05, 20)), min_size=1, max_size=40)
CLOSE = 1 - 1e-9


chances = st.floats(0.0, 1.0)


@given(sources=sources, weight=st.floats(0.05, 20), age=ages, m=usual, chance=chances)
def test_an_added_source_never_lowers_the_trend(
    sources: list[tuple[timedelta, float]], weight: float, age: timedelta, m: float, chance: float
) -> None:
    first, last = max(a for a, _ in sources), min(a for a, _ in sources)
    before = trend(pull(sources), m, first, chance, last, HALF)
    after = trend(pull([*sources, (age, weight)]), m, first, chance, min(last, age), HALF)
    assert after >= before * CLOSE


@given(sources=sources, wait=ages, m=usual, chance=chances)
def test_time_without_news_never_raises_the_trend(
    sources: list[tuple[timedelta, float]], wait: timedelta, m: float, chance: float
) -> None:
    first, last = max(a for a, _ in sources), min(a for a, _ in sources)
    before = trend(pull(sources), m, first, chance, last, HALF)
    after = trend(pull([(age + wait, weight) for age, weight in sources]), m, first + wait, chance, last + wait, HALF)
    assert 0 <= after <= before / CLOSE
    assert math.isfinite(before)


@given(sources=sources, m=usual, chance=chances)
def test_the_trend_is_above_zero_even_where_no_second_source_ever_came(
    sources: list[tuple[timedelta, float]], m: float, chance: float
) -> None:
    assert expected_sources(pull([(timedelta(), 1.0)]), 1.0) > 0
    assert trend(pull(sources), m, timedelta(), chance, timedelta(), HALF) > 0


def test_a_worked_example() -> None:
    fresh, older = (timedelta(), 1.0), (timedelta(hours=24), 2.0)
    now = 0.5 * (1 - 2**-2) + 0.5 * (1 - 2**-0.75)
    then = 0.5 * 2**-8 * (1 - 2**-2) + 0.5 * 2**-3 * (1 - 2**-0.75)
    assert pull([fresh, older]) == pytest.approx(now + 2**0.7 * then)
    assert expected_sources(now, 2.0) == pytest.approx(0.5 * now)


@given(age=ages, later=ages, low=chances, high=chances)
def test_younger_stories_and_higher_scores_draw_more(age: timedelta, later: timedelta, low: float, high: float) -> None:
    assert interest(age + later, low) <= interest(age, low)
    assert interest(age, min(low, high)) <= interest(age, max(low, high))


def test_who_is_followed_more_draws_more_and_little_history_counts_little() -> None:
    assert reach(0, 0, 0.3) == pytest.approx(1.0)
    assert reach(5, 5, 0.3) < reach(50, 50, 0.3) < 1 / 0.3
    assert reach(3, 0, 0.0) == 1.0
    # (10 + 30 * 0.5) / (10 + 30) / 0.5
    assert reach(10, 10, 0.5) == pytest.approx(1.25)


def test_the_baseline_learns_whom_others_follow_and_forgets_after_its_days() -> None:
    baseline = CategoryRhythm(days=2)
    baseline.advance(1)
    for _ in range(200):
        baseline.count_follows("scoop", [])
        baseline.count_follows("late", ["scoop"])
    assert baseline.reach("scoop") > 1.5 > 1.0 > baseline.reach("late")
    assert baseline.reach("unknown") == pytest.approx(1.0)
    baseline.advance(4)
    assert baseline.reach("scoop") == 1.0


def test_a_category_gets_what_it_usually_got() -> None:
    baseline = CategoryRhythm(days=30)
    baseline.advance(1)
    for story in range(300):
        baseline.count("models", voice=True, story=True)
        if story % 2:
            baseline.count("models", voice=True, story=False)
            baseline.count("models", voice=False, story=False)
    assert baseline.usual("models") == pytest.approx(1.5, abs=0.05)
    assert baseline.usual("policy") == pytest.approx(1.3)


def test_freshness_halves_with_every_half_life() -> None:
    assert freshness(timedelta(), HALF) == 1.0
    assert freshness(2 * HALF, HALF) == 0.25


def test_a_burst_is_signed_and_about_standard_deviations() -> None:
    assert burst(4, 4.0) == 0.0
    assert burst(9, 1.0) == pytest.approx(4.85, abs=0.01)
    assert burst(0, 2.0) == pytest.approx(-2.0)
    with pytest.raises(ValueError, match="above 0"):
        burst(1, 0.0)


@given(count=st.integers(0, 10_000), expected=st.floats(0.01, 10_000))
def test_one_more_entry_never_looks_less_surprising(count: int, expected: float) -> None:
    assert burst(count + 1, expected) >= burst(count, expected)


def test_usual_coverage_starts_at_the_prior_and_follows_the_counts() -> None:
    assert usual_coverage(0, 0) == pytest.approx(1.3)
    assert usual_coverage(9_000, 3_000) == pytest.approx(3.0, abs=0.05)
