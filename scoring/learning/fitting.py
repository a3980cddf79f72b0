"""Fit the weights of a relevance model to examples.

Knows the sparse matrix, the strength of regularisation and the constraint that coverage never lowers a score. The
callers choose the examples and how they are split by time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scoring.learning import logistic
from scoring.learning.labels import Example
from scoring.relevance.features import features, group_of, never_negative, summary_words, tfidf
from scoring.relevance.news_context import title_words
from scoring.relevance.weights import Weights

TITLE_WIDTH, SUMMARY_WIDTH = 1.7, 1.0
"""Standard deviations of the Gaussian priors of words, as `FeatureGroup.width` is for the other features.

A column multiplied by s under one L2 penalty is a weight with a prior s times as wide.
"""

MIN_DOCUMENTS = 5
"""A word gets a weight if at least this many titles (or summaries) contain it."""
MAX_TERMS = 30_000
MAX_NAMES = 20_000

TOLERANCE = 1e-4
"""Gradient at which a fit ends; 1e-5 takes twice as long and changes no AUC by .0005."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a regression is fitted to examples."""

    strength: float = 1.0
    """C: below 1 all widths shrink together, by its square root."""
    half_life: timedelta | None = None
    """Age at which an example counts half; None: all count alike."""


class WeightLearner:
    """Logistic regression over words and `features`; the learned state is `weights_`.

    min_documents: words in fewer examples get no weight
    strength:      C of the regression: below 1 all widths shrink together, by its square root
    """

    def __init__(
        self,
        min_documents: int = MIN_DOCUMENTS,
        seed: int = 0,
        strength: float = 1.0,
    ) -> None:
        self.min_documents = min_documents
        self.seed = seed
        self.strength = strength

    @property
    def weights_(self) -> Weights:
        """The fitted weights; AttributeError before `fit`."""
        return self._fitted

    def fit(
        self,
        examples: Sequence[Example],
        documents: Iterable[str] | None = None,
        offsets: Sequence[float] | None = None,
    ) -> WeightLearner:
        """Learn from *examples*.

        documents: the titles for document frequencies; by default those of the examples
        offsets:   the log-odds of each example before learning; the weights are added to them

        ValueError when one class is missing.
        """
        (self._fitted,) = self.fit_each(examples, [Setting(self.strength)], documents, offsets)
        return self

    def fit_each(
        self,
        examples: Sequence[Example],
        settings: Sequence[Setting],
        documents: Iterable[str] | None = None,
        offsets: Sequence[float] | None = None,
    ) -> list[Weights]:
        """Return the weights that each of *settings* learns from the same *examples* and words; see `fit`."""
        titles = dict.fromkeys(e.signals.title for e in examples)
        frequency: Counter[str] = Counter()
        count = 0
        for title in documents if documents is not None else titles:
            frequency.update(title_words(title))
            count += 1
        in_titles = self._vocabulary(title_words(title) for title in titles)
        summaries = dict.fromkeys(e.signals.summary for e in examples if e.signals.summary)
        in_summaries = self._vocabulary(summary_words(summary) for summary in summaries)
        idf = {word: round(math.log((1 + count) / (1 + frequency[word])) + 1, 3) for word in in_titles | in_summaries}
        unknown_idf = round(math.log((1 + count) / 2) + 1, 3)

        names, matrix, target, counts, of_row = self._matrix(examples, idf, unknown_idf, in_titles, in_summaries)
        if not 0 < counts @ target < counts.sum():
            raise ValueError("one class only: every example is relevant, or none is")
        at = np.array([example.signals.at.timestamp() for example in examples])[of_row]
        offset = None if offsets is None else np.array(offsets)[of_row]
        rows = []
        for setting in settings:
            weighted = counts if setting.half_life is None else counts * _fading(at, setting.half_life)
            weights, base = self._solve(names, matrix, target, weighted, offset, setting.strength)
            rows.append(self._weights(names, weights, base, idf, unknown_idf))
        return rows

    @staticmethod
    def _weights(
        names: Sequence[str], weights: NDArray[np.float64], base: float, idf: dict[str, float], unknown_idf: float
    ) -> Weights:
        by_kind: dict[str, dict[str, float]] = {"t": {}, "s": {}, "": {}}
        for name, weight in zip(names, weights, strict=True):
            # Four decimals of log-odds are far below a tenth of a point.
            if value := round(float(weight), 4):
                kind = name[0] if name.startswith(("t=", "s=")) else ""
                by_kind[kind][name[2:] if kind else name] = value
        return Weights(
            base=round(base, 4),
            idf=idf,
            unknown_idf=unknown_idf,
            title=by_kind["t"],
            summary=by_kind["s"],
            others=by_kind[""],
        )

    def _vocabulary(self, documents: Iterable[tuple[str, ...]]) -> set[str]:
        frequency = Counter(word for document in documents for word in document)
        frequent = sorted(((-count, word) for word, count in frequency.items() if count >= self.min_documents))
        return {word for _, word in frequent[:MAX_TERMS]}

    def _matrix(
        self,
        examples: Sequence[Example],
        idf: dict[str, float],
        unknown_idf: float,
        in_titles: set[str],
        in_summaries: set[str],
    ) -> tuple[list[str], sparse.csr_matrix, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return column names, matrix (rows, columns), and for each row the target, the weight and its example.

        An example with a fractional label has two rows, one of each class, weighted by that share.
        """
        rows = [features(example.signals) for example in examples]
        frequent = _frequent(rows)
        columns: dict[str, int] = {}
        values: list[float] = []
        at: list[int] = []
        ends = [0]
        target: list[float] = []
        counts: list[float] = []
        of_row: list[int] = []
        for number, (example, others) in enumerate(zip(examples, rows, strict=True)):
            signals = example.signals
            row: list[tuple[str, float]] = [
                (f"t={word}", TITLE_WIDTH * value)
                for word, value in tfidf(title_words(signals.title), idf, unknown_idf)
                if word in in_titles
            ]
            row += [
                (f"s={word}", SUMMARY_WIDTH * value)
                for word, value in tfidf(summary_words(signals.summary), idf, unknown_idf)
                if word in in_summaries
            ]
            row += [(name, group_of(name).width * value) for name, value in others.items() if name in frequent]
            for relevant, share in ((1.0, example.taught), (0.0, 1.0 - example.taught)):
                if share > 0:
                    at += [columns.setdefault(name, len(columns)) for name, _ in row]
                    values += [value for _, value in row]
                    ends.append(len(at))
                    target.append(relevant)
                    counts.append(share * example.weight)
                    of_row.append(number)
        matrix = sparse.csr_matrix(
            (np.array(values), np.array(at, dtype=np.int32), np.array(ends)), shape=(len(target), len(columns))
        )
        return list(columns), matrix, np.array(target), np.array(counts), np.array(of_row)

    def _solve(
        self,
        names: list[str],
        matrix: sparse.csr_matrix,
        target: NDArray[np.float64],
        counts: NDArray[np.float64],
        offset: NDArray[np.float64] | None,
        strength: float,
    ) -> tuple[NDArray[np.float64], float]:
        """Return weights (columns,) for the unscaled features, and the base."""
        scale = np.array([_width(name) for name in names])
        lower = np.array([0.0 if never_negative(name) else -np.inf for name in names])
        weights, base = logistic.fit(matrix, target, counts, offset, lower, strength=strength, tolerance=TOLERANCE)
        return weights * scale, base


def _width(column: str) -> float:
    return {"t=": TITLE_WIDTH, "s=": SUMMARY_WIDTH}.get(column[:2]) or group_of(column).width


def _fading(at: NDArray[np.float64], half_life: timedelta) -> NDArray[np.float64]:
    faded: NDArray[np.float64] = 0.5 ** ((at.max() - at) / half_life.total_seconds())
    return faded


def _frequent(rows: Sequence[Mapping[str, float]]) -> frozenset[str]:
    """Return the columns that get a weight; of open groups only those that are frequent enough."""
    counts = Counter(name for features in rows for name in features)
    frequent = [name for name, count in counts.items() if count >= group_of(name).min_stories]
    return frozenset(sorted(frequent, key=lambda name: (-counts[name], name))[:MAX_NAMES])
