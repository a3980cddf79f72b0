"""Compute confidence intervals of measures by resampling whole days.

Cases of one day share its news, so single cases are not independent.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

RESAMPLES = 500

Case = TypeVar("Case")


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def resampled(
    days: Sequence[str],
    cases: Sequence[Case],
    measure: Callable[[Sequence[Case]], float | None],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Return *measure* of the cases with its interval; None if it is undefined.

    days: of each case, the day that it belongs to

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), percentile interval.
    """
    value = measure(cases)
    if value is None:
        return None
    at: dict[str, list[Case]] = defaultdict(list)
    for day, case in zip(days, cases, strict=True):
        at[day].append(case)
    listed = sorted(at)
    rng = random.Random(seed)
    drawn = []
    for _ in range(resamples):
        sample = measure([case for day in rng.choices(listed, k=len(listed)) for case in at[day]])
        if sample is not None:
            drawn.append(sample)
    drawn.sort()
    if not drawn:
        return Interval(value, value, value)
    return Interval(value, drawn[int(0.025 * len(drawn))], drawn[min(int(0.975 * len(drawn)), len(drawn) - 1)])


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None without values; a measure for `resampled`."""
    return math.fsum(values) / len(values) if values else None
