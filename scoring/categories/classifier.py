"""Assign a story to one of the operator's categories.

Knows seeds, sources' default categories, editors' corrections, and when to abstain. Terms are in `language.terms`, the
shipped weights in `prior`; `engine` knows which corrections are in force.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from aggregator.model import Category, Embedding
from scoring.categories import logistic
from scoring.categories.prior import CategoryPrior, PriorOdds
from scoring.language.terms import terms
from scoring.relevance.text_features import take_apart

Evidence = tuple[float, ...]
"""Log-odds for each category, in the order of feeds.yaml; 0.0 says nothing either way."""

Document = dict[str, float]
"""The features of a text with their weights."""

NO_ODDS = PriorOdds()
"""Without a prior, or where it knows none of the categories."""

Correction = tuple[int, str, str, str]
"""A correction: the story, its right category, and the headline and summary of its first entry."""

# Without the prior the source's default is worth as much as one clear seed word in the summary: a headline that
# names Amazon moves a story of an AI feed to Big Tech, a passing mention below does not.
SOURCE_EVIDENCE = 1.0
SOURCE_BESIDE_PRIOR = 0.25
"""The same where the prior knows text and category; many sources of one category write about others, too.

Accepted of the items of three unseen windows whose publisher is in the shipped feeds.yaml, by this value: 0 .842 .810
.906, .3 .857 .802 .899, .6 .842 .778 .896, 1 .798 .730 .870; the defaults alone .635 .444 .701.
"""
MIN_MARGIN = 0.15
"""Lead of the best category over the second, in log-odds, below which the source's default decides."""

TITLE = 1.0
SUBJECT, SUBJECT_TERMS = 0.8, 3
"""Added for the first three terms of a headline, which usually name its subject."""
SUMMARY = 0.35
SUMMARY_TERMS = 40

CORRECTIONS_BESIDE_PRIOR = 1.5
"""Factor on the change by corrections in a category that the prior knows."""

SEEDS_BESIDE_PRIOR, SEEDS_WHERE_UNSURE, SURE_SPREAD = 0.05, 0.5, 4.0
"""Factor on the seeds that ship with a category that the prior knows:

    SEEDS_BESIDE_PRIOR + SEEDS_WHERE_UNSURE * max(0, 1 - spread / SURE_SPREAD)

spread: the prior's highest log-odds less its lowest, by the words alone; small for a text of words that it hardly knows

Seeds and prior are about the same subjects, so where the prior knows a text, seeds mostly add noise. Seeds that the
operator adds count in full. The spread leaves out the embedding, which is as sure of a text whose words are new. Share
of accepted categories in three windows that the prior had not seen, and of our own headlines
(tests/data/headlines.tsv), which the prior hardly knows: this formula .903 .941 .971 .864; with the embedding in the
spread and 3.0 .903 .939 .955 .813; with a spread of 4.5 .896 .943 .966 .873. By words alone: .876 .918 .946 .854.
"""

CLEARLY_OFF_TOPIC = 0.25
"""Lead of "none" over the best category, log-odds per entry, from which a story without a default has no category.
Accepted of all items of three unseen windows, and of our own headlines: .902 .935 .966 .864; with 0 .902 .939 .964
.84, with 1 .899 .918 .957 .86.
"""

SEEDS_IN_SUMMARY = 2
"""Seeds of a category that the prior does not know which a summary must contain where the title contains none.

Of 8 stories of unseen windows that one seed in the summary put into an invented category, 2 belonged there.
"""

_NAME_PARTS = re.compile(r"\s*(?:[&,/]|\band\b)\s*")
"""Separates the subjects of a category's name, such as "Climate & Energy"; each is a seed."""

CORRECTION_WEIGHT = 0.2
"""Weight of a correction; a seed has 1. It takes a handful of similar corrections to outweigh a seed word."""
MIN_CORRECTIONS = 2
"""Corrections to one category that must contain a word which is no seed; below that it may be there by chance."""
MAX_CORRECTIONS = 300
"""Only the latest corrections count. With this many a fit takes half as long again, and old habits fade."""


class Categorizer:
    """TF-IDF and logistic regression over the seeds of each category, and the stories that editors put there.

    Every seed is a document, as are the category's name and all its seeds together. A seed of several words counts
    where they stand next to each other. A word that is a seed of several categories counts little for each. `fit` is
    deterministic and takes a third of a CPU second for hundreds of seeds, up to two with hundreds of corrections.
    """

    def __init__(
        self,
        categories: Sequence[Category],
        *,
        prior: CategoryPrior | None = None,
        c: float = 30.0,
    ) -> None:
        self.categories = tuple(categories)
        self.prior = prior
        self.c = c
        self._pending: tuple[Correction, ...] | None = None

    def fit(self, corrections: Iterable[Correction] = ()) -> Categorizer:
        """Learn the weight of each term for each category.

        corrections: those in force, oldest first; the last one of a story counts, and a correction to a category that
                     is not configured is ignored
        """
        self._pending = None
        self.ids_ = tuple(category.id for category in self.categories)
        self.place_ = {category_id: position for position, category_id in enumerate(self.ids_)}
        self.shipped_ = self._shipped()
        documents: list[Document] = []
        labels: list[int] = []
        own: set[str] = set()
        for position, category in enumerate(self.categories):
            by_text = {text: _features(terms(text)) for text in (*category.seeds, category.name)}
            seeds = [features for features in by_text.values() if features]
            if seeds:
                seeds.append([feature for features in seeds for feature in features])
            documents += [dict.fromkeys(features, 1.0) for features in seeds]
            labels += [position] * len(seeds)
            own.update(feature for text in self._own_seeds(position) for feature in by_text[text])
        latest = {story_id: correction for story_id, *correction in corrections if correction[0] in self.place_}
        documented = [
            (_correction_document(title, summary), self.place_[right]) for right, title, summary in latest.values()
        ]
        corrected = [(document, place) for document, place in documented if document][-MAX_CORRECTIONS:]
        size = len(self.ids_)
        self.weights_: Mapping[str, Evidence] = _fit(documents, labels, corrected, size, self.c)
        self.beside_prior_: Mapping[str, Evidence] = {}
        self.whole_seeds_ = self._whole_seeds()
        if self.shipped_:
            uncorrected = _fit(documents, labels, (), size, self.c) if corrected else self.weights_
            self.beside_prior_ = self._beside_prior(uncorrected, own)
        return self

    def _own_seeds(self, position: int) -> list[str]:
        """Return the seeds that the operator gave to a shipped category."""
        category = self.categories[position]
        if self.prior is None or position not in self.shipped_:
            return []
        return [seed for seed in category.seeds if seed.casefold() not in self.prior.seeds[category.id]]

    def _beside_prior(self, uncorrected: Mapping[str, Evidence], own: Collection[str]) -> Mapping[str, Evidence]:
        """Return, by feature, the weights that are added to the prior's, and behind them those of shipped seeds.

        For a category that the prior knows:

            added = own * uncorrected + CORRECTIONS_BESIDE_PRIOR * (corrected - uncorrected)
            of shipped seeds = (1 - own) * uncorrected

        uncorrected: the weights of seeds alone
        own:         1 for features of seeds that the operator added, else 0

        For another category, added is the corrected weight, and there are no shipped seeds.
        """
        nothing = (0.0,) * len(self.ids_)
        combined = {}
        for feature, corrected in self.weights_.items():
            before = uncorrected.get(feature, nothing)
            factor = 1.0 if feature in own else 0.0
            added, of_seeds = list(corrected), [0.0] * len(self.ids_)
            for place in self.shipped_:
                change = corrected[place] - before[place]
                added[place] = factor * before[place] + CORRECTIONS_BESIDE_PRIOR * change
                of_seeds[place] = (1.0 - factor) * before[place]
            combined[feature] = (*added, *of_seeds)
        return combined

    def learn_corrections(self, corrections: Iterable[Correction]) -> None:
        """Learn from these corrections and no others; the fit, up to two CPU seconds, waits for the next text."""
        self._pending = tuple(corrections)

    def _shipped(self) -> dict[int, int]:
        """Return the position in the prior of each category that the prior knows, by position here."""
        if self.prior is None:
            return {}
        at = {category_id: place for place, category_id in enumerate(self.prior.ids)}
        return {
            self.place_[category.id]: at[category.id]
            for category in self.categories
            if self.prior.knows(category.id, category.seeds)
        }

    def by_prior(
        self,
        title: str,
        summary: str,
        link: str,
        embedding: Embedding | None = None,
    ) -> PriorOdds:
        """Return the prior's log-odds for a text, for `evidence`; empty if it knows none of the categories.

        embedding: of its title, if known
        """
        if self.prior is None or not self.shipped_:
            return NO_ODDS
        return self.prior.odds(take_apart(title, summary, link), embedding)

    def evidence(
        self, title: Sequence[str], summary: Sequence[str], default: str, by_prior: PriorOdds = NO_ODDS
    ) -> Evidence:
        """Return the evidence of an entry for each category and, where the prior knows some, for "none".

        title, summary: its terms, in order
        default:        the category of its source, "" when there is none
        by_prior:       what `by_prior` returns; all 0 where the prior knows no word, and then seeds count in full
        """
        if self._pending is not None:
            self.fit(self._pending)
        size = len(self.ids_)
        has_prior = any(by_prior.log_odds)
        if has_prior:
            unsure = max(0.0, 1.0 - by_prior.spread / SURE_SPREAD)
            factor = SEEDS_BESIDE_PRIOR + SEEDS_WHERE_UNSURE * unsure
            both = _weighted_sums(self.beside_prior_, title, summary, 2 * size)
            sums = [added + factor * of_seeds for added, of_seeds in zip(both[:size], both[size:], strict=True)]
        else:
            sums = _weighted_sums(self.weights_, title, summary, size)
        default_place = self.place_.get(default)
        if by_prior.log_odds:
            named = self._named(title, summary)
            if default_place is not None:
                named.add(default_place)
            sums.append(self._with_prior(sums, by_prior.log_odds, named))
        if default_place is not None:
            sums[default_place] += (
                SOURCE_BESIDE_PRIOR if has_prior and default_place in self.shipped_ else SOURCE_EVIDENCE
            )
        return tuple(sums)

    def _named(self, title: Sequence[str], summary: Sequence[str]) -> set[int]:
        """Return the positions of categories, unknown to the prior, that a text names.

        One seed in the title or `SEEDS_IN_SUMMARY` in the summary name a category: summaries mention much in passing.
        """
        if not self.whole_seeds_:
            return set()
        named = {place for feature in _features(title) for place in self.whole_seeds_.get(feature, ())}
        mentioned = Counter(
            place for feature in {*_features(summary[:SUMMARY_TERMS])} for place in self.whole_seeds_.get(feature, ())
        )
        return named | {place for place, count in mentioned.items() if count >= SEEDS_IN_SUMMARY}

    def _whole_seeds(self) -> Mapping[str, tuple[int, ...]]:
        """Return the positions of categories that the prior does not know, by the terms of each of their seeds."""
        places: dict[str, tuple[int, ...]] = {}
        for place, category in enumerate(self.categories):
            if place not in self.shipped_:
                for text in (*category.seeds, category.name, *_NAME_PARTS.split(category.name)):
                    # Features are at most two terms long, so the first two stand for a longer seed.
                    seed = " ".join(terms(text)[:2])
                    if seed and place not in places.get(seed, ()):
                        places[seed] = (*places.get(seed, ()), place)
        return places

    def _with_prior(self, sums: list[float], by_prior: Evidence, named: Collection[int]) -> float:
        """Add the prior's log-odds to *sums*; return the evidence for none of the categories.

        A category that the prior does not know competes only where it is *named*. It then gets the prior's highest
        log-odds, and its seeds decide. A category of the prior that the site does not have counts as "none".
        """
        prior_of = {at: by_prior[there] for at, there in self.shipped_.items()}
        likeliest, least = max(by_prior), min(by_prior)
        for place, of_seeds in enumerate(sums):
            if place in prior_of:
                sums[place] = of_seeds + prior_of[place]
            elif place in named:
                sums[place] = of_seeds + likeliest
            else:
                sums[place] = least
        there = set(self.shipped_.values())
        return max(value for place, value in enumerate(by_prior) if place not in there)

    def decide(self, evidence: Sequence[float], default: str, entries: int = 1) -> str:
        """Return the category of a story, from the mean evidence of its entries; *default* where that is in doubt.

        evidence: the sum over its entries
        default:  the category of the source that reported it first, "" for none; without a default and without any
                  evidence the answer is the first category of feeds.yaml
        """
        if not evidence:
            return ""
        off_topic = evidence[len(self.ids_)] if len(evidence) > len(self.ids_) else -math.inf
        best, second = 0, -math.inf
        for place in range(1, len(self.ids_)):
            if evidence[place] > evidence[best]:
                best, second = place, evidence[best]
            elif evidence[place] > second:
                second = evidence[place]
        if off_topic > evidence[best]:
            return default if default in self.place_ else self._unplaced(evidence, best, off_topic, entries)
        if evidence[best] - second < MIN_MARGIN * entries and default in self.place_:
            return default
        return self.ids_[best]

    def _unplaced(self, evidence: Sequence[float], best: int, off_topic: float, entries: int) -> str:
        """Return the category of an off-topic story without a default: "" if it is clearly off-topic."""
        return "" if off_topic - evidence[best] > CLEARLY_OFF_TOPIC * entries else self.ids_[best]


def _weighted_sums(
    weights: Mapping[str, Evidence], title: Sequence[str], summary: Sequence[str], size: int
) -> list[float]:
    """Return the sum of the *weights* of the features of a text, by column; each feature counts once."""
    sums = [0.0] * size
    if not weights:
        return sums
    seen: set[str] = set()
    for features, in_title in ((_features(title), True), (_features(summary[:SUMMARY_TERMS]), False)):
        for position, feature in enumerate(features):
            by_column = weights.get(feature)
            if by_column is None or feature in seen:
                continue
            seen.add(feature)
            factor = SUMMARY if not in_title else TITLE + SUBJECT if position < SUBJECT_TERMS else TITLE
            for column, weight in enumerate(by_column):
                sums[column] += factor * weight
    return sums


def _features(tokens: Sequence[str]) -> list[str]:
    """Return the terms, then the pairs of neighbouring terms."""
    return [*tokens, *(f"{first} {second}" for first, second in pairwise(tokens))]


def _correction_document(title: str, summary: str) -> Document:
    """Return the features of a corrected story, weighted as in `evidence`."""
    correction = dict.fromkeys(_features(terms(summary)[:SUMMARY_TERMS]), SUMMARY)
    return correction | dict.fromkeys(_features(terms(title)), TITLE)


def _fit(
    documents: Sequence[Document],
    labels: Sequence[int],
    corrected: Sequence[tuple[Document, int]],
    classes: int,
    c: float,
) -> dict[str, Evidence]:
    """Return the weight of each feature for each class; a feature's weights are centred on 0."""
    of_rows = [*labels, *(label for _, label in corrected)]
    distinct = sorted(set(of_rows))
    if len(distinct) < 2:
        # Only one category has seeds: they count for it, and there is nothing to compare with.
        only = labels[0] if labels else 0
        return {
            feature: tuple(1.0 if place == only else 0.0 for place in range(classes))
            for document in documents
            for feature in document
        }
    vocabulary = _vocabulary(documents, corrected)
    # Document frequencies come from seeds alone, so that corrections do not change what a seed weighs.
    frequency = Counter(feature for document in documents for feature in document)
    rows = [*documents, *(document for document, _ in corrected)]
    matrix = np.zeros((len(rows), len(vocabulary)))
    for row, document in enumerate(rows):
        values = {
            feature: factor * (math.log((1 + len(documents)) / (1 + frequency[feature])) + 1.0)
            for feature, factor in document.items()
        }
        # The norm covers all words, so that a correction with one known word is not reduced to that word.
        norm = math.sqrt(sum(value * value for value in values.values()))
        for feature, value in values.items():
            if feature in vocabulary:
                matrix[row, vocabulary[feature]] = value / norm
    # Categories count alike, however many seeds they have; corrections do not change that.
    seeds = Counter(labels)
    weights = [len(labels) / (len(seeds) * seeds[label]) for label in labels] + [CORRECTION_WEIGHT] * len(corrected)
    # With two classes the weights are opposite, and the penalty counts them twice.
    strength = c if len(distinct) > 2 else c / 2
    coefficients = logistic.fit(
        matrix, np.searchsorted(distinct, np.asarray(of_rows)), np.asarray(weights), len(distinct), strength
    )
    evidence: dict[str, Evidence] = {}
    for feature, column in vocabulary.items():
        by_class = [0.0] * classes
        for row, label in enumerate(distinct):
            # Rounded, so that another build of the linear algebra library gives the same categories.
            by_class[label] = round(float(coefficients[row, column]), 6)
        evidence[feature] = tuple(by_class)
    return evidence


def _vocabulary(documents: Sequence[Document], corrected: Sequence[tuple[Document, int]]) -> dict[str, int]:
    """Return the column of each feature that gets a weight: of a seed, or of several corrections to one category."""
    features = {feature for document in documents for feature in document}
    corrected_in = Counter((label, feature) for document, label in corrected for feature in document)
    features |= {feature for (_, feature), count in corrected_in.items() if count >= MIN_CORRECTIONS}
    return {feature: column for column, feature in enumerate(sorted(features))}
