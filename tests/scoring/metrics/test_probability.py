"""The measures, compared with examples worked by hand and with scikit-learn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring.metrics.probability import brier, ece, log_loss, measure, reliability
from scoring.metrics.ranking import auc, ndcg, ndcg_by_day

CASES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.8, 1.0]), st.integers(0, 1)), min_size=2, max_size=60
)


@given(CASES)
def test_auc_and_brier_are_those_of_scikit_learn(cases: list[tuple[float, int]]) -> None:
    scores, labels = [s for s, _ in cases], [y for _, y in cases]

    assert brier(scores, labels) == pytest.approx(brier_score_loss(labels, scores))
    if 0 < sum(labels) < len(labels):
        assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_auc_with_ties_counts_half() -> None:
    assert auc([0.5, 0.5], [1, 0]) == 0.5
    assert auc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]) == 0.875
    assert auc([0.9, 0.1], [1, 1]) is None


def test_ndcg_by_hand() -> None:
    assert ndcg([3, 2, 1], [1, 0, 1]) == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)))
    assert ndcg([3, 2, 1], [1, 1, 1]) == 1.0
    assert ndcg([1], [0]) is None
    assert ndcg([1, 2], [1, 0], k=1) == 0.0


def test_days_with_few_cases_or_nothing_relevant_do_not_count() -> None:
    days = ["a"] * 3 + ["b"] * 2 + ["c"] * 3
    scores = [3.0, 2.0, 1.0, 9.0, 8.0, 3.0, 2.0, 1.0]
    labels = [1, 0, 0, 0, 1, 0, 0, 0]

    assert ndcg_by_day(days, scores, labels, k=2) == 1.0
    assert ndcg_by_day([], [], []) is None


def test_ece_by_hand() -> None:
    # Two bins: predicted 0.1 and observed 0.5, predicted 0.9 and observed 1; half of the cases in each.
    assert ece([0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1]) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_the_reliability_table_has_certainty_in_its_last_bin() -> None:
    (last,) = reliability([1.0, 0.95], [1, 0])

    assert (last.low, last.cases, last.observed) == (0.9, 2, 0.5)


def test_log_loss_is_finite_for_a_certain_miss() -> None:
    assert log_loss([0.0], [1]) == pytest.approx(-math.log(1e-6))


def test_a_lack_of_data_to_measure_is_reported() -> None:
    with pytest.raises(ValueError, match="no cases"):
        measure([], [], [])
