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
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aggregator.errors import ModelFileError
from aggregator.model import Contribution, Vote
from aggregator.text.urls import host, registrable_domain
from scoring.language.terms import words_of
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration
from scoring.relevance.explanation import PLAIN_WORDS, Part, contributions, sigmoid
from scoring.relevance.news_context import NOTHING, Around, title_words
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

SHARED_SITES = frozenset(
    {
        *("github.com", "gitlab.com", "github.io", "dev.to", "medium.com", "substack.com", "blogspot.com"),
        *("wordpress.com", "twitter.com", "x.com", "youtube.com", "reddit.com", "bbc.co.uk"),
    }
)
"""Where an address says little without the host or the first part of its path: whose page it is."""

_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"\((?:19|20)\d\d\)")
_APPEAL = frozenset(["how", "why", "what", "when", "which", "who", "best", "opinion", "review", "watch"])
_READER = frozenset(["you", "your", "my", "i", "we", "our", "me"])
_ADDRESS = re.compile(r"[/\-_.?=&+]+")
_DIGITS = re.compile(r"\d{3}")
_MONEY = re.compile(r"[$€£¥]\s?\d|\d\s?(?:billion|million|bn\b|亿|万)", re.IGNORECASE)


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
    if link and signals.link:
        sites, sections = _address(signals.link)
        found.update(dict.fromkeys(sites, 1.0))
        if sections:
            found.update(dict.fromkeys(sections, len(sections) ** -0.5))
    for tag in signals.tags:
        found[f"tag:{tag.casefold()}"] = 1.0
    if signals.first_seen_at.weekday() >= 5:
        found["time:weekend"] = 1.0
    found[f"time:{signals.first_seen_at.hour // 6 * 6:02}h"] = 1.0
    title = signals.title
    in_title = title_words(title)
    length = math.log1p(len(in_title)) - 2.3
    found["shape:length"] = length
    found["shape:length2"] = length * length
    if in_title and in_title[0] in _APPEAL:
        found["shape:appeal"] = 1.0
    if not _READER.isdisjoint(in_title):
        found["shape:reader"] = 1.0
    spaced = title.split()
    if capitals := sum(word[:1].isupper() for word in spaced):
        found["shape:capitals"] = capitals / len(spaced)
    if title[:1].islower():
        found["shape:lower"] = 1.0
    if ":" in title:
        found["shape:colon"] = 1.0
    if "[" in title:
        found["shape:bracket"] = 1.0
    if _YEAR.search(title):
        found["shape:year"] = 1.0
    if '"' in title or "“" in title or "‘" in title:
        found["shape:quote"] = 1.0
    if "?" in title or "？" in title:
        found["shape:question"] = 1.0
    if _NUMBER.search(title):
        found["shape:number"] = 1.0
    if _MONEY.search(title):
        found["shape:money"] = 1.0
    if title.endswith("!") or "！" in title:
        found["shape:exclamation"] = 1.0
    if signals.summary:
        found["shape:summary"] = 1.0
    return found


@lru_cache(maxsize=20_000)
def _address(link: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the features of a link: its site, and the words of its path."""
    named = host(link)
    domain = registrable_domain(named)
    sites = [f"site:{domain}"]
    path = link.split("/", 3)[3].lower() if link.count("/") > 2 else ""
    if domain in SHARED_SITES:
        sites.append(f"site:{named}/{path.split('/')[0]}")
    elif named not in (domain, f"www.{domain}"):
        sites.append(f"site:{named}")
    sections = (
        word
        for word in _ADDRESS.split(path)
        if word and not word.isdigit() and len(word) < 20 and not _DIGITS.search(word)
    )
    return tuple(sites), tuple(dict.fromkeys(f"address:{word}" for word in sections))


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


HALF_SAY = 100
"""Labels on this site at which local evidence and the prior have an equal say.

Chosen with `python -m bench.relevance --only blend` on ai_radar_2026_dev: with 160 to 650 labels a say of
0.75 to 0.9 was best, and anything from 0.5 to 1 cost less than 0.03 of cross-entropy.
"""

# A fresh site of local feeds showed "provisional" on every story, which told nobody anything. That the site has no
# labels of its own yet is a fact about the site (`RelevanceModel.settled`), for one line on its pages. A story is
# provisional where its own evidence is thin.
PROVISIONAL_LABELS = 300
"""Below as many labels on this site nobody can say how well the score is calibrated here."""

PROVISIONAL_WORDS = 2
"""A story that one source tells, in a title with fewer known words, is guesswork."""

PROVISIONAL_CLAIM = 20
"""Before the site has its labels, a higher score of one source's story rests on words weighed elsewhere."""


class RelevanceModel:
    """The prior, or the prior and what was learned here; immutable: same signals, same score.

    prior:   the weights that ship with the program
    local:   those learned on this site, or None
    learned_until: votes up to then are in the local weights
    votes:   what editors said since, felt at once; see `votes`
    labels:  n, on how many labelled stories; local weights have the say n / (n + HALF_SAY)
    calibration: of the blended logit, on later stories than the local weights were fitted on

        logit = slope * ((1 - say) * prior + say * local) + offset
    """

    def __init__(
        self,
        version: str,
        prior: Weights,
        local: Weights | None = None,
        labels: int = 0,
        calibration: Calibration | None = None,
        learned_until: datetime | None = None,
        votes: Ballot = NO_VOTES,
    ) -> None:
        self.version = version
        self.prior = prior
        self.local = local
        self.labels = labels
        self.learned_until = learned_until
        self.votes = votes
        self.calibration = calibration or Calibration()
        self.local_say = labels / (labels + HALF_SAY) if local is not None else 0.0
        slope = self.calibration.slope
        shares = [(prior, slope * (1.0 - self.local_say))]
        if local is not None:
            shares.append((local, slope * self.local_say))
        self._parts = tuple(shares)
        others: dict[str, float] = {}
        for weights, share in self._parts:
            for name, weight in weights.others.items():
                others[name] = others.get(name, 0.0) + share * weight
        self._others = MappingProxyType(others)
        self._link = any(name.startswith(("site:", "address:")) for name in others)
        self._base = self.calibration.offset + sum(share * weights.base for weights, share in self._parts)

    @property
    def settled(self) -> bool:
        """Whether this site has given enough labels to say how well the score is calibrated here."""
        return self.labels >= PROVISIONAL_LABELS

    def score(self, signals: Signals) -> Scored:
        """Return the relevance of a story, with the parts that it is the sum of.

        It is provisional for a story of one voice whose title has fewer than `PROVISIONAL_WORDS` words that
        the model knows, and, until this site has given `PROVISIONAL_LABELS` labels, for one of one voice
        that scores above `PROVISIONAL_CLAIM`.
        """
        by_word, known = self._words(signals)
        groups: dict[str, float] = {}
        for name, value in features(signals, self._link).items():
            if weight := self._others.get(name):
                group = name.partition(":")[0]
                groups[group] = groups.get(group, 0.0) + weight * value
        if self.votes:
            groups |= self._voted(signals)
        logit = self._base + sum(by_word.values())
        # Coverage and velocity come last: floating point addition keeps order, so more of them is never less.
        for group in (
            "source",
            "site",
            "address",
            "tag",
            "time",
            "shape",
            "new",
            "pace",
            "around",
            "vote",
            "votes",
            "coverage",
            "velocity",
        ):
            logit += groups.get(group, 0.0)
        relevance = sigmoid(logit)
        score = min(max(round(100 * relevance), LEAST_SCORE), MOST_SCORE)
        if plain := [word for word in by_word if word in PLAIN_WORDS]:
            groups["shape"] = groups.get("shape", 0.0) + sum(by_word[word] for word in plain)
        parts = [
            Part(f"word:{word}", log_odds, f"word '{word}'")
            for word, log_odds in by_word.items()
            if word not in PLAIN_WORDS
        ]
        parts += [Part(group, log_odds, _reason(group, signals)) for group, log_odds in groups.items()]
        guessed = known < PROVISIONAL_WORDS or (not self.settled and score > PROVISIONAL_CLAIM)
        return Scored(
            relevance=relevance,
            score=score,
            provisional=guessed and len(signals.voices) <= 1,
            contributions=contributions(self._base, parts, score),
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
        by_word, _ = self._words(signals)
        others = sum(self._others.get(name, 0.0) * value for name, value in features(signals, self._link).items())
        return self._base + sum(by_word.values()) + others + sum(self._voted(signals).values())

    def with_votes(self, votes: Iterable[Vote]) -> RelevanceModel:
        """Return this model with the votes that stand; without any it is as it was trained."""
        counted = ballot(votes, self._unit, self.learned_until)
        return RelevanceModel(
            self.version, self.prior, self.local, self.labels, self.calibration, self.learned_until, counted
        )

    def _unit(self, title: str) -> list[tuple[str, float]]:
        """Return the words of *title*, known or not, with their TF-IDF; function words are left out."""
        idf, unknown = self.prior.idf, self.prior.unknown_idf
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

    def _words(self, signals: Signals) -> tuple[dict[str, float], int]:
        """Return what each word says, and how many of the title's words are known."""
        said: dict[str, float] = {}
        known: set[str] = set()
        in_title = title_words(signals.title)
        in_summary = summary_words(signals.summary)
        for weights, share in self._parts:
            for found, of_words in ((in_title, weights.title), (in_summary, weights.summary)):
                if not of_words:
                    continue
                for word, value in tfidf(found, weights.idf, weights.unknown_idf):
                    if weight := of_words.get(word):
                        said[word] = said.get(word, 0.0) + share * weight * value
            known.update(word for word in in_title if word in weights.idf)
        return said, len(known)


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
    """Return the model that ships with the program; `python -m scoring.evaluation.make_prior` makes it.

    ModelFileError when the installation is damaged.
    """
    file = model_file.read(PRIOR_FILE, "prior")
    try:
        return RelevanceModel(file.name, Weights.from_data(file.content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"the prior {PRIOR_FILE} is broken: {error}; install the program again") from error
