"""Work out how likely a story is to be relevant, as a sum of named parts.

Knows what is known of a story at a moment (`Signals`), which features that has
(`features`), and what a model makes of them (`RelevanceModel`). Leaves learning to
`train`, points and reasons to `explain`, files to `modelfile`.

The log-odds of relevance are a sum, one addend a feature:

    logit P(relevant) = base + sum over features of weight * value

A model is the prior that ships with the program, or the prior and what was learned
on this site, blended in log-odds, so that the blend is a sum as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from aggregator.errors import ModelFileError
from aggregator.model import Contribution, Vote
from aggregator.text.urls import host, registrable_domain
from scoring.language.terms import words_of
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration
from scoring.relevance.editorial_prior import EditorialPrior
from scoring.relevance.explanation import PLAIN_WORDS, Part, contributions, sigmoid
from scoring.relevance.news_context import NOTHING, Around, title_words
from scoring.relevance.text_features import address_features, shape_features
from scoring.relevance.votes import NO_VOTES, OWN, Ballot, ballot


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a story at a moment, and nothing later."""

    title: str
    """Of the lead entry, as is `summary`."""
    summary: str
    source_ids: tuple[str, ...]
    """Distinct, in order of arrival."""
    voices: tuple[str, ...]
    """Independent ones, in order of arrival."""
    voice_ages: tuple[timedelta, ...]
    """How long before `at` each voice joined, same order; never negative."""
    entries: int
    category_id: str
    language: str
    first_seen_at: datetime
    at: datetime
    link: str = ""
    """Of the first entry, as are `tags`; "" where it has none."""
    tags: tuple[str, ...] = ()
    around: Around = NOTHING
    """What others said of the same things when the first entry came, and when each further voice did."""
    story_id: int = 0
    """For votes; 0 where there is no story yet."""
    entry_ids: tuple[int, ...] = ()
    """Of its entries: a vote goes with the first entry of the story that it was for, wherever that is now."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model says of a story."""

    relevance: float
    """Probability, 0..1."""
    score: int
    """100 x relevance, a whole number from `LEAST_SCORE` to `MOST_SCORE`."""
    provisional: bool
    """Whether there is too little evidence to lean on it; see `RelevanceModel.score`."""
    contributions: tuple[Contribution, ...]


# Features


SUMMARY_WORDS = 60
"""Words of a summary that are looked at; what matters is said first, and some feeds send whole articles."""

VELOCITY_WINDOWS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))
COVERAGE_STEPS = (2, 3, 5)

NEVER_NEGATIVE = ("coverage:", "velocity:", "around:")
"""Features that grow with independent coverage: their weights are kept >= 0, so that it never lowers a score."""

LEAST_SCORE, MOST_SCORE = 1, 99
"""0 and 100 would claim what no calibration can support: the highest of ten bins holds a few dozen cases here."""


@lru_cache(maxsize=20_000)
def summary_words(summary: str) -> tuple[str, ...]:
    """Return the distinct words among the first `SUMMARY_WORDS` of *summary*, in order."""
    # A word has less than 20 characters on average in any script, so the rest need not be split at all.
    return tuple(dict.fromkeys(words_of(summary[: 20 * SUMMARY_WORDS])[:SUMMARY_WORDS]))


def tfidf(found: Iterable[str], idf: Mapping[str, float], unknown_idf: float) -> Iterator[tuple[str, float]]:
    """Yield the known words among distinct *found* with their weight:

        idf(word) / sqrt(sum over all words of idf^2),  idf(word) = ln((1 + N) / (1 + n)) + 1

    with N documents of which n hold the word. Unknown words count in the length with
    *unknown_idf*, so one known word in a title of strangers says little.
    Salton & Buckley, Term-weighting approaches in automatic text retrieval (1988), with
    binary term frequency, as words hardly repeat within a headline.
    """
    looked_up = [(word, idf.get(word)) for word in found]
    length = math.sqrt(sum((unknown_idf if value is None else value) ** 2 for _, value in looked_up))
    return ((word, value / length) for word, value in looked_up if value is not None)


def features(signals: Signals, link: bool = True) -> dict[str, float]:
    """Return every feature but the words, by name; those that are 0 are left out.

    link: without it those of the link are left out too, for a model that knows none

    `coverage:`, `velocity:`  independent voices, and how soon after first sight they came. Nothing here
                              looks at how much time has passed since: relevance does not decay.
    `source:ID`               who reported first; later sources count as coverage
    `around:`, `new:`         how much others say of the same things, and how much of the title is new
    `pace:`                   how much its source published within a day and an hour before it
    `site:`, `address:`       where its link leads, and what words its path holds: many name their sections there
    `tag:`                    what its source filed it under
    `time:`                   weekend, and quarter of the day (UTC), of first sight
    `shape:`                  length and looks of the title
    """
    found: dict[str, float] = {}
    voices = len(signals.voices)
    if voices > 1:
        found["coverage:log"] = math.log(voices)
        for step in COVERAGE_STEPS:
            if voices >= step:
                found[f"coverage:{step}"] = 1.0
        # The first voice is the story itself; those after it are news of its spread.
        since = signals.at - signals.first_seen_at
        delays = sorted(since - age for age in signals.voice_ages)[1:]
        for window in VELOCITY_WINDOWS:
            if quick := sum(delay <= window for delay in delays):
                found[f"velocity:{window // timedelta(hours=1)}h"] = math.log1p(quick)
    if signals.source_ids:
        found[f"source:{signals.source_ids[0]}"] = 1.0
    around = signals.around
    if around is not NOTHING:
        for name, value in (
            ("around:near", math.log1p(around.near)),
            ("around:touched", math.log1p(around.touched)),
            ("around:best", around.best),
            ("around:burst", math.log1p(around.burst)),
            ("around:talk", around.talk),
            ("new:title", around.novelty),
            ("pace:day", math.log1p(around.own_day)),
            ("pace:hour", math.log1p(around.own_hour)),
        ):
            if value:
                found[name] = value
    if link:
        found |= address_features(signals.link)
    for tag in signals.tags:
        found[f"tag:{tag.casefold()}"] = 1.0
    if signals.first_seen_at.weekday() >= 5:
        found["time:weekend"] = 1.0
    found[f"time:{signals.first_seen_at.hour // 6 * 6:02}h"] = 1.0
    found |= shape_features(signals.title, title_words(signals.title))
    if signals.summary:
        found["shape:summary"] = 1.0
    return found


# Models


@dataclass(frozen=True, slots=True)
class Weights:
    """What one fit learned: log-odds for each unit of a feature."""

    base: float
    idf: Mapping[str, float] = field(default_factory=dict)
    unknown_idf: float = 1.0
    title: Mapping[str, float] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)
    """Of the names that `features` gives; a name that is not here weighs nothing."""
    editorial: EditorialPrior | None = None
    """What the text is worth to an editor; of the prior that ships alone."""

    def as_data(self) -> dict[str, Any]:
        """Return what `from_data` makes the same weights of, for a model file."""
        terms = {
            word: [idf, self.title.get(word, 0.0), self.summary.get(word, 0.0)]
            for word, idf in sorted(self.idf.items())
        }
        return {
            "base": self.base,
            "unknown_idf": self.unknown_idf,
            "others": dict(sorted(self.others.items())),
            "terms": terms,
            **({} if self.editorial is None else {"editorial": self.editorial.as_data()}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Weights:
        """Return the weights that *data* holds; KeyError, TypeError or ValueError when it holds none."""
        terms = [(str(word), float(idf), float(t), float(s)) for word, (idf, t, s) in data["terms"].items()]
        weights = cls(
            base=float(data["base"]),
            idf={word: idf for word, idf, _, _ in terms},
            unknown_idf=float(data["unknown_idf"]),
            title={word: t for word, _, t, _ in terms if t},
            summary={word: s for word, _, _, s in terms if s},
            others={str(name): float(weight) for name, weight in data["others"].items()},
            editorial=EditorialPrior.from_data(data["editorial"]) if "editorial" in data else None,
        )
        # One NaN would make every score NaN, and json reads it without a word.
        numbers = (
            weights.base,
            weights.unknown_idf,
            *weights.others.values(),
            *(n for term in terms for n in term[1:]),
        )
        if not all(map(math.isfinite, numbers)):
            raise ValueError("a weight that is no finite number")
        if any(weight < 0 for name, weight in weights.others.items() if name.startswith(NEVER_NEGATIVE)):
            raise ValueError("a negative weight for independent coverage")
        return weights

    def scaled(self, slope: float, offset: float) -> Weights:
        """Return weights whose logit is slope * logit + offset; slope >= 0 keeps the order."""

        def times(weights: Mapping[str, float]) -> dict[str, float]:
            return {name: slope * weight for name, weight in weights.items()}

        return replace(
            self,
            base=slope * self.base + offset,
            title=times(self.title),
            summary=times(self.summary),
            others=times(self.others),
        )

    def mixed(self, other: Weights) -> Weights:
        """Return weights whose logit is the mean of both; they know the same words, equally frequent."""

        def mean(one: Mapping[str, float], two: Mapping[str, float]) -> dict[str, float]:
            return {name: (one.get(name, 0.0) + two.get(name, 0.0)) / 2 for name in {**one, **two}}

        return replace(
            self,
            base=(self.base + other.base) / 2,
            title=mean(self.title, other.title),
            summary=mean(self.summary, other.summary),
            others=mean(self.others, other.others),
        )

    def rounded(self) -> Weights:
        """Return the weights as a model file keeps them: four decimals are far below a tenth of a point."""

        def short(weights: Mapping[str, float]) -> dict[str, float]:
            return {name: r for name, weight in weights.items() if (r := round(weight, 4))}

        return replace(
            self,
            base=round(self.base, 4),
            title=short(self.title),
            summary=short(self.summary),
            others=short(self.others),
        )


HALF_WEIGHT = 100
"""Labels on this site at which what it learned counts half.

Chosen with a prior and a site on ai_radar_2026_dev: with 160 to 650 labels a share of 0.75 to 0.9 was best, and
anything from 0.5 to 1 cost less than 0.03 of cross-entropy.
"""

MIN_SETTLED_LABELS = 300
"""Below as many labels on this site nobody can say how well the score is calibrated here."""

MIN_KNOWN_WORDS = 2
"""A story that one source reports, in a title with fewer known words, is guesswork."""

MIN_FAMILIARITY = 0.5
"""A text that the prior knows less of is outside its subject or its language."""

GROUP_ORDER = (
    *("source", "site", "address", "tag", "time", "shape", "new", "pace", "around", "vote", "votes"),
    *("coverage", "velocity"),
)
"""In which order the groups of a logit are added."""


class RelevanceModel:
    """The prior, or the prior and what was learned here; immutable: same signals, same score.

    prior:   the weights that ship with the program
    local:   what this site adds to them, or None
    labels:  n, on how many labelled stories
    calibration: of the sum, on later stories than the local weights were fitted on
    votes:   what editors said; see `votes`

        logit = prior + votes                                                        of a text that the prior knows
        logit = slope * (prior + n / (n + HALF_WEIGHT) * local) + offset + votes     of a text that it does not know

    and between the two in proportion to how familiar the text is. The site learns from coverage, and what is widely
    reported is not what editors choose: learned weights for every text took the AUC for an editor's grade from
    .889, .920 and .885 to .848, .859 and .862 on three windows that the prior had not seen.
    """

    def __init__(
        self,
        version: str,
        prior: Weights,
        local: Weights | None = None,
        labels: int = 0,
        calibration: Calibration | None = None,
        votes: Ballot = NO_VOTES,
    ) -> None:
        self.version = version
        self.prior = prior
        self.local = local
        self.labels = labels
        self.votes = votes
        self.calibration = calibration or Calibration()
        self.local_share = labels / (labels + HALF_WEIGHT) if local is not None else 0.0
        of_link = ("site:", "address:")
        named = (*prior.others, *(() if local is None else local.others))
        self._link = any(name.startswith(of_link) for name in named)

    @property
    def settled(self) -> bool:
        """Whether this site has given enough labels to say how well the score is calibrated here."""
        return self.labels >= MIN_SETTLED_LABELS

    def familiarity(self, signals: Signals) -> float:
        """Return how far the prior knows the text of a story, 0..1; 0 for a prior that knows no texts."""
        editorial = self.prior.editorial
        if editorial is None:
            return 0.0
        return editorial.read(signals.title, signals.summary, signals.link).familiarity

    def score(self, signals: Signals) -> Scored:
        """Return the relevance of a story, with the parts that it is the sum of.

        It is provisional for a story of one voice whose title has fewer than `MIN_KNOWN_WORDS` words that the
        model knows, and, until this site has given `MIN_SETTLED_LABELS` labels, for one of one voice in a text
        that the prior is not familiar with.
        """
        addends = self._addends(signals)
        words, groups = addends.words, addends.groups
        logit = addends.base + sum(words.values())
        # Coverage and velocity come last: floating point addition keeps order, so more of them is never less.
        for group in GROUP_ORDER:
            logit += groups.get(group, 0.0)
        relevance = sigmoid(logit)
        score = min(max(round(100 * relevance), LEAST_SCORE), MOST_SCORE)
        if plain := [word for word in words if word in PLAIN_WORDS]:
            groups["shape"] = groups.get("shape", 0.0) + sum(words[word] for word in plain)
        parts = [
            Part(f"word:{word}", log_odds, f"word '{word}'")
            for word, log_odds in words.items()
            if word not in PLAIN_WORDS
        ]
        parts += [Part(group, log_odds, _reason(group, signals)) for group, log_odds in groups.items()]
        guessed = addends.known_words < MIN_KNOWN_WORDS or (addends.stranger and not self.settled)
        return Scored(
            relevance=relevance,
            score=score,
            provisional=guessed and len(signals.voices) <= 1,
            contributions=contributions(addends.base, parts, score),
        )

    def voted(self, scored: Scored, story_id: int, entry_ids: Iterable[int]) -> Scored:
        """Return what the votes for a story make of its score, where only that is known: the story is over.

        What it was worth stays as it was said; the addend of its own vote comes, goes, or changes.
        """
        base, *said = scored.contributions
        own = self.votes.of(story_id, entry_ids)
        kept = [
            Part(part.name, part.log_odds, part.reason)
            for part in said
            if part.name != "vote" and not (own and part.name == "votes")
        ]
        if own:
            kept.append(Part("vote", own * OWN, _VOTE_REASON))
        relevance = sigmoid(math.fsum((base.log_odds, *(part.log_odds for part in kept))))
        score = min(max(round(100 * relevance), LEAST_SCORE), MOST_SCORE)
        return Scored(relevance, score, scored.provisional, contributions(base.log_odds, kept, score))

    def logit(self, signals: Signals) -> float:
        """Return the log-odds alone, without points and reasons."""
        addends = self._addends(signals)
        return addends.base + sum(addends.words.values()) + sum(addends.groups.values())

    def with_votes(self, votes: Iterable[Vote]) -> RelevanceModel:
        """Return this model with the votes that stand; without any it is as it was trained."""
        counted = ballot(votes, self._unit)
        return RelevanceModel(self.version, self.prior, self.local, self.labels, self.calibration, counted)

    def _unit(self, title: str) -> list[tuple[str, float]]:
        """Return the words of *title*, known or not, with their TF-IDF; function words are left out."""
        editorial = self.prior.editorial
        if editorial is None:
            idf, unknown = self.prior.idf, self.prior.unknown_idf
        else:
            idf, unknown = editorial.idf, editorial.unknown_idf
        told = [(word, idf.get(word, unknown)) for word in title_words(title) if word not in PLAIN_WORDS]
        length = math.sqrt(math.fsum(value * value for _, value in told))
        return [(word, value / length) for word, value in told]

    def _voted(self, signals: Signals) -> dict[str, float]:
        """Return what votes say: for this story, else for those like it."""
        if own := self.votes.of(signals.story_id, signals.entry_ids):
            return {"vote": own * OWN}
        first = signals.source_ids[0] if signals.source_ids else ""
        like = self.votes.like(self._unit(signals.title), first)
        return {"votes": like} if like else {}

    def _addends(self, signals: Signals) -> _Addends:
        """Return what a logit is the sum of."""
        prior, local = self.prior, self.local
        in_title = title_words(signals.title)
        in_summary = summary_words(signals.summary)
        words: dict[str, float] = {}
        groups: dict[str, float] = {}
        base, familiarity = prior.base, 0.0
        known = {word for word in in_title if word in prior.idf}
        if prior.editorial is not None:
            reading = prior.editorial.read(signals.title, signals.summary, signals.link)
            words.update(reading.words)
            groups.update(reading.others)
            base += reading.constant
            familiarity = reading.familiarity
            known.update(word for word in in_title if word in prior.editorial.words)
        _add_words(words, prior, in_title, in_summary, 1.0)
        free = 1.0 - familiarity
        share = free * self.local_share
        if local is not None and share:
            base += share * local.base
            _add_words(words, local, in_title, in_summary, share)
            known.update(word for word in in_title if word in local.idf)
        here = local.others if local is not None and share else {}
        for name, value in features(signals, self._link).items():
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
            base=slope * base + free * self.calibration.offset,
            words=words,
            groups=groups,
            known_words=len(known),
            stranger=prior.editorial is not None and familiarity < MIN_FAMILIARITY,
        )


def _add_words(
    to: dict[str, float], weights: Weights, in_title: Sequence[str], in_summary: Sequence[str], share: float
) -> None:
    for found, of_words in ((in_title, weights.title), (in_summary, weights.summary)):
        if of_words:
            for word, value in tfidf(found, weights.idf, weights.unknown_idf):
                if weight := of_words.get(word):
                    to[word] = to.get(word, 0.0) + share * weight * value


@dataclass(frozen=True, slots=True)
class _Addends:
    """What the logit of a story is the sum of."""

    base: float
    words: dict[str, float]
    groups: dict[str, float]
    known_words: int
    """Words of the title that the model knows."""
    stranger: bool
    """The text is outside the subject or the language of the prior."""


_VOTE_REASON = "an editor voted on it"


def _reason(group: str, signals: Signals) -> str:
    match group:
        case "coverage":
            return f"{len(signals.voices)} independent sources"
        case "velocity":
            since = signals.at - signals.first_seen_at
            delays = sorted(since - age for age in signals.voice_ages)
            quick = sum(delay <= VELOCITY_WINDOWS[-1] for delay in delays)
            # The shortest window that holds as many says it best.
            window = next(w for w in VELOCITY_WINDOWS if delays[quick - 1] <= w)
            return f"{quick} sources within {window // timedelta(hours=1)} h"
        case "source":
            return f"first reported by {signals.source_ids[0]}"
        case "vote":
            return _VOTE_REASON
        case "votes":
            return "editors voted on stories like it"
        case "around":
            return "others report on the same things"
        case "new":
            return f"{signals.around.novelty:.0%} of the title is new"
        case "pace":
            return f"its source published {signals.around.own_day} others within a day"
        case "site":
            return f"link to {registrable_domain(host(signals.link))}"
        case "address":
            return "words in the address"
        case "tag":
            return f"filed under {', '.join(signals.tags)}"
        case "time":
            weekend = signals.first_seen_at.weekday() >= 5
            return (
                f"first seen {signals.first_seen_at:%A %H:%M} UTC" if weekend else f"{signals.first_seen_at:%H:%M} UTC"
            )
        case _:
            count = len(title_words(signals.title))
            return f"a title of {count} words, and how it is worded" + (", a question" if "?" in signals.title else "")


PRIOR_FILE = Path(__file__).with_name("prior.json")


@cache
def load_prior() -> RelevanceModel:
    """Return the model that ships with the program; `python -m scoring.make_prior` makes it.

    ModelFileError when the installation is damaged.
    """
    file = model_file.read(PRIOR_FILE, "prior")
    try:
        return RelevanceModel(file.name, Weights.from_data(file.content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"the prior {PRIOR_FILE} is broken: {error}; install the program again") from error
