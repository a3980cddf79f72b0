"""Points add up to the score, and counterfactuals are real scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import NO_REASON, ReasonKind, because
from scoring.relevance.counterfactuals import counterfactuals
from scoring.relevance.explanation import Part, contributions, largest_remainder, sigmoid
from tests.scoring.press import HOUR, model, signals

LOG_ODDS = st.floats(-12, 12, allow_nan=False)
PARTS = st.lists(
    st.builds(
        Part, st.sampled_from(["coverage", "source", "time", *(f"word:w{i}" for i in range(30))]), LOG_ODDS, st.just("")
    ),
    max_size=40,
    unique_by=lambda part: part.name,
)


def tenths(points: float) -> int:
    """Return points in the unit of rounding."""
    assert abs(10 * points - round(10 * points)) < 1e-9
    return round(10 * points)


@given(base=LOG_ODDS, parts=PARTS)
def test_points_add_up_to_the_score_exactly(base: float, parts: list[Part]) -> None:
    score = round(100 * sigmoid(base + sum(part.log_odds for part in parts)))

    shown = contributions(base, parts, score)

    assert sum(tenths(part.points) for part in shown) == 10 * score


@given(base=LOG_ODDS, parts=PARTS)
def test_log_odds_add_up_to_the_logit(base: float, parts: list[Part]) -> None:
    shown = contributions(base, parts, 50)

    assert sum(part.log_odds for part in shown) == pytest.approx(base + sum(part.log_odds for part in parts))


@given(base=LOG_ODDS, parts=PARTS)
def test_points_have_the_sign_of_their_log_odds(base: float, parts: list[Part]) -> None:
    score = round(100 * sigmoid(base + sum(part.log_odds for part in parts)))

    for part in contributions(base, parts, score)[1:]:
        # Rounding down and up needs less than a tenth.
        assert part.points * part.log_odds >= 0 or abs(part.points) <= 0.1


def test_a_worked_example() -> None:
    # sigma(-2) = 0.1192, sigma(1) = 0.7311: 61.2 points for 3 units of log-odds, 20.4 each.
    shown = contributions(-2.0, [Part("coverage", 2.0, NO_REASON), Part("word:chip", 1.0, NO_REASON)], 73)

    assert [(part.name, part.points) for part in shown] == [("base", 11.8), ("coverage", 40.8), ("word:chip", 20.4)]


def test_a_story_that_nothing_speaks_for_has_the_base() -> None:
    (base,) = contributions(-2.0, [], 12)

    assert (base.name, base.points) == ("base", 12.0)


def test_parts_that_cancel_each_other_keep_their_points() -> None:
    shown = contributions(0.0, [Part("coverage", 1.0, NO_REASON), Part("word:recipe", -1.0, NO_REASON)], 50)

    # The limit: sigma'(0) = 0.25.
    assert [part.points for part in shown] == [50.0, 25.0, -25.0]


def test_words_of_little_weight_are_combined() -> None:
    parts = [Part(f"word:w{i}", 0.1 * i, NO_REASON) for i in range(1, 19)]

    shown = contributions(-2.0, parts, 90)

    assert [part.name for part in shown if part.name != "base"].count("words") == 1
    assert next(part for part in shown if part.name == "words").reason == because(ReasonKind.OTHER_WORDS, 12)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.integers(2, 7))
def test_largest_remainder_keeps_the_sum_and_stays_within_one(counts: list[int], divisor: int) -> None:
    values = [count / divisor for count in counts]
    total = round(sum(values))
    values[0] += total - sum(values)

    rounded = largest_remainder(values, total)

    assert sum(rounded) == total
    assert all(abs(a - b) < 1 + 1e-6 for a, b in zip(rounded, values, strict=True))


def test_a_counterfactual_is_the_score_of_the_story_without_that_voice() -> None:
    story = signals(delays=(0 * HOUR, HOUR, 2 * HOUR))
    without_second = signals(delays=(0 * HOUR, 2 * HOUR))

    result = {c.condition: c.score for c in counterfactuals(model(), story, {"paper1.example": "Paper 1"})}

    assert result[because(ReasonKind.WITHOUT, "Paper 1")] == model().score(without_second).score
    assert result[because(ReasonKind.ALONE, "paper0.example")] == model().score(signals(delays=(0 * HOUR,))).score


def test_a_counterfactual_without_the_summary_is_scored_again() -> None:
    result = {c.condition: c.score for c in counterfactuals(model(), signals(title="A chip", summary="chip"))}

    assert result == {because(ReasonKind.TITLE_ALONE): model().score(signals(title="A chip")).score}
