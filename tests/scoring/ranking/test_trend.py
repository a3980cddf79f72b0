from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincc  # type: ignore[import-untyped,unused-ignore]
from scipy.stats import poisson  # type: ignore[import-untyped,unused-ignore]

from scoring.ranking.trend import coverage, freshness, relative_rate, surprise, trend, usual_coverage

HALF = timedelta(hours=6)
usual = st.floats(0.05, 100)
ages = st.timedeltas(timedelta(), timedelta(days=5))
voices = st.lists(st.tuples(ages, st.floats(0.01, 10)), min_size=1, max_size=40)
CLOSE = 1 - 1e-9


@pytest.mark.parametrize(("k", "m", "nats"), [(1, 1.0, 0.4587), (2, 1.0, 1.3309), (9, 1.0, 13.6975), (4, 4.0, 0.5682)])
def test_surprise_of_a_whole_number_is_the_poisson_tail(k: int, m: float, nats: float) -> None:
    assert surprise(k, m) == pytest.approx(nats, abs=1e-4)
    assert surprise(k, m) == pytest.approx(-math.log(poisson.sf(k - 1, m)))


@given(k=st.floats(0.01, 60), m=usual)
def test_surprise_agrees_with_the_incomplete_gamma_of_a_numerical_library(k: float, m: float) -> None:
    q = float(gammaincc(k, m))
    if q < 0.999:
        assert surprise(k, m) == pytest.approx(-math.log1p(-q), rel=1e-6, abs=1e-300)


@given(k=st.floats(0.001, 5_000), m=usual)
def test_surprise_is_finite_and_positive(k: float, m: float) -> None:
    assert 0 < surprise(k, m) < math.inf


@given(k=st.floats(0.01, 3_000), more=st.floats(0.01, 10), m=usual)
def test_more_coverage_is_more_surprising_and_never_a_tie(k: float, more: float, m: float) -> None:
    assert surprise(k + more, m) > surprise(k, m)


@given(k=st.floats(0.01, 3_000), m=st.floats(0.05, 50), more=st.floats(0.01, 10))
def test_the_same_coverage_is_less_surprising_where_more_is_usual(k: float, m: float, more: float) -> None:
    assert surprise(k, m + more) <= surprise(k, m)


def test_no_coverage_is_no_surprise_and_a_usual_coverage_of_nothing_is_refused() -> None:
    assert surprise(0, 1) == 0
    with pytest.raises(ValueError, match="above 0"):
        surprise(1, 0)


@given(voices=voices, rate=st.floats(0.01, 10), age=ages, m=usual)
def test_an_added_voice_never_lowers_the_trend(
    voices: list[tuple[timedelta, float]], rate: float, age: timedelta, m: float
) -> None:
    last = min(a for a, _ in voices)
    before = trend(coverage(voices), m, last, HALF)
    after = trend(coverage([*voices, (age, rate)]), m, min(last, age), HALF)
    assert after >= before * CLOSE


@given(voices=voices, wait=ages, m=usual)
def test_time_without_news_never_raises_the_trend(
    voices: list[tuple[timedelta, float]], wait: timedelta, m: float
) -> None:
    last = min(a for a, _ in voices)
    before = trend(coverage(voices), m, last, HALF)
    after = trend(coverage([(age + wait, rate) for age, rate in voices]), m, last + wait, HALF)
    assert 0 <= after <= before / CLOSE
    assert math.isfinite(before)


def test_a_voice_of_a_quiet_hour_counts_more_but_not_without_bound() -> None:
    assert coverage([(timedelta(), 0.5)]) == pytest.approx(2**0.5)
    assert coverage([(timedelta(), 0.001)]) == 2.0


def test_freshness_halves_with_every_half_life() -> None:
    assert [freshness(n * HALF, HALF) for n in range(3)] == [1.0, 0.5, 0.25]


def test_rates_and_usual_coverage_start_at_the_prior_and_follow_the_counts() -> None:
    assert relative_rate(0, 0, 3) == 1.0
    assert relative_rate(3_000, 168 * 500, 3) == pytest.approx(2.0, abs=0.05)
    assert usual_coverage(0, 0) == pytest.approx(1.3)
    assert usual_coverage(9_000, 3_000) == pytest.approx(3.0, abs=0.05)
