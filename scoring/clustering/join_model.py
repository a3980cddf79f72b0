"""The log-odds that an entry reports the event of a story: one entry against one story, and nothing remembered.

    compare(entry, members) -> Comparison     what of the entry stands in the story, and what contradicts it
    JoinModel.base(...)                       what counts for every story alike
    JoinModel.odds(...)                       what speaks for and against this one

The weights, with their units, are in `weights`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from scoring.clustering.weighed_text import Member, WeighedText
from scoring.clustering.weights import CALIBRATION, Weights
from scoring.language.terms import term

# Observed: a new site polls hundreds of feeds within a minute, most of what they list stands alone, and many headlines
# come without a summary. Of 39 judged joins on one or two neighbouring words of letters 4 were right ("Inside ...",
# "Always Online", a song named for a word of a headline). Where most entries join (a stream of one topic), such words
# are an event's name: half to three quarters of the joins were right.
# Rule: each word short of MIN_SHARED_WORDS counts against, by the log-odds that entries of this stream stand alone.
# Known to be wrong: two short headlines that share a product's name and nothing else, and are one event.
MIN_SHARED_WORDS = 3.0

MIN_SIMILARITY = 0.01
"""Below it the logarithm of a similarity says nothing more."""

MAX_SHARED_IDF = 60.0

MIN_TEMPLATE = 0.2
"""Share of a text that may stand in earlier wording of its source: reports of one event have names in common."""

CONTRADICTED_MEMBERS = 6
"""With so many of a story's latest entries an entry is compared for what contradicts it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike an entry and the entries of a story are: the best that any of them has, and what contradicts all."""

    similarity: float
    """Cosine."""
    contained: float
    """Share of one title's IDF that stands anywhere in the other text, the better way round."""
    shared: float
    """IDF of the shared terms."""
    figures: bool
    """Both titles name the same figure."""
    words: float
    """How many words are shared; where pairs of characters overlap, each more is half a word."""
    telling: tuple[str, ...]
    """The three most telling terms that it shares with that entry."""
    slot: float
    """How clearly both titles are one template with something else in it, where one source wrote both: the IDF of what
    differs, times the share of words that do not."""
    fresh: float
    """Share of what the entry says outside its source's wording that stands in the story; 1.0 without such wording."""
    numbers_differ: bool
    """Both titles have numbers, and none in common."""
    versions_differ: bool
    """One word stands before different numbers."""
    dates_differ: bool
    """Both titles name days, and none in common."""


_NONE = Comparison(0.0, 0.0, 0.0, False, 0.0, (), 0.0, 1.0, False, False, False)


def compare(entry: WeighedText, members: Sequence[Member]) -> Comparison:
    """Return how alike an entry and a story's entries are."""
    own, idf, places = entry.member, entry.idf, entry.places
    best = contained = shared = words = 0.0
    figures = False
    nearest: Member | None = None
    vector, title = own.vector, own.title
    terms = vector.keys()
    for member in members:
        both = terms & member.vector.keys()
        if not both:
            continue
        similarity = math.fsum([vector[key] * member.vector[key] for key in both])
        if similarity > best:
            best, nearest = similarity, member
        shared = max(shared, math.fsum([idf[key] for key in both]))
        if words < MIN_SHARED_WORDS:
            words = max(words, shared_words(both, places) if places else float(len(both)))
        of_ours = math.fsum([title[key] for key in both if key in title])
        theirs = member.title
        of_theirs = math.fsum([theirs[key] for key in both if key in theirs])
        contained = max(contained, of_ours / own.title_idf, of_theirs / member.title_idf)
        figures = figures or not own.figures.isdisjoint(member.figures)
    if nearest is None:
        return _NONE
    latest = members[-CONTRADICTED_MEMBERS:]
    both = terms & nearest.vector.keys()
    return Comparison(
        best,
        contained,
        shared,
        figures,
        words,
        tuple(sorted(both, key=lambda key: (-idf[key], key))[:3]),
        max(
            [_slot(own, member) for member in members if own.source_id and own.source_id == member.source_id],
            default=0.0,
        ),
        _fresh(entry, members),
        _apart(own.numbers, [member.numbers for member in latest]),
        _versions_differ(own, latest),
        _apart(own.dates, [member.dates for member in latest]),
    )


def _slot(own: Member, other: Member) -> float:
    """Return the IDF of what stands in one title in place of something else in the other, between words that both have.

    0.0 where less than half of the words, or fewer than two, are the same.
    """
    ours, theirs = own.title_words, other.title_words
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    same = sum(end - start for tag, start, end, _, _ in blocks if tag == "equal")
    ratio = same / max(1, min(len(ours), len(theirs)))
    if same < 2 or ratio < 0.5:
        return 0.0
    slots = [
        min(_highest(own.title, ours[start:end]), _highest(other.title, theirs[first:last]))
        for tag, start, end, first, last in blocks
        if tag == "replace"
    ]
    return max(slots, default=0.0) * ratio


def _highest(title: Mapping[str, float], words: Sequence[str]) -> float:
    return max([title.get(term(word), 0.0) for word in words], default=0.0)


def _fresh(entry: WeighedText, members: Sequence[Member]) -> float:
    fresh = entry.fresh
    if not entry.template:
        return 1.0
    if not fresh:
        return 0.0
    best = max(math.fsum([fresh[key] for key in fresh.keys() & member.vector.keys()]) for member in members)
    return best / math.fsum(fresh.values())


def _apart(ours: frozenset[str], theirs: Sequence[frozenset[str]]) -> bool:
    return bool(ours) and any(theirs) and all(ours.isdisjoint(other) for other in theirs)


def _versions_differ(own: Member, latest: Sequence[Member]) -> bool:
    if not own.versions:
        return False
    known: dict[str, set[str]] = {}
    for member in latest:
        for name, number in member.versions:
            known.setdefault(name, set()).add(number)
    return any(name in known and number not in known[name] for name, number in own.versions)


def shared_words(shared: Collection[str], places: Mapping[str, int]) -> float:
    """Return how many words some terms of a text are: of pairs of characters that overlap, each more is half a word."""
    stand = 0
    for key in shared:
        stand |= places.get(key, 0)
    return len(shared) - 0.5 * (stand & (stand << 1)).bit_count()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a story beside its entries' texts, at the moment an entry is compared with it."""

    centroid: float
    """The entry's similarity to the story as a whole."""
    others: float
    """What other stories nearby have of that: strangers, mostly."""
    entries: int
    waited: int
    """Entries that came since its last one."""
    gap: float
    """Seconds between the entry and the story, 0 within it."""
    age: float
    """Seconds since its first entry, 0 at least."""
    same_terms: int
    """Other open stories that have the most telling shared terms too."""
    source_seconds: float | None
    """Since the entry's source last reported it; None where it did not."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of the stream as a whole."""

    open_stories: int
    joining: float
    """Log-odds that an entry joins a story, of the latest ones."""


class JoinModel:
    """Adds up evidence; above 0 an entry joins."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def base(self, entry: WeighedText, stream: Stream) -> float:
        """Return the log-odds that hold for every story: how dense the stream is, and how much the entry says."""
        by = self._weights
        return (
            by.intercept
            + by.stories * math.log1p(stream.open_stories / 100.0)
            + by.joins * stream.joining
            + by.terms * math.log1p(len(entry.member.vector))
            + (0.0 if entry.text.summary else by.title_alone)
        )

    def time(self, waited: int, gap: float, age: float) -> float:
        """Return the log-odds of the times alone: how long the story waited, and how old it is."""
        by = self._weights
        return by.waited * math.log1p(waited) + by.gap * gap / 86_400.0 + by.age * math.log1p(age / 86_400.0)

    def nearness(self, centroid: float, waited: int, gap: float, age: float) -> float:
        """Return by what stories are ranked before they are looked at closely."""
        by = self._weights
        return (by.centroid + by.stands_out) * _log(centroid) + self.time(waited, gap, age)

    def odds(self, entry: WeighedText, story: Candidate, comparison: Comparison, stream: Stream) -> float:
        """Return what speaks for and against this story."""
        by = self._weights
        return (
            by.centroid * _log(story.centroid)
            + by.stands_out * (_log(story.centroid) - _log(story.others))
            + by.member * _log(comparison.similarity)
            + by.contained * _log(comparison.contained)
            + by.shared * min(comparison.shared, MAX_SHARED_IDF) / 10.0
            + by.size * math.log(story.entries)
            + (by.figures if comparison.figures else 0.0)
            + by.few * max(0.0, MIN_SHARED_WORDS - comparison.words) * max(0.0, -stream.joining)
            + self.time(story.waited, story.gap, story.age)
            + by.slot * comparison.slot / 10.0
            + (by.numbers_differ if comparison.numbers_differ else 0.0)
            + (by.versions_differ if comparison.versions_differ else 0.0)
            + (by.dates_differ if comparison.dates_differ else 0.0)
            + by.same_terms * math.log1p(story.same_terms)
            + (0.0 if story.source_seconds is None else self._same_source(entry, comparison, story.source_seconds))
        )

    def _same_source(self, entry: WeighedText, comparison: Comparison, seconds: float) -> float:
        by = self._weights
        return (
            (by.same_source if seconds < 3600.0 else by.reported_before)
            + by.worn * entry.worn
            + by.template * max(0.0, entry.template - MIN_TEMPLATE) * (1.0 - comparison.fresh)
            + (by.same_poll if seconds == 0.0 else 0.0)
        )


def _log(similarity: float) -> float:
    return math.log(max(similarity, MIN_SIMILARITY))


def probability(log_odds: float) -> float:
    """Return the probability that an entry with these log-odds is of the story's event."""
    intercept, slope = CALIBRATION
    return 1.0 / (1.0 + math.exp(-intercept - slope * log_odds))
