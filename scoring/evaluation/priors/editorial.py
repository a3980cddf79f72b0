"""Fit the editorial prior to graded items and editors' picks.

Two labels are learned at once, with shared weights and a difference for the grades:

    P(grade >= k) = sigma((shared + own_k) * x),   P(picked) = sigma(shared * x)

the easy adaptation of Daume (Frustratingly Easy Domain Adaptation, 2007). The thresholds k = 1, 2, 3 are averaged, so
that the order within "worth it" and within "not" is learned as well. Leaves reading files to `evaluation.priors`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from scoring.relevance.editorial_prior import EditorialPrior, MeaningWeights
from scoring.relevance.text_features import grams, text_features, text_words

MIN_DOCUMENTS = 5
"""Texts of the corpus that contain a word or a pair, below which it is left out: no private person's name ships."""

MIN_SOURCES = 2
"""Sources of labelled items that a word, a pair or an n-gram must come from."""

MIN_LABELLED = {"word": 4, "pair": 4, "gram": 8, "site": 8, "address": 8, "shape": 1}
"""Labelled items that contain a feature, below which it is left out."""

MIN_WORDS_OF_GRAM = 3
"""Different words that must contain an n-gram."""

SHAPES = frozenset(
    f"shape:{name}"
    for name in ("length", "length2", "appeal", "reader", "colon", "question", "number", "money", "exclamation")
) | {"shape:percent", "shape:list", "shape:quote"}
"""Looks of a title that mean the same at every publisher; capitals, for one, are house style (AUC .872 for .902)."""

WIDTHS = {"word": 0.12, "pair": 0.06, "gram": 0.12, "site": 0.5, "address": 0.7, "shape": 0.3}
"""How far weights may go, by kind; those of words, pairs and n-grams are multiplied by IDF."""

STRENGTH = 2.0
THRESHOLDS = ((1, 0.5), (2, 1.0), (3, 0.5))
"""Grades and their part in the order."""

PICK_WEIGHT = 0.3
"""What a pick counts relative to a grade: there are twice as many, and they are the judgment of one editorial team."""

MIN_WEIGHT = {"word": 0.0, "pair": 0.05, "gram": 0.02, "site": 0.0, "address": 0.05, "shape": 0.0}
"""Log-odds below which a weight is left out of the file."""


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled text."""

    title: str
    summary: str
    link: str
    source: str
    grade: int | None = None
    picked: bool | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The features that may get a weight, and how rare they are."""

    names: tuple[str, ...]
    scales: NDArray[np.float64]
    """Per name: its width, times IDF for words, pairs and n-grams."""
    idf: dict[str, float]
    """By word."""
    unknown_idf: float


def vocabulary(items: Sequence[Item], corpus: Iterable[tuple[str, str]]) -> Vocabulary:
    """Return the features of *items* that may ship; *corpus* gives titles and summaries for document frequency."""
    documents = 0
    frequency: Counter[str] = Counter()
    words_of_gram: dict[str, set[str]] = defaultdict(set)
    seen_words: set[str] = set()
    for title, summary in corpus:
        names = [name for name in text_features(title, summary) if not name.startswith("shape:")]
        frequency.update(names)
        documents += 1
        for part in text_words(title, summary):
            for word in part:
                if word not in seen_words:
                    seen_words.add(word)
                    for gram in grams(word):
                        words_of_gram[gram].add(word)
    labelled: Counter[str] = Counter()
    sources: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for name in text_features(item.title, item.summary, item.link):
            labelled[name] += 1
            sources[name].add(item.source)
    names = []
    for name, count in sorted(labelled.items()):
        kind, _, text = name.partition(":")
        if count < MIN_LABELLED[kind]:
            continue
        if kind in ("word", "pair") and (frequency[name] < MIN_DOCUMENTS or text.isdigit()):
            continue
        if kind == "gram" and len(words_of_gram[text]) < MIN_WORDS_OF_GRAM:
            continue
        if kind in ("word", "pair", "gram", "address") and len(sources[name]) < MIN_SOURCES:
            continue
        if kind == "site" and "/" in text:
            continue  # the page of one person or project on a shared site
        if kind == "shape" and name not in SHAPES:
            continue
        names.append(name)

    def idf(name: str) -> float:
        return math.log((1 + documents) / (1 + frequency[name])) + 1

    scales = [
        WIDTHS[kind] * (idf(name) if kind in ("word", "pair", "gram") else 1.0)
        for name in names
        if (kind := name.partition(":")[0])
    ]
    return Vocabulary(
        names=tuple(names),
        scales=np.array(scales),
        idf={name[5:]: idf(name) for name in names if name.startswith("word:")},
        unknown_idf=math.log(1 + documents) + 1,
    )


def matrix(items: Sequence[Item], of: Vocabulary) -> sparse.csr_matrix:
    """Return the scaled features of *items*, shape (items, names)."""
    column = {name: i for i, name in enumerate(of.names)}
    ends, at, values = [0], [], []
    for item in items:
        for name, value in text_features(item.title, item.summary, item.link).items():
            place = column.get(name)
            if place is not None:
                at.append(place)
                values.append(value)
        ends.append(len(at))
    shape = (len(items), len(of.names))
    unscaled = sparse.csr_matrix((np.array(values), np.array(at, dtype=np.int32), np.array(ends)), shape)
    return sparse.csr_matrix(unscaled @ sparse.diags(of.scales))


def solve(features: sparse.csr_matrix, grades: NDArray[np.int64], picks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights of the scaled features and, last, the base.

    features: shape (items, names)
    grades:   of each item, -1 where it has none
    picks:    1, 0, or -1 where nobody says
    """
    graded, picked = features[grades >= 0], features[picks >= 0]
    ones = sparse.csr_matrix(np.ones((graded.shape[0], 1)))
    rows = sparse.vstack(
        [
            # The base of the grades is free: the penalty hardly limits a column of 3.
            sparse.hstack([graded, graded, 3 * ones]),
            sparse.hstack([picked, 0 * picked, sparse.csr_matrix((picked.shape[0], 1))]),
        ]
    ).tocsr()
    weights = np.r_[np.ones(graded.shape[0]), np.full(picked.shape[0], PICK_WEIGHT)]
    width = features.shape[1]
    result = np.zeros(width + 1)
    total = sum(part for _, part in THRESHOLDS)
    for threshold, part in THRESHOLDS:
        target = np.r_[grades[grades >= 0] >= threshold, picks[picks >= 0] == 1]
        model = LogisticRegression(C=STRENGTH, max_iter=300).fit(rows, target, sample_weight=weights)
        coefficients = model.coef_[0]
        result[:width] += part / total * (coefficients[:width] + coefficients[width : 2 * width])
        result[width] += part / total * (model.intercept_[0] + 3 * coefficients[-1])
    return result


def prior_of(
    weights: NDArray[np.float64],
    of: Vocabulary,
    center: float,
    slope: float,
    offset: float,
    meaning: MeaningWeights | None = None,
) -> EditorialPrior:
    """Return *weights* as the prior that scores: slope * logit + offset, small weights left out.

    center: mean of the addends over the items, so that a text of unknown words gets the mean logit
    """
    by_kind: dict[str, dict[str, float]] = defaultdict(dict)
    for name, scale, weight in zip(of.names, of.scales, weights, strict=False):
        kind, _, text = name.partition(":")
        value = slope * float(scale * weight)
        if kind == "word" or abs(value) >= MIN_WEIGHT[kind]:
            by_kind[kind][name if kind in ("site", "address", "shape") else text] = value
    return EditorialPrior(
        base=slope * float(weights[-1]) + offset,
        center=slope * center,
        words={word: (weight, of.idf[word]) for word, weight in by_kind["word"].items()},
        unknown_idf=of.unknown_idf,
        pairs=by_kind["pair"],
        character_grams=by_kind["gram"],
        others=by_kind["site"] | by_kind["address"] | by_kind["shape"],
        meaning=meaning,
    )
