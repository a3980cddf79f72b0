"""The log-odds that an entry reports the event of a story: one entry against one story. Pure.

    JoinModel.log_odds(evidence)          what decides
        lexical_log_odds(by, evidence)    the evidence of the words alone
        joint_log_odds(by, evidence)      words and embeddings together

Both sums are linear in the weights, so `bench.fit_joins` can fit them.

`comparison` has the evidence, `weights` the weights with their units.
"""

from __future__ import annotations

import math

from msgspec import Struct

from scoring.clustering.comparison import MIN_SERIES_TEMPLATE, MIN_SHARED_WORDS, Comparison
from scoring.clustering.weighted_text import WeightedText
from scoring.clustering.weights import CALIBRATION, Weights

MIN_SIMILARITY = 0.01
"""Similarities are at least this before their logarithm is taken."""

MAX_SHARED_IDF = 60.0

MAX_NAMED_IDF = 20.0
"""Two or three names identify an event; in German, every noun looks like one."""

MIN_MARGIN = -0.1
"""A story farther behind the nearest one is not penalized further: the words may be right."""

MIN_TEMPLATE = 0.2
"""Share of a text that may repeat its source's wording without penalty: reports of one event have names in common."""


class Candidate(Struct, frozen=True, gc=False):
    """What is known of a candidate story apart from its entries' texts, at the moment of the comparison."""

    story_id: int
    centroid: float
    """The entry's similarity to the story as a whole."""
    others: float
    """That of other candidates, which are mostly unrelated."""
    entries: int
    waited: int
    """Entries that arrived since its last one."""
    gap: float
    """Seconds between the entry and the story, 0 within it."""
    age: float
    """Seconds since its first entry, 0 at least."""
    same_terms: int
    """Other open stories that also have the rarest shared terms."""
    rare_name: float
    """How rare the rarest shared name is among the open stories; see `OpenStories.rarest`."""
    source_seconds: float | None
    """Since the entry's source last reported it; None if it did not."""


class Stream(Struct, frozen=True, gc=False):
    """The stream as a whole."""

    open_stories: int
    joining: float
    """Log-odds that an entry joins a story, as observed among the latest ones."""


class Meaning(Struct, frozen=True, gc=False):
    """How near an entry is to a story by embedding."""

    cosine: float | None
    """As `nearest_meaning` gives it."""
    others: float
    """Cosine of the nearest other open story."""


class Evidence(Struct, frozen=True, gc=False):
    """All that speaks for and against one story."""

    entry: WeightedText
    story: Candidate
    comparison: Comparison
    stream: Stream
    meaning: Meaning | None
    """None if the entry was not encoded."""


class JoinModel:
    """Adds up evidence; above 0 an entry joins.

    weights:      of the words alone
    with_meaning: of words and meaning, for an entry and a story that were both encoded
    """

    def __init__(self, weights: Weights, with_meaning: Weights) -> None:
        self._weights = weights
        self._with_meaning = with_meaning

    def nearness(self, centroid: float, waited: int, gap: float, age: float) -> float:
        """Return the score by which candidates are preselected, before their entries are compared."""
        by = self._weights
        return (by.centroid + by.stands_out) * _log(centroid) + _time(by, waited, gap, age)

    def log_odds(self, evidence: Evidence) -> float:
        """Return the log-odds that the entry is of the story's event."""
        # Without an embedding on both sides, the words decide alone, with the weights fitted for that.
        if evidence.meaning is None or evidence.meaning.cosine is None:
            return lexical_log_odds(self._weights, evidence)
        joint = joint_log_odds(self._with_meaning, evidence)
        return min(lexical_log_odds(self._weights, evidence), joint) if _is_series(evidence) else joint


def _is_series(evidence: Evidence) -> bool:
    """Return whether an entry may be the next of a series, so that meaning counts only against a merge.

    An encoder hardly distinguishes numbers and names in a frame: "Release notes: version 1.0.2" and "8.1.5" have almost
    the same embedding, and so have "Quillbox: Backend Engineer" and "Quillbox: Product Designer".
    """
    comparison = evidence.comparison
    return (
        comparison.versions_differ
        or comparison.dates_differ
        or comparison.reissued
        or comparison.no_event
        or comparison.substituted > 0.0
        or (comparison.swapped > 0.0 and comparison.numbers_differ)
        or (evidence.story.source_seconds is not None and evidence.entry.template > MIN_SERIES_TEMPLATE)
    )


def joint_log_odds(by: Weights, evidence: Evidence) -> float:
    """Return the log-odds of words and embeddings together; both sides are encoded."""
    meaning = evidence.meaning
    assert meaning is not None
    assert meaning.cosine is not None
    return (
        lexical_log_odds(by, evidence)
        + by.meaning * meaning.cosine
        + by.meaning_margin * max(MIN_MARGIN, meaning.cosine - meaning.others)
    )


def lexical_log_odds(by: Weights, evidence: Evidence) -> float:
    """Return the log-odds of the evidence of the words, with the density of the stream and the time."""
    entry, story, comparison, stream = evidence.entry, evidence.story, evidence.comparison, evidence.stream
    centroid = _log(story.centroid)
    return (
        by.intercept
        + by.stories * math.log1p(stream.open_stories / 100.0)
        + by.joins * stream.joining
        + by.terms * math.log1p(len(entry.member.vector))
        + (0.0 if entry.text.summary else by.title_alone)
        + by.centroid * centroid
        + by.stands_out * (centroid - _log(story.others))
        + by.member * _log(comparison.similarity)
        + by.contained * _log(comparison.contained)
        # Bounded: two long summaries share many words without being of one event. IDF sums are in tens, so that
        # weights are of the same size as those of shares and cosines.
        + by.shared * min(comparison.shared, MAX_SHARED_IDF) / 10.0
        + by.size * math.log(story.entries)
        + (by.figures if comparison.figures else 0.0)
        # Only where fewer than half of the entries join: in a stream of one topic, few shared words are enough.
        + by.few_words * max(0.0, MIN_SHARED_WORDS - comparison.word_count) * max(0.0, -stream.joining)
        + _time(by, story.waited, story.gap, story.age)
        + by.named * min(comparison.named, MAX_NAMED_IDF) / 10.0
        + (by.title_named if comparison.title_named else 0.0)
        + by.rare_name * story.rare_name / 10.0
        + by.other_names * comparison.other_names / 10.0
        + by.frame * comparison.frame
        + by.slot * comparison.slot / 10.0
        + by.swapped * comparison.swapped / 10.0
        + by.substituted * comparison.substituted / 10.0
        + (by.numbers_differ if comparison.numbers_differ else 0.0)
        + (by.versions_differ if comparison.versions_differ else 0.0)
        + (by.dates_differ if comparison.dates_differ else 0.0)
        + (by.reissued if comparison.reissued else 0.0)
        + (by.no_event if comparison.no_event else 0.0)
        + (0.0 if comparison.figures else entry.unfamiliar * _unfamiliar(by, comparison.contained))
        + by.same_terms * math.log1p(story.same_terms)
        + (
            0.0
            if story.source_seconds is None or comparison.same_piece
            else _same_source(by, entry, comparison, story.source_seconds)
        )
    )


def _unfamiliar(by: Weights, contained: float) -> float:
    """Return the log-odds for an entry in an unknown language that shares no figure with the story."""
    return by.unfamiliar + by.unfamiliar_contained * _log(contained)


def _time(by: Weights, waited: int, gap: float, age: float) -> float:
    """Return the log-odds of the time evidence: how long the story waited, and its age."""
    return by.waited * math.log1p(waited) + by.gap * gap / 86_400.0 + by.age * math.log1p(age / 86_400.0)


def _same_source(by: Weights, entry: WeightedText, comparison: Comparison, seconds: float) -> float:
    return (
        (by.same_source if seconds < 3600.0 else by.reported_before)
        + by.recurring * entry.recurring
        + by.template * max(0.0, entry.template - MIN_TEMPLATE) * (1.0 - comparison.fresh)
        + (by.same_poll if seconds == 0.0 else 0.0)
    )


def _log(similarity: float) -> float:
    return math.log(max(similarity, MIN_SIMILARITY))


def probability(log_odds: float) -> float:
    """Return the probability that an entry with these log-odds is of the story's event."""
    intercept, slope = CALIBRATION
    return 1.0 / (1.0 + math.exp(-intercept - slope * log_odds))
