"""Measure an order: do relevant items rank above others?

`auc` is scikit-learn's `roc_auc_score`, sorted once for many weights; `ndcg` keeps equal scores in the order they came
in, as a page does, where `ndcg_score` takes the mean over all their orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def auc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Return the probability that a relevant case has a higher score than another, ties counting half.

    scores, labels, weights: (cases,); labels are 1 or 0
    None when one class is missing. Hanley & McNeil, The Meaning and Use of the Area under a ROC Curve (1982): the
    Mann-Whitney statistic U / (n+ * n-).
    """
    cases = len(np.asarray(scores))
    return weighted_auc(scores, labels)(np.ones(cases) if weights is None else weights)


def weighted_auc(scores: ArrayLike, labels: ArrayLike) -> Callable[[ArrayLike], float | None]:
    """Return `auc` of the same cases as a function of their weights: sorted once, for resampling."""
    values, truth = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    levels, level = np.unique(values, return_inverse=True)

    def area(weights: ArrayLike) -> float | None:
        drawn: NDArray[np.float64] = np.asarray(weights, dtype=float)
        up = np.bincount(level, weights=truth * drawn, minlength=len(levels))
        down = np.bincount(level, weights=(1.0 - truth) * drawn, minlength=len(levels))
        both = float(up.sum() * down.sum())
        if both <= 0:
            return None
        return float((up * (np.cumsum(down) - down / 2)).sum()) / both

    return area


def ndcg(scores: Sequence[float], labels: Sequence[int], k: int = 10) -> float | None:
    """Return the discounted gain of the *k* highest scores over the best possible, 0..1.

    DCG = sum over ranks r = 1..k of label / log2(r + 1). Equal scores keep the order they came in.
    None if nothing is relevant. Järvelin & Kekäläinen, Cumulated gain-based evaluation (2002).
    """
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    gain = discounted([labels[i] for i in order[:k]])
    best = discounted([1.0] * min(k, sum(labels)))
    return gain / best if best else None


def discounted(gains: Sequence[float]) -> float:
    """Return the sum of *gains*, best place first, each over log2(place + 1)."""
    return math.fsum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def ndcg_by_day(days: Sequence[str], scores: Sequence[float], labels: Sequence[int], k: int = 10) -> float | None:
    """Return `ndcg` averaged over the days that have more than *k* cases and a relevant one; None without any."""
    by_day: dict[str, list[int]] = {}
    for i, day in enumerate(days):
        by_day.setdefault(day, []).append(i)
    values = [
        value
        for at in by_day.values()
        if len(at) > k and (value := ndcg([scores[i] for i in at], [labels[i] for i in at], k)) is not None
    ]
    return sum(values) / len(values) if values else None
