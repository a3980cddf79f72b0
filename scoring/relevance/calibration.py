"""Turn a score that ranks well into a calibrated probability.

Knows Platt scaling, and how to repeat it day by day. The cases must be later than those the score was fitted on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from scoring.relevance.explanation import sigmoid


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(relevant) = sigma(slope * logit + offset), with slope >= 0, so the order does not change."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, logit: float) -> float:
        """Return the calibrated probability of *logit*."""
        return sigmoid(self.slope * logit + self.offset)


def platt(logits: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None) -> Calibration:
    """Return the slope and offset that calibrate *logits* on *labels*.

    Minimises the cross-entropy of sigma(A * f + B) against the smoothed targets

        (N+ + 1) / (N+ + 2)  for a relevant case,   1 / (N- + 2)  for one that is not

    which avoid certainty when there are few cases. Without cases of one class nothing changes. A slope below 0 would
    reverse the order; then only the offset is fitted, with slope 0. Scaling a sum scales its addends, so contributions
    still add up.

    Platt, Probabilistic Outputs for Support Vector Machines (1999); Newton's method with
    backtracking as in Lin, Lin & Weng, A Note on Platt's Probabilistic Outputs (2007).
    """
    counts = list(weights) if weights is not None else [1.0] * len(labels)
    positive = sum(w for y, w in zip(labels, counts, strict=True) if y)
    negative = sum(counts) - positive
    if positive <= 0 or negative <= 0:
        return Calibration()
    targets = [(positive + 1) / (positive + 2) if y else 1 / (negative + 2) for y in labels]
    cases = list(zip(logits, targets, counts, strict=True))
    slope, offset = _newton(cases, slope=1.0, free_slope=True)
    if slope < 0:
        slope, offset = _newton(cases, slope=0.0, free_slope=False)
    return Calibration(slope, offset)


def _newton(cases: list[tuple[float, float, float]], slope: float, free_slope: bool) -> tuple[float, float]:
    offset = 0.0
    loss = _cross_entropy(cases, slope, offset)
    for _ in range(100):
        g1 = g2 = h12 = 0.0
        h11 = h22 = 1e-12
        for f, t, w in cases:
            p = sigmoid(slope * f + offset)
            d, v = w * (p - t), w * p * (1 - p)
            g1, g2 = g1 + f * d, g2 + d
            h11, h12, h22 = h11 + f * f * v, h12 + f * v, h22 + v
        if not free_slope:
            g1, h11, h12 = 0.0, 1.0, 0.0
        if abs(g1) < 1e-7 and abs(g2) < 1e-7:
            break
        determinant = h11 * h22 - h12 * h12
        if determinant <= 0:
            break
        step_slope = -(h22 * g1 - h12 * g2) / determinant
        step_offset = -(h11 * g2 - h12 * g1) / determinant
        slant = g1 * step_slope + g2 * step_offset
        step = 1.0
        while step > 1e-10:
            new_loss = _cross_entropy(cases, slope + step * step_slope, offset + step * step_offset)
            if new_loss < loss + 1e-4 * step * slant:
                break
            step /= 2
        else:
            break
        slope, offset, loss = slope + step * step_slope, offset + step * step_offset, new_loss
    return slope, offset


def _cross_entropy(cases: list[tuple[float, float, float]], slope: float, offset: float) -> float:
    """Return sum of w * (ln(1 + exp(z)) - t * z), z = slope * f + offset."""
    total = 0.0
    for f, t, w in cases:
        z = slope * f + offset
        total += w * (max(z, 0.0) + math.log1p(math.exp(-abs(z))) - t * z)
    return total


JUDGED_DAYS = 21
"""Days that a recalibration uses: enough for some hundred cases, few enough to follow the news."""

LABEL_LAG = 2
"""Days after which a day's labels are known: its stories have 24 hours after the end of the day."""

MIN_JUDGED, MIN_JUDGED_OF_A_CLASS = 150, 10
"""A day with fewer cases before it is not recalibrated."""


def recalibrated(
    days: Sequence[date], probabilities: Sequence[float], labels: Sequence[int], lag: int = LABEL_LAG
) -> list[float]:
    """Return each probability, recalibrated on the newest days whose labels were known on its day.

    days: of each case, in any order
    probabilities: within 0..1
    lag:  days after which a day's labels are known

    Uses no later information, so the result is what a site could have shown at the time. Cases without enough earlier
    days are not changed.
    """
    logits = [logit_of(p) for p in probabilities]
    by_day: dict[date, list[int]] = {}
    for i, day in enumerate(days):
        by_day.setdefault(day, []).append(i)
    results = list(probabilities)
    for day, cases_of_day in by_day.items():
        first, last = day - timedelta(days=lag + JUDGED_DAYS), day - timedelta(days=lag)
        past = [i for other, cases in by_day.items() if first < other <= last for i in cases]
        relevant = sum(labels[i] for i in past)
        if len(past) >= MIN_JUDGED and min(relevant, len(past) - relevant) >= MIN_JUDGED_OF_A_CLASS:
            of_day = platt([logits[i] for i in past], [labels[i] for i in past])
            for i in cases_of_day:
                results[i] = of_day(logits[i])
    return results


def shift(logits: Sequence[float], labels: Sequence[int], spread: float) -> float:
    """Return the offset that calibrates *logits* on *labels*.

    The maximum of the posterior with a Gaussian prior around 0:

        sum of ln P(label | sigma(logit + b)) - b^2 / (2 spread^2)

    by Newton's method; the function is concave. Few cases move it little, and the order of the cases stays the same.
    spread: standard deviation of the prior, in log-odds, > 0
    """
    b = 0.0
    for _ in range(50):
        probabilities = [sigmoid(logit + b) for logit in logits]
        gradient = math.fsum(y - p for y, p in zip(labels, probabilities, strict=True)) - b / spread**2
        step = gradient / (math.fsum(p * (1.0 - p) for p in probabilities) + 1.0 / spread**2)
        b += max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    return b


def logit_of(probability: float) -> float:
    """Return the log-odds of a probability, limited to +-9.2."""
    clipped = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(clipped / (1 - clipped))
