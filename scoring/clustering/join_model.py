"""The log-odds that an entry reports the event of a story: one entry against one story, and nothing remembered.

    JoinModel.base(...)    what counts for every story alike
    JoinModel.odds(...)    what speaks for and against this one

What is compared is in `comparison`; the weights, with their units, are in `weights`.
"""

from __future__ import annotations

import math

from msgspec import Struct

from scoring.clustering.comparison import MIN_SHARED_WORDS, Comparison
from scoring.clustering.weighed_text import WeighedText
from scoring.clustering.weights import CALIBRATION, Weights

MIN_SIMILARITY = 0.01
"""Below it the logarithm of a similarity says nothing more."""

MAX_SHARED_IDF = 60.0

MAX_NAMED_IDF = 20.0
"""Two or three names say which event it is; in German, every noun looks like one."""

MIN_SERIES_TEMPLATE = 0.4
"""From that share on, a text of a source that reported the story is one of a series: jobs, warnings, advisories."""

MIN_MARGIN = -0.1
"""A story that is farther behind the nearest one loses no more: the words may know better."""

MIN_TEMPLATE = 0.2
"""Share of a text that may stand in earlier wording of its source: reports of one event have names in common."""


class Candidate(Struct, frozen=True, gc=False):
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
    rare_name: float
    """How rare the rarest shared name is among the open stories; see `OpenStories.rarest`."""
    source_seconds: float | None
    """Since the entry's source last reported it; None where it did not."""


class Stream(Struct, frozen=True, gc=False):
    """What is known of the stream as a whole."""

    open_stories: int
    joining: float
    """Log-odds that an entry joins a story, of the latest ones."""


class Meaning(Struct, frozen=True, gc=False):
    """How near an entry is to a story in meaning."""

    cosine: float | None
    """As `nearest_meaning` gives it."""
    others: float
    """Cosine of the nearest other open story."""
    same_source: bool
    """Whether the entry's source has reported the story."""


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
            # Bounded: two long summaries share many words without being of one event. IDF sums are in tens, so that
            # weights are of the same size as those of shares and cosines.
            + by.shared * min(comparison.shared, MAX_SHARED_IDF) / 10.0
            + by.size * math.log(story.entries)
            + (by.figures if comparison.figures else 0.0)
            # Only where fewer than half of the entries join: in a stream of one topic, few shared words are enough.
            + by.few * max(0.0, MIN_SHARED_WORDS - comparison.words) * max(0.0, -stream.joining)
            + self.time(story.waited, story.gap, story.age)
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
            + by.same_terms * math.log1p(story.same_terms)
            + (0.0 if story.source_seconds is None else self._same_source(entry, comparison, story.source_seconds))
        )

    def with_meaning(
        self, odds: float, entry: WeighedText, comparison: Comparison, meaning: Meaning, stream: Stream
    ) -> float:
        """Return the log-odds of the words and of the meaning together; those of the words where that is not known.

        odds: `base` and `odds` together
        """
        # Without an encoder, or for an entry that it has not read, the model of words stands as it was fitted alone.
        if meaning.cosine is None:
            return odds
        by = self._weights
        together = (
            by.meaning_intercept
            + by.meaning * meaning.cosine
            + by.meaning_margin * max(MIN_MARGIN, meaning.cosine - meaning.others)
            + by.meaning_words * odds
            + by.meaning_joins * stream.joining
        )
        # An encoder hardly sees numbers: "Release notes: version 1.0.2" and "8.1.5" are one direction. So is what a
        # source writes in one wording: "Quillbox: Backend Engineer", "Quillbox: Product Designer".
        series = meaning.same_source and entry.template > MIN_SERIES_TEMPLATE
        others = comparison.versions_differ or comparison.dates_differ or comparison.reissued
        return min(odds, together) if series or others else together

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
