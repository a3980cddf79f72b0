"""Compute the relevance of a story, a probability, as a sum of named parts.

`RelevanceModel` weighs the features from `features` and `text_features`; `load_prior` returns the model that ships.
`explanation` turns log-odds into points, and `learning` makes new models.

The log-odds of relevance are a sum, one addend a feature:

    logit P(relevant) = base + sum over features of weight * value
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aggregator.errors import ModelFileError
from aggregator.model import ReasonKind, Vote, because
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration, logit_of
from scoring.relevance.explanation import PLAIN_WORDS, Part, contributions, sigmoid, word_parts
from scoring.relevance.features import GROUP, GROUPS, features, summary_words, tfidf, tfidf_of_all
from scoring.relevance.news_context import title_words
from scoring.relevance.signals import Scored, Signals
from scoring.relevance.votes import NO_VOTES, OWN_WEIGHT, VoteEffect, vote_effect
from scoring.relevance.weights import Weights

MIN_SCORE, MAX_SCORE = 1, 99
"""0 and 100 would claim a certainty that the few dozen cases in the highest of ten bins cannot support."""


HALF_WEIGHT = 100
"""Number of this site's labels at which its learned weights count half.

Chosen with a prior and a site on ai_radar_2026_dev: with 160 to 650 labels a share of 0.75 to 0.9 was best, and
anything from 0.5 to 1 cost less than 0.03 of cross-entropy.
"""

MIN_SETTLED_LABELS = 300
"""With fewer labels on this site, the calibration here is unknown."""

MIN_KNOWN_WORDS = 2
"""The score of a single-source story whose title has fewer known words is a guess."""

MIN_FAMILIARITY = 0.5
"""A text of lower familiarity is outside the prior's subject or language."""


class RelevanceModel:
    """The prior with the weights learned on this site, if any; immutable, so the same signals give the same score.

    prior:   the weights that ship with the program
    local:   the weights learned on this site, or None
    labels:  n, the number of labelled stories behind *local*
    calibration: of the sum, fitted on later stories than *local*
    votes:   the effect of editors' votes; see `votes`

        logit = prior + shift + votes                                                of a text that the prior knows
        logit = slope * (prior + n / (n + HALF_WEIGHT) * local) + offset + votes     of a text that it does not know

    and between the two in proportion to the familiarity of the text. A site learns from coverage, and editors do not
    choose what is widely reported: learned weights for every text lowered the AUC for an editor's grade from .889, .920
    and .885 to .848, .859 and .862 on three windows that the prior had not seen.
    """

    def __init__(
        self,
        version: str,
        prior: Weights,
        local: Weights | None = None,
        labels: int = 0,
        calibration: Calibration | None = None,
        votes: VoteEffect = NO_VOTES,
    ) -> None:
        self.version = version
        self.prior = prior
        self.local = local
        self.labels = labels
        self.votes = votes
        self.calibration = calibration or Calibration()
        self.local_share = labels / (labels + HALF_WEIGHT) if local is not None else 0.0
        weighted = {name.partition(":")[0] for name in (*prior.others, *(() if local is None else local.others))}
        self._groups = tuple(group for group in GROUPS if group.name in weighted)

    @property
    def settled(self) -> bool:
        """Whether this site has enough labels to know the calibration of its scores."""
        return self.labels >= MIN_SETTLED_LABELS

    def familiarity(self, signals: Signals) -> float:
        """Return the familiarity of a story's text, 0..1; 0 for a prior without text weights."""
        editorial = self.prior.editorial
        if editorial is None:
            return 0.0
        return editorial.read(signals.title, signals.summary, signals.link, signals.embedding).familiarity

    def score(self, signals: Signals) -> Scored:
        """Return the relevance of a story and its contributions.

        It is provisional for a story of one independent source whose title has fewer than `MIN_KNOWN_WORDS` words
        that the model knows, and, until this site has `MIN_SETTLED_LABELS` labels, for every story whose text the prior
        does not know in full: the calibration of such scores is unknown here.
        """
        addends = self._addends(signals)
        weights, groups = addends.words, addends.groups
        relevance = sigmoid(addends.total())
        score = min(max(round(100 * relevance), MIN_SCORE), MAX_SCORE)
        if plain := [word for word in weights if word in PLAIN_WORDS]:
            groups["shape"] = groups.get("shape", 0.0) + sum(weights[word] for word in plain)
        shown, others = word_parts({word: value for word, value in weights.items() if word not in PLAIN_WORDS})
        of_groups = [Part(name, log_odds, GROUP[name].explain(signals)) for name, log_odds in groups.items()]
        guessed = addends.known_words < MIN_KNOWN_WORDS and len(signals.voices) <= 1
        return Scored(
            relevance=relevance,
            score=score,
            provisional=guessed or (addends.stranger and not self.settled),
            contributions=contributions(addends.base, [*shown, *of_groups, *others], score),
        )

    def voted(self, scored: Scored, story_id: int, entry_ids: Iterable[int]) -> Scored:
        """Return the score of a closed story with the votes for it, from its stored contributions.

        Only the addend of its own vote is added, removed or changed; all others stay as they were stored.
        """
        base, *before = scored.contributions
        own = self.votes.of(story_id, entry_ids)
        parts = [
            Part(part.name, part.log_odds, part.reason)
            for part in before
            if part.name != "vote" and not (own and part.name == "votes")
        ]
        if own:
            parts.append(Part("vote", own * OWN_WEIGHT, because(ReasonKind.OWN_VOTE)))
        relevance = sigmoid(math.fsum((base.log_odds, *(part.log_odds for part in parts))))
        score = min(max(round(100 * relevance), MIN_SCORE), MAX_SCORE)
        return Scored(relevance, score, scored.provisional, contributions(base.log_odds, parts, score))

    def logit(self, signals: Signals) -> float:
        """Return the log-odds alone, without points and reasons."""
        return self._addends(signals).total()

    def with_votes(self, votes: Iterable[Vote]) -> RelevanceModel:
        """Return this model with *votes*; without any it is as it was trained."""
        counted = vote_effect(votes, self._unit, self._known_logit)
        return RelevanceModel(self.version, self.prior, self.local, self.labels, self.calibration, counted)

    def _known_logit(self, title: str) -> float | None:
        """Return what the prior says of *title*, without coverage; None if it does not know its words."""
        if self.prior.editorial is None:
            return None
        worth = self.prior.editorial.worth(title)
        return logit_of(worth.probability) if worth.familiarity >= MIN_FAMILIARITY else None

    def _unit(self, title: str) -> list[tuple[str, float]]:
        """Return the words of *title*, known or not, with their TF-IDF; function words are left out."""
        editorial = self.prior.editorial
        if editorial is None:
            idf, unknown = self.prior.idf, self.prior.unknown_idf
        else:
            idf, unknown = editorial.idf, editorial.unknown_idf
        return tfidf_of_all((word for word in title_words(title) if word not in PLAIN_WORDS), idf, unknown)

    def _voted(self, signals: Signals) -> dict[str, float]:
        """Return what votes say: for this story, else for those like it."""
        if own := self.votes.of(signals.story_id, signals.entry_ids):
            return {"vote": own * OWN_WEIGHT}
        first = signals.source_ids[0] if signals.source_ids else ""
        like = self.votes.like(self._unit(signals.title), first)
        return {"votes": like} if like else {}

    def _addends(self, signals: Signals) -> _Addends:
        """Return what a logit is the sum of."""
        prior, local = self.prior, self.local
        in_title = title_words(signals.title)
        # The shipped prior weighs the words of summaries in its editorial part.
        weighs_summaries = prior.summary or (local is not None and local.summary)
        in_summary = summary_words(signals.summary) if weighs_summaries else ()
        words: dict[str, float] = {}
        groups: dict[str, float] = {}
        base, familiarity = prior.base, 0.0
        known_words = {word for word in in_title if word in prior.idf}
        if prior.editorial is not None:
            reading = prior.editorial.read(signals.title, signals.summary, signals.link, signals.embedding)
            words.update(reading.words)
            groups.update(reading.others)
            base += reading.constant
            familiarity = reading.familiarity
            known_words.update(word for word in in_title if word in prior.editorial.words)
        _add_words(words, prior, in_title, in_summary, 1.0)
        free = 1.0 - familiarity
        share = free * self.local_share
        if local is not None and share:
            base += share * local.base
            _add_words(words, local, in_title, in_summary, share)
            known_words.update(word for word in in_title if word in local.idf)
        here = local.others if local is not None and share else {}
        for name, value in features(signals, self._groups).items():
            weight = prior.others.get(name, 0.0) + share * here.get(name, 0.0)
            if weight:
                group = name.partition(":")[0]
                groups[group] = groups.get(group, 0.0) + weight * value
        slope = 1.0 + free * (self.calibration.slope - 1.0)
        if slope != 1.0:
            words = {word: slope * value for word, value in words.items()}
            groups = {group: slope * value for group, value in groups.items()}
        if self.votes:
            groups |= self._voted(signals)
        return _Addends(
            base=slope * base + free * self.calibration.offset + familiarity * self.votes.shift,
            words=words,
            groups=groups,
            known_words=len(known_words),
            stranger=prior.editorial is not None and familiarity < 1.0,
        )


def _add_words(
    to: dict[str, float], weights: Weights, in_title: Sequence[str], in_summary: Sequence[str], share: float
) -> None:
    for tokens, of_words in ((in_title, weights.title), (in_summary, weights.summary)):
        if of_words:
            for word, value in tfidf(tokens, weights.idf, weights.unknown_idf):
                if weight := of_words.get(word):
                    to[word] = to.get(word, 0.0) + share * weight * value


@dataclass(frozen=True, slots=True)
class _Addends:
    """The addends of a story's logit."""

    base: float
    words: dict[str, float]
    groups: dict[str, float]
    known_words: int
    """Words of the title that the model knows."""
    stranger: bool
    """The prior does not know the text in full: it may be outside its subject or language."""

    def total(self) -> float:
        """Return the logit: the sum in the order of `GROUPS`, which keeps coverage from lowering it by rounding."""
        total = self.base + sum(self.words.values())
        for group in GROUPS:
            total += self.groups.get(group.name, 0.0)
        return total


PRIOR_FILE = Path(__file__).with_name("prior.json")


@dataclass(frozen=True, slots=True)
class PriorMeasures:
    """Measures of the prior on graded items that it was not trained on."""

    lowest: float
    """AUC for an editor's grade, on the windows that were left out."""
    highest: float
    ece: float


@cache
def prior_measures() -> PriorMeasures:
    """Return the measures of the shipped prior; ModelFileError when the installation is damaged."""
    measures = model_file.read(PRIOR_FILE, "prior").measures
    # The further lines were chosen because the prior was unsure of them.
    areas = [
        float(m["auc"]) for name, m in measures.items() if isinstance(m, dict) and name not in ("picks", "further")
    ]
    return PriorMeasures(min(areas), max(areas), float(measures["ece_of_grades"]))


@cache
def load_prior() -> RelevanceModel:
    """Return the model that ships with the program; `python -m scoring.evaluation.priors.relevance` makes it.

    ModelFileError when the installation is damaged.
    """
    return read_prior(PRIOR_FILE)


def read_prior(path: Path) -> RelevanceModel:
    """Return the prior in a file that `scoring.evaluation.priors.relevance` wrote; ModelFileError when it is none."""
    file = model_file.read(path, "prior")
    try:
        return RelevanceModel(file.name, Weights.from_data(file.content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"the prior {path} is broken: {error}; reinstall the program") from error
