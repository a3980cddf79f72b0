"""Measure stories against labels: BCubed, pairs, CEAF and mutual information.

Pure functions on labels and stories, listed side by side.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

Labels = Sequence[Hashable]

RESAMPLES = 1_000
"""Bootstrap samples behind an interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Precision and recall of what was joined."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 0.0 when both are."""
        return _f1(self.precision, self.recall)


def bcubed(gold: Labels, predicted: Labels) -> Rate:
    """Return BCubed precision and recall: the average over entries of

        |its story and its label| / |its story|      and      |its story and its label| / |its label|

    gold, found: label and story of each entry, at least one entry

    Bagga & Baldwin, Entity-based Cross-document Coreferencing (ACL 1998).
    """
    entries = _by_label(gold, predicted).values()
    n = sum(count for count, _, _ in entries)
    return Rate(sum(p for _, p, _ in entries) / n, sum(r for _, _, r in entries) / n)


def pairs(gold: Labels, predicted: Labels) -> Rate:
    """Return precision and recall over pairs of entries; 1.0 where there are no pairs to judge."""
    together = _pairs(Counter(zip(gold, predicted, strict=True)))
    joined, labelled = _pairs(Counter(predicted)), _pairs(Counter(gold))
    return Rate(together / joined if joined else 1.0, together / labelled if labelled else 1.0)


def ceaf_e(gold: Labels, predicted: Labels) -> Rate:
    """Return CEAF-e: labels and stories are matched one to one, each match worth 2 |both| / (|label| + |story|),
    so that the sum is largest; that sum over the number of stories, and over the number of labels.

    Luo, On Coreference Resolution Performance Metrics (EMNLP 2005), phi 4.
    """
    labels, stories = Counter(gold), Counter(predicted)
    row = {label: i for i, label in enumerate(labels)}
    column = {story: i for i, story in enumerate(stories)}
    worth = np.zeros((len(row), len(column)), dtype=np.float32)
    for (label, story), both in Counter(zip(gold, predicted, strict=True)).items():
        worth[row[label], column[story]] = 2.0 * both / (labels[label] + stories[story])
    total = float(worth[linear_sum_assignment(worth, maximize=True)].sum())
    return Rate(total / len(stories), total / len(labels))


def nmi(gold: Labels, predicted: Labels) -> float:
    """Return normalised mutual information, I / sqrt(H(gold) * H(found)); 0.0 where one entropy is.

    Strehl & Ghosh, Cluster Ensembles (JMLR 3, 2002).
    """
    n = len(gold)
    labels, stories = Counter(gold), Counter(predicted)
    shared = sum(
        both / n * math.log(both * n / (labels[label] * stories[story]))
        for (label, story), both in Counter(zip(gold, predicted, strict=True)).items()
    )
    scale = _entropy(labels, n) * _entropy(stories, n)
    return shared / math.sqrt(scale) if scale > 0 else 0.0


def bcubed_interval(
    gold: Labels, predicted: Labels, *, seed: int = 0, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[float, float]:
    """Return the 95 % interval of the BCubed F1.

    Percentile bootstrap over whole labels, not over entries, because entries of one label are not independent.
    """
    labels = list(_by_label(gold, predicted).values())
    rng = random.Random(seed)
    drawn = []
    for _ in range(resamples):
        sample = rng.choices(labels, k=len(labels))
        n = sum(count for count, _, _ in sample)
        drawn.append(_f1(sum(p for _, p, _ in sample) / n, sum(r for _, _, r in sample) / n))
    drawn.sort()
    tail = (1.0 - level) / 2.0
    return drawn[round(tail * (resamples - 1))], drawn[round((1.0 - tail) * (resamples - 1))]


def pairs_interval(
    gold: Labels, predicted: Labels, *, seed: int = 0, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[float, float]:
    """Return the 95 % interval of the F1 over pairs.

    Percentile bootstrap over whole labels. A wrong pair counts half for each of its two labels.
    """
    labels, stories = Counter(gold), Counter(predicted)
    joined: dict[Hashable, float] = dict.fromkeys(labels, 0.0)
    right: Counter[Hashable] = Counter()
    for (label, story), both in Counter(zip(gold, predicted, strict=True)).items():
        right[label] += both * (both - 1) // 2
        joined[label] += both * (both - 1) / 2 + both * (stories[story] - both) / 2
    rows = [(right[label], joined[label], count * (count - 1) // 2) for label, count in labels.items()]
    rng = random.Random(seed)
    drawn = []
    for _ in range(resamples):
        sample = rng.choices(rows, k=len(rows))
        all_right, all_joined, all_labelled = (sum(column) for column in zip(*sample, strict=True))
        both_ways = all_joined + all_labelled
        drawn.append(2.0 * all_right / both_ways if both_ways else 1.0)
    drawn.sort()
    tail = (1.0 - level) / 2.0
    return drawn[round(tail * (resamples - 1))], drawn[round((1.0 - tail) * (resamples - 1))]


def _by_label(gold: Labels, predicted: Labels) -> dict[Hashable, tuple[int, float, float]]:
    """Return, for each label, its entries and the sums of their precision and recall."""
    labels, stories = Counter(gold), Counter(predicted)
    sums = {label: (count, 0.0, 0.0) for label, count in labels.items()}
    for (label, story), both in Counter(zip(gold, predicted, strict=True)).items():
        count, precision, recall = sums[label]
        sums[label] = count, precision + both * both / stories[story], recall + both * both / count
    return sums


def _f1(precision: float, recall: float) -> float:
    return 2.0 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _pairs(counts: Mapping[object, int]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def _entropy(counts: Mapping[Hashable, int], n: int) -> float:
    return -sum(count / n * math.log(count / n) for count in counts.values())
