"""Measure scores against what turned out: order, probability, reliability.

Pure functions on sequences; weights, where taken, say how much each case counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby


def auc(scores: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float | None:
    """Return how often a relevant case is scored above one that is not, ties counting half.

    None when one class is missing. Hanley & McNeil, The Meaning and Use of the Area under a
    ROC Curve (1982): the Mann-Whitney statistic U / (n+ * n-).
    """
    cases = sorted(zip(scores, labels, weights or [1.0] * len(scores), strict=True))
    below = won = positive = 0.0
    for _, tied in groupby(cases, key=lambda case: case[0]):
        up = down = 0.0
        for _, label, weight in tied:
            if label:
                up += weight
            else:
                down += weight
        won += up * (below + down / 2)
        positive += up
        below += down
    return won / (positive * below) if positive > 0 and below > 0 else None


def ndcg(scores: Sequence[float], labels: Sequence[int], k: int = 10) -> float | None:
    """Return the discounted gain of the *k* best scored over the best that was possible, 0..1.

    DCG = sum over ranks r = 1..k of label / log2(r + 1). Equal scores keep the order they came in.
    None when nothing is relevant. Järvelin & Kekäläinen, Cumulated gain-based evaluation (2002).
    """
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    gain = sum(labels[i] / math.log2(rank + 2) for rank, i in enumerate(order[:k]))
    best = sum(1 / math.log2(rank + 2) for rank in range(min(k, sum(labels))))
    return gain / best if best else None


def ndcg_by_day(days: Sequence[str], scores: Sequence[float], labels: Sequence[int], k: int = 10) -> float | None:
    """Return `ndcg` averaged over the days that have more than *k* cases and a relevant one; None without any."""
    by_day: dict[str, list[int]] = {}
    for i, day in enumerate(days):
        by_day.setdefault(day, []).append(i)
    found = [
        value
        for at in by_day.values()
        if len(at) > k and (value := ndcg([scores[i] for i in at], [labels[i] for i in at], k)) is not None
    ]
    return sum(found) / len(found) if found else None


def brier(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float:
    """Return the mean squared distance of probability and label, 0 is perfect; Brier (1950)."""
    counts = weights or [1.0] * len(labels)
    total = sum(w * (p - y) ** 2 for p, y, w in zip(probabilities, labels, counts, strict=True))
    return total / _positive(sum(counts))


def log_loss(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float:
    """Return the mean of -ln(probability given to what happened); probabilities are kept 1e-6 from 0 and 1."""
    counts = weights or [1.0] * len(labels)
    total = 0.0
    for p, y, w in zip(probabilities, labels, counts, strict=True):
        kept = min(max(p, 1e-6), 1 - 1e-6)
        total -= w * math.log(kept if y else 1 - kept)
    return total / _positive(sum(counts))


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases that were given about the same probability, and how often they turned out relevant."""

    low: float
    high: float
    cases: float
    said: float
    """Mean probability."""
    came: float
    """Share that was relevant."""


def reliability(
    probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None, bins: int = 10
) -> list[Bin]:
    """Return the reliability table: *bins* equally wide bins, those without a case left out."""
    sums = [[0.0, 0.0, 0.0] for _ in range(bins)]
    for p, y, w in zip(probabilities, labels, weights or [1.0] * len(labels), strict=True):
        of_bin = sums[min(int(p * bins), bins - 1)]
        of_bin[0] += w
        of_bin[1] += w * p
        of_bin[2] += w * y
    return [
        Bin(i / bins, (i + 1) / bins, cases, said / cases, came / cases)
        for i, (cases, said, came) in enumerate(sums)
        if cases > 0
    ]


def ece(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float:
    """Return the expected calibration error: |said - came| over 10 bins, each weighted by its cases.

    Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    table = reliability(probabilities, labels, weights)
    return sum(b.cases * abs(b.said - b.came) for b in table) / _positive(sum(b.cases for b in table))


@dataclass(frozen=True, slots=True)
class Measures:
    """How well scores told relevant from not, and how honest they were as probabilities."""

    cases: int
    relevant: int
    auc: float | None
    ndcg_at_10: float | None
    brier: float
    log_loss: float
    ece: float


def measure(
    days: Sequence[str],
    probabilities: Sequence[float],
    labels: Sequence[int],
    weights: Sequence[float] | None = None,
) -> Measures:
    """Return all measures of some cases at once; ValueError when there are none."""
    return Measures(
        cases=len(labels),
        relevant=sum(labels),
        auc=auc(probabilities, labels, weights),
        ndcg_at_10=ndcg_by_day(days, probabilities, labels),
        brier=brier(probabilities, labels, weights),
        log_loss=log_loss(probabilities, labels, weights),
        ece=ece(probabilities, labels, weights),
    )


def mean(values: Iterable[float]) -> float:
    """Return the mean; ValueError without values."""
    listed = list(values)
    return sum(listed) / _positive(len(listed))


def _positive(count: float) -> float:
    if count <= 0:
        raise ValueError("nothing to measure: no cases")
    return count
