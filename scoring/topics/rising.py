"""Find the terms that rise: what sources write about more than they usually do.

Knows how likely a rise goes on, and which terms a page shows. Everything is a function of the entries that had arrived
by the moment asked about. Leaves the headlines to `headline_index`, signals to `signals`, names to `phrases`, keeping
to `store.topics`, and the measure to `evaluation.topics`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.model import Topic
from scoring.language.terms import term as stem
from scoring.ranking.trend import burst
from scoring.relevance.explanation import sigmoid
from scoring.topics.headline_index import PAIR
from scoring.topics.phrases import is_generic, is_name, name_of
from scoring.topics.signals import OFFSET, WEIGHTS, Moment

MIN_ENTRIES = 3
MIN_SOURCES = 3
MIN_BURST = 2.0
"""Minimum for a topic on a page. It is lower than `RISE_ENTRIES` and `RISE_SOURCES`, which small sites never reach."""

# Observed: one study makes "earlier", "lowest" or "areas" rise. They mark a story but mean nothing to a
# reader. "protests", "curfew" and "statue" do, and rise more.
# Rule: a term that headlines do not write with a capital needs WORD_BURST.
WORD_BURST = 3.0


@dataclass(frozen=True, slots=True)
class Rising:
    """A term, with its last 24 hours compared to the usual."""

    term: str
    chance: float
    """Probability that the next 24 hours bring a rise."""
    burst: float
    entries: int
    sources: int
    usual_per_day: float


def ranked(moment: Moment, weights: Sequence[float] = WEIGHTS, offset: float = OFFSET) -> list[tuple[float, str]]:
    """Return the terms of the last 24 hours with the log-odds that a rise follows, likeliest first."""
    if not moment.known:
        return []
    results = [
        (offset + math.fsum(w * s for w, s in zip(weights, moment.signals(t, numbers), strict=True)), t)
        for t, numbers in moment.headlines.terms(moment.day, moment.end, MIN_ENTRIES)
    ]
    return sorted(results, key=lambda row: (-row[0], row[1]))


def describe(moment: Moment, term: str, log_odds: float) -> Rising:
    """Return a term with its numbers."""
    numbers = moment.headlines.numbers(term)
    recent = moment.recent(numbers)
    usual = moment.usual(numbers) * moment.entries
    return Rising(
        term=term,
        chance=sigmoid(log_odds),
        burst=burst(len(recent), max(usual, 0.5)),
        entries=len(recent),
        sources=len(moment.headlines.voices(recent)),
        usual_per_day=usual,
    )


SAME_TOPIC = 0.9
"""Share of the smaller one's entries from which two terms are one topic: "Lea", "Michele" and "Lea Michele"."""

MAX_TERMS_CONSIDERED = 300
"""Number of likeliest terms that are considered for a list."""


def rising(moment: Moment, limit: int = 10) -> list[Rising]:
    """Return the topics that rise, likeliest first: one term for each.

    A term whose entries are mostly those of one above it, or that differs from it only in its endings, is the same
    topic and is left out.
    """
    chosen: list[tuple[Rising, frozenset[int]]] = []
    stems: set[frozenset[str]] = set()
    for log_odds, term in ranked(moment)[:MAX_TERMS_CONSIDERED]:
        if len(chosen) == limit:
            break
        one = describe(moment, term, log_odds)
        if one.sources < MIN_SOURCES or one.burst < MIN_BURST or is_generic(term):
            continue
        recent = moment.recent(moment.headlines.numbers(term))
        stemmed = frozenset(stem(word) for word in term.split(PAIR))
        if stemmed in stems:
            continue
        if one.burst < WORD_BURST and not is_name(term, [moment.headlines.title(number) for number in recent]):
            continue
        headlines = frozenset(recent)
        if all(len(headlines & other) < SAME_TOPIC * min(len(headlines), len(other)) for _, other in chosen):
            chosen.append((one, headlines))
            stems.add(stemmed)
    return [one for one, _ in chosen]


def topics(moment: Moment, at: datetime, limit: int = 10) -> list[tuple[Topic, list[int]]]:
    """Return what `rising` finds as pages show it, each with its entries of the last eight days, oldest first."""
    by_slug: dict[str, tuple[Topic, list[int]]] = {}
    for candidate in rising(moment, limit):
        numbers = moment.headlines.numbers(candidate.term)
        titles = [moment.headlines.title(number) for number in moment.recent(numbers)]
        phrase, name = name_of(candidate.term, titles)
        slug = "-".join(phrase)
        if slug in by_slug:
            continue
        recent = numbers[bisect_left(numbers, moment.begin) : bisect_left(numbers, moment.end)]
        topic = Topic(
            slug=slug,
            name=name,
            position=len(by_slug) + 1,
            chance=candidate.chance,
            burst=candidate.burst,
            entries=candidate.entries,
            sources=candidate.sources,
            usual_per_day=candidate.usual_per_day,
            updated_at=at,
        )
        by_slug[slug] = (topic, [moment.headlines.entry_id(number) for number in recent])
    return list(by_slug.values())
