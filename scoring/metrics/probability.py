"""Measure probabilities against outcomes: Brier score, log loss, reliability.

Pure functions on sequences; weights are optional.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.metrics.ranking import auc, ndcg_by_day


def brier(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float:
    """Return the mean squared distance of probability and label, 0 is perfect; Brier (1950)."""
    counts = weights or [1.0] * len(labels)
    total = sum(w * (p - y) ** 2 for p, y, w in zip(probabilities, labels, counts, strict=True))
    return total / _positive(sum(counts))


def log_loss(probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> float:
    """Return the mean of -ln(probability of the outcome); probabilities are kept 1e-6 from 0 and 1."""
    counts = weights or [1.0] * len(labels)
    total = 0.0
    for p, y, w in zip(probabilities, labels, counts, strict=True):
        clipped = min(max(p, 1e-6), 1 - 1e-6)
        total -= w * math.log(clipped if y else 1 - clipped)
    return total / _positive(sum(counts))


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases with about the same probability, and the share that turned out relevant."""

    low: float
    high: float
    cases: float
    predicted: float
    """Mean probability."""
    observed: float
    """Share that was relevant."""


def reliability(
    probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None, bins: int = 10
) -> list[Bin]:
    """Return the reliability table: *bins* equally wide bins, without empty ones."""
    sums = [[0.0, 0.0, 0.0] for _ in range(bins)]
    for p, y, w in zip(probabilities, labels, weights or [1.0] * len(labels), strict=True):
        of_bin = sums[min(int(p * bins), bins - 1)]
        of_bin[0] += w
        of_bin[1] += w * p
        of_bin[2] += w * y
    return [
        Bin(i / bins, (i + 1) / bins, cases, total / cases, relevant / cases)
        for i, (cases, total, relevant) in enumerate(sums)
        if cases > 0
    ]


def ece(probabilities: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the expected calibration error: |mean probability - share relevant| of 10 bins, weighted by their cases.

    probabilities, labels, weights: (cases,)
    Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    values, truth = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float)
    counts = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    bins = np.minimum((values * 10).astype(np.int64), 9)
    gaps = np.abs(np.bincount(bins, weights=counts * (values - truth), minlength=10))
    return float(gaps.sum()) / _positive(float(counts.sum()))


@dataclass(frozen=True, slots=True)
class Measures:
    """How well scores separated relevant stories from others, and how well calibrated they were."""

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
