"""Divide the entries of a story into the two halves that separate best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scoring.clustering.weighted_text import Vector

MAX_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Halves:
    """Two halves of some entries, by index."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    across: float
    """Average cosine of an entry of the first and one of the second."""
    within: float
    """Average cosine of two entries of the half that holds together less; 0.0 for one of a single entry."""


def bisect(vectors: Sequence[Vector]) -> Halves:
    """Return the two halves that entries separate into best, and their similarity.

    Spherical 2-means, started from the two least similar entries, at most MAX_ROUNDS rounds.

    vectors: of length 1, two at least
    """
    n = len(vectors)
    like = [[0.0] * n for _ in vectors]
    for i in range(n):
        for j in range(i):
            like[i][j] = like[j][i] = _dot(vectors[i], vectors[j])
    # Started from the least similar pair and not at random: the same entries always give the same halves, and two
    # events that a chain of similar reports connects differ most at its ends. Ties go to the earliest entries.
    _, first, last = min((like[i][j], j, i) for i in range(n) for j in range(i))
    second = [(like[i][last] > like[i][first] and i != first) or i == last for i in range(n)]
    for _ in range(MAX_ROUNDS):
        sums = (_summed(vectors, second, False), _summed(vectors, second, True))
        again = [_dot(vector, sums[1]) > _dot(vector, sums[0]) for vector in vectors]
        # If a round would leave one side empty, the halves before it stay.
        if again == second or all(again) or not any(again):
            break
        second = again
    sides = [i for i in range(n) if not second[i]], [i for i in range(n) if second[i]]
    across = sum(like[i][j] for i in sides[0] for j in sides[1]) / (len(sides[0]) * len(sides[1]))
    # The looser half decides, or one tight pair would justify splitting a story whose other half is no event at all.
    within = min(_mean_like(like, side) for side in sides)
    return Halves(tuple(sides[0]), tuple(sides[1]), across, within)


def _dot(a: Vector, b: Vector) -> float:
    return math.fsum([a[key] * b[key] for key in a.keys() & b.keys()])


def _summed(vectors: Sequence[Vector], marks: Sequence[bool], mark: bool) -> Vector:
    """Return the sum of the vectors that have *mark*, of length 1."""
    total: Vector = {}
    for vector, marked in zip(vectors, marks, strict=True):
        if marked == mark:
            for key, weight in vector.items():
                total[key] = total.get(key, 0.0) + weight
    norm = math.sqrt(math.fsum(weight * weight for weight in total.values())) or 1.0
    return {key: weight / norm for key, weight in total.items()}


def _mean_like(like: Sequence[Sequence[float]], side: Sequence[int]) -> float:
    """Return the average of all pairs of a side."""
    pairs = [like[i][j] for place, i in enumerate(side) for j in side[:place]]
    return sum(pairs) / len(pairs) if pairs else 0.0
