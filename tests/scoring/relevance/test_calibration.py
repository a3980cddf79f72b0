"""Platt scaling calibrates a skewed score and keeps its order."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.metrics.probability import brier, ece
from scoring.metrics.ranking import auc
from scoring.relevance.calibration import LABEL_LAG, Calibration, logit_of, platt, recalibrated, shift
from scoring.relevance.explanation import sigmoid


def skewed(count: int, seed: int) -> tuple[list[float], list[int]]:
    """Return logits that are three times too extreme and shifted by two, and the outcomes."""
    rng = random.Random(seed)
    true = [rng.gauss(-1.5, 1.2) for _ in range(count)]
    return [3 * z + 2 for z in true], [int(rng.random() < sigmoid(z)) for z in true]


def test_calibration_improves_brier_and_ece_on_later_cases() -> None:
    logits, labels = skewed(4000, seed=1)
    calibration = platt(logits[:2000], labels[:2000])
    later = labels[2000:]
    before = [sigmoid(z) for z in logits[2000:]]
    after = [calibration(z) for z in logits[2000:]]

    assert brier(after, later) < brier(before, later) - 0.02
    assert ece(after, later) < 0.03 < ece(before, later)
    assert auc(after, later) == pytest.approx(auc(before, later))


def test_it_finds_the_skew() -> None:
    calibration = platt(*skewed(20_000, seed=2))

    assert calibration.slope == pytest.approx(1 / 3, abs=0.02)
    assert calibration.offset == pytest.approx(-2 / 3, abs=0.06)


@given(st.lists(st.tuples(st.floats(-20, 20), st.integers(0, 1)), max_size=60))
def test_the_order_is_never_turned_round(cases: list[tuple[float, int]]) -> None:
    calibration = platt([z for z, _ in cases], [y for _, y in cases])

    assert calibration.slope >= 0


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_one_class_changes_nothing(labels: list[int]) -> None:
    assert platt([0.5] * len(labels), labels) == Calibration()


def test_few_cases_do_not_give_certainty() -> None:
    calibration = platt([-5.0, 5.0], [0, 1])

    # The smoothed targets of one case each: 2/3 and 1/3.
    assert calibration(5.0) == pytest.approx(2 / 3, abs=1e-3)
    assert calibration(-5.0) == pytest.approx(1 / 3, abs=1e-3)


def test_a_case_of_weight_two_is_that_case_twice() -> None:
    logits, labels = skewed(200, seed=3)

    once = platt([*logits, *logits], [*labels, *labels])
    weighted = platt(logits, labels, [2.0] * len(labels))

    assert (weighted.slope, weighted.offset) == pytest.approx((once.slope, once.offset), abs=1e-5)


def drifting(days: int, per_day: int = 60) -> tuple[list[date], list[float], list[int]]:
    """Return cases of several days whose scores are twice too extreme and shifted by 1.5 log-odds."""
    rng = random.Random(0)
    cases: tuple[list[date], list[float], list[int]] = ([], [], [])
    for day in range(days):
        for _ in range(per_day):
            true = rng.gauss(-1.5, 1.2)
            cases[0].append(date(2026, 6, 1) + timedelta(days=day))
            cases[1].append(sigmoid(2 * true + 1.5))
            cases[2].append(int(rng.random() < sigmoid(true)))
    return cases


def test_a_shift_moves_as_far_as_its_cases_carry() -> None:
    small, large = shift([0.0] * 10, [1] * 7 + [0] * 3, 0.5), shift([0.0] * 4_000, [1] * 2_800 + [0] * 1_200, 0.5)

    assert 0 < small < 0.5 * large
    assert large == pytest.approx(logit_of(0.7), abs=0.01)
    assert shift([], [], 0.5) == 0.0


def test_each_day_is_recalibrated_on_the_days_judged_before_it() -> None:
    days, stated, labels = drifting(60)

    results = recalibrated(days, stated, labels)

    later = [i for i, day in enumerate(days) if day > date(2026, 6, 21)]
    assert ece([stated[i] for i in later], [labels[i] for i in later]) > 0.05
    assert ece([results[i] for i in later], [labels[i] for i in later]) < 0.03


def test_recalibration_looks_at_nothing_of_the_day_or_after() -> None:
    days, stated, labels = drifting(30)
    turned = [1 - y if day >= date(2026, 6, 20) else y for day, y in zip(days, labels, strict=True)]

    before, after = recalibrated(days, stated, labels), recalibrated(days, stated, turned)

    past = [i for i, day in enumerate(days) if day < date(2026, 6, 20) + timedelta(days=LABEL_LAG)]
    assert [before[i] for i in past] == [after[i] for i in past]
    assert before != after


def test_too_few_judged_cases_leave_the_probabilities_unchanged() -> None:
    days, stated, labels = drifting(4, per_day=20)

    assert recalibrated(days, stated, labels) == stated
    assert recalibrated([], [], []) == []
    assert recalibrated(days, stated, [0] * len(stated)) == stated
