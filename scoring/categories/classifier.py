"""Say what a story is about, in the operator's own categories.

Knows seeds, sources' defaults, what editors' corrections teach, and when to abstain. Leaves terms to `terms`,
and which corrections stand to `engine`.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from aggregator.model import Category
from scoring.categories.prior import CategoryPrior
from scoring.language.terms import terms

Evidence = tuple[float, ...]
"""Log-odds for each category, in the order of feeds.yaml; 0.0 says nothing either way."""

Document = dict[str, float]
"""What stands in a text, and how much it speaks there."""

Lesson = tuple[int, str, str, str]
"""A correction that stands: the story, its right category, and the headline and summary it was known by."""

# The source's default is worth as much as one clear seed word in the summary: a headline that
# names Amazon moves a story of an AI feed to Big Tech, a passing mention below does not.
SOURCE_EVIDENCE = 1.0
LEAST_MARGIN = 0.15
"""Below that lead of the best over the second (log-odds) the source's default decides."""

TITLE = 1.0
SUBJECT = 0.8
"""Added for the first three terms of a headline: there stands whom it is about."""
SUMMARY = 0.35
SUMMARY_TERMS = 40

SEEDS_BESIDE_PRIOR, LESSONS_BESIDE_PRIOR = 0.25, 1.5
"""What seeds weigh for a category that the prior knows, and words that corrections alone taught.

Accepted of three windows that the prior had not seen, by the weight of seeds 0, .25, .5 and 1: .832 .815 .781 .740,
.859 .836 .787 .737, .904 .913 .883 .821.
"""

CLEARLY_OFF_TOPIC = 1.5
"""Lead of "none of them" over the best category, log-odds an entry, from which a story is in no category at all."""

LESSON = 0.2
"""What one correction weighs beside a seed of weight 1. A handful of one kind is needed to outweigh a seed word."""
LEAST_LESSONS = 2
"""In so many corrections to one category a word has to stand that is no seed; fewer are its chance company."""
MOST_LESSONS = 300
"""The latest ones teach: with them a fit takes half as long again, and older habits fade from the site."""


class Categorizer:
    """TF-IDF and logistic regression over the seeds of each category, and the stories that editors put there.

    Every seed is a pseudo-document, as are the category's name and all its seeds together. A
    seed of several words speaks when all of them stand next to each other. A word that is a
    seed of several categories speaks little for each. `fit` is deterministic and takes
    a second or two for hundreds of seeds.
    """

    def __init__(
        self,
        categories: Sequence[Category],
        *,
        prior: CategoryPrior | None = None,
        c: float = 30.0,
        seed: int = 0,
    ) -> None:
        self.categories = tuple(categories)
        self.prior = prior
        self.c = c
        self.seed = seed
        self._untaught: tuple[Lesson, ...] | None = None

    def fit(self, lessons: Iterable[Lesson] = ()) -> Categorizer:
        """Learn the weight of each term for each category.

        lessons: the corrections that stand, oldest first; the last one of a story counts, and one to a category
                 that is not configured teaches nothing
        """
        self._untaught = None
        self.ids_ = tuple(category.id for category in self.categories)
        self.place_ = {category_id: position for position, category_id in enumerate(self.ids_)}
        self.shipped_ = self._shipped()
        documents: list[Document] = []
        labels: list[int] = []
        for position, category in enumerate(self.categories):
            seeds = [_features(terms(text)) for text in (*category.seeds, category.name)]
            seeds = [features for features in seeds if features]
            if seeds:
                seeds.append([feature for features in seeds for feature in features])
            documents += [dict.fromkeys(features, 1.0) for features in seeds]
            labels += [position] * len(seeds)
        corrected = {story_id: lesson for story_id, *lesson in lessons if lesson[0] in self.place_}
        taught = [(_lesson(title, summary), self.place_[right]) for right, title, summary in corrected.values()]
        taught = [lesson for lesson in taught if lesson[0]][-MOST_LESSONS:]
        self.weights_: Mapping[str, Evidence] = _fit(documents, labels, taught, len(self.ids_), self.c, self.seed)
        self.beside_prior_: Mapping[str, Evidence] = self.weights_
        self.whole_seeds_ = self._whole_seeds()
        if self.shipped_:
            self.beside_prior_ = self._beside_prior({feature for document in documents for feature in document})
        return self

    def _beside_prior(self, of_seeds: Collection[str]) -> Mapping[str, Evidence]:
        """Return the weights as they count beside the prior: features *of_seeds*, and those that corrections taught."""
        combined = {}
        for feature, weights in self.weights_.items():
            factor = SEEDS_BESIDE_PRIOR if feature in of_seeds else LESSONS_BESIDE_PRIOR
            combined[feature] = tuple(
                factor * weight if place in self.shipped_ else weight for place, weight in enumerate(weights)
            )
        return combined

    def teach(self, lessons: Iterable[Lesson]) -> None:
        """Learn these corrections and no others, before the next text is read: a fit is one to three CPU seconds."""
        self._untaught = tuple(lessons)

    def _shipped(self) -> dict[int, int]:
        """Return which of the categories the prior knows: its place there by the place here."""
        if self.prior is None:
            return {}
        at = {category_id: place for place, category_id in enumerate(self.prior.ids)}
        return {
            self.place_[category.id]: at[category.id]
            for category in self.categories
            if self.prior.knows(category.id, category.seeds)
        }

    def by_prior(self, title: str, summary: str, link: str) -> Evidence:
        """Return what the prior says of a text, for `evidence`; empty where it knows none of the categories."""
        if self.prior is None or not self.shipped_:
            return ()
        return self.prior.log_odds(title, summary, link)

    def evidence(self, title: Sequence[str], summary: Sequence[str], default: str, by_prior: Evidence = ()) -> Evidence:
        """Return what an entry says for each category and, where the prior knows some, for none of them.

        title, summary: its terms, in order
        default:        the category of its source, "" when there is none
        by_prior:       what `by_prior` says of it
        """
        if self._untaught is not None:
            self.fit(self._untaught)
        sums = [0.0] * len(self.ids_)
        weights = self.beside_prior_ if by_prior else self.weights_
        seen: set[str] = set()
        for position, feature in enumerate(_features(title)):
            evidence = weights.get(feature)
            if evidence is not None and feature not in seen:
                seen.add(feature)
                factor = TITLE + (SUBJECT if position < 3 else 0.0)
                for place, weight in enumerate(evidence):
                    sums[place] += factor * weight
        for feature in _features(summary[:SUMMARY_TERMS]):
            evidence = weights.get(feature)
            if evidence is not None and feature not in seen:
                seen.add(feature)
                for place, weight in enumerate(evidence):
                    sums[place] += SUMMARY * weight
        if by_prior:
            named = {place for feature in seen for place in self.whole_seeds_.get(feature, ())}
            sums.append(self._with_prior(sums, by_prior, named))
        if default in self.place_:
            sums[self.place_[default]] += SOURCE_EVIDENCE
        return tuple(sums)

    def _whole_seeds(self) -> Mapping[str, tuple[int, ...]]:
        """Return the categories that the prior does not know, by each of their seeds as a whole."""
        places: dict[str, tuple[int, ...]] = {}
        for place, category in enumerate(self.categories):
            if place not in self.shipped_:
                for text in (*category.seeds, category.name):
                    # Of a seed of more than two terms the first two stand for it: longer ones are no features.
                    if whole := " ".join(terms(text)[:2]):
                        places[whole] = (*places.get(whole, ()), place)
        return places

    def _with_prior(self, sums: list[float], by_prior: Evidence, named: Collection[int]) -> float:
        """Add what the prior says to *sums* of the seeds; return what speaks for none of the categories.

        A category that the prior does not know competes where one of its seeds stands in the text as a whole (*named*):
        as if the prior found it as likely as the likeliest. What the prior puts into a category that the site does
        not have is off-topic here.
        """
        known = {at: by_prior[there] for at, there in self.shipped_.items()}
        likeliest, least = max(by_prior), min(by_prior)
        for place, of_seeds in enumerate(sums):
            if place in known:
                sums[place] = of_seeds + known[place]
            elif place in named:
                sums[place] = of_seeds + likeliest
            else:
                sums[place] = of_seeds + least
        there = set(self.shipped_.values())
        return max(value for place, value in enumerate(by_prior) if place not in there)

    def decide(self, evidence: Sequence[float], default: str, entries: int = 1) -> str:
        """Return the category of a story: what its entries say on average, doubts settled by *default*.

        evidence: the sum over its entries
        default:  the category of the source that had it first; where there is none, and
                  nothing speaks for any category, it is the first of feeds.yaml
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
        if evidence[best] - second < LEAST_MARGIN * entries and default in self.place_:
            return default
        return self.ids_[best]

    def _unplaced(self, evidence: Sequence[float], best: int, off_topic: float, entries: int) -> str:
        """Return the category of an off-topic story whose source has no default: "" where it is clearly off-topic."""
        return "" if off_topic - evidence[best] > CLEARLY_OFF_TOPIC * entries else self.ids_[best]


def _features(tokens: Sequence[str]) -> list[str]:
    """Return the terms and, behind them, the pairs of neighbours."""
    return [*tokens, *(f"{one} {other}" for one, other in pairwise(tokens))]


def _lesson(title: str, summary: str) -> Document:
    """Return what a corrected story teaches: its words, each as much as it would speak."""
    lesson = dict.fromkeys(_features(terms(summary)[:SUMMARY_TERMS]), SUMMARY)
    return lesson | dict.fromkeys(_features(terms(title)), TITLE)


def _fit(
    documents: Sequence[Document],
    labels: Sequence[int],
    taught: Sequence[tuple[Document, int]],
    classes: int,
    c: float,
    seed: int,
) -> dict[str, Evidence]:
    """Return the weight of each feature for each class; a feature's weights are centred on 0."""
    if len({*labels, *(label for _, label in taught)}) < 2:
        # One category with seeds: its words speak for it, and there is nothing to tell it from.
        only = labels[0] if labels else 0
        return {
            feature: tuple(1.0 if place == only else 0.0 for place in range(classes))
            for document in documents
            for feature in document
        }
    # Importing scikit-learn takes a second, which `groundswell poll` and `check` need not pay.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    vocabulary = _vocabulary(documents, taught)
    # What corrections say often is still as rare as the seeds have it, so that these keep their meaning.
    frequency = Counter(feature for document in documents for feature in document)
    rows = [*documents, *(document for document, _ in taught)]
    matrix = np.zeros((len(rows), len(vocabulary)))
    for row, document in enumerate(rows):
        values = {
            feature: factor * (math.log((1 + len(documents)) / (1 + frequency[feature])) + 1.0)
            for feature, factor in document.items()
        }
        # Over all its words: a correction of which one word is known does not stand for that word alone.
        norm = math.sqrt(sum(value * value for value in values.values()))
        for feature, value in values.items():
            if feature in vocabulary:
                matrix[row, vocabulary[feature]] = value / norm
    # Categories with few seeds are not poorer for it; corrections leave that balance alone.
    seeds = Counter(labels)
    weights = [len(labels) / (len(seeds) * seeds[label]) for label in labels] + [LESSON] * len(taught)
    model = LogisticRegression(C=c, max_iter=500, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, np.asarray([*labels, *(label for _, label in taught)]), sample_weight=np.asarray(weights))
    coefficients = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_[0], model.coef_[0]]) / 2
    evidence: dict[str, Evidence] = {}
    for feature, column in vocabulary.items():
        said = [0.0] * classes
        for row, label in enumerate(model.classes_):
            # Rounded, so that another build of the linear algebra library gives the same categories.
            said[int(label)] = round(float(coefficients[row, column]), 6)
        evidence[feature] = tuple(said)
    return evidence


def _vocabulary(documents: Sequence[Document], taught: Sequence[tuple[Document, int]]) -> dict[str, int]:
    """Return the column of each feature that can speak: of a seed, or of several corrections to one category."""
    known = {feature for document in documents for feature in document}
    heard = Counter((label, feature) for document, label in taught for feature in document)
    known |= {feature for (_, feature), count in heard.items() if count >= LEAST_LESSONS}
    return {feature: column for column, feature in enumerate(sorted(known))}
