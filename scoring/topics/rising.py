"""Find the terms that rise: what sources write about more than they usually do.

Knows how likely a rise is to continue, and which terms a page shows. Everything is a function of the entries that had
arrived by a given moment. Leaves the headlines to `headline_index`, signals to `signals`, names to `phrases`, storage
to `store.topics`, and the measure to `evaluation.topics`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.model import Topic
from scoring.language.terms import term as stem
from scoring.ranking.trend import burst
from scoring.relevance.explanation import sigmoid
from scoring.topics.headline_index import PAIR
from scoring.topics.phrases import TRAILING, is_distinctive, is_fragment, is_generic, is_name, name_of
from scoring.topics.signals import OFFSET, WEIGHTS, Moment

MIN_ENTRIES = 3
MIN_SOURCES = 3
MIN_BURST = 2.0
"""Minimum for a topic on a page. It is lower than `RISE_ENTRIES` and `RISE_SOURCES`, which small sites never reach."""

# Observed: one study makes "earlier", "lowest" or "areas" rise, and a few unrelated headlines "box", "limits" or
# "job". They mean nothing to a reader. "protests", "curfew" and "statue" do, and rise more.
# Rule: a term that headlines do not write with a capital needs WORD_BURST. A single word that is not written so, or is
# an ordinary one ("Perplexity Computer" makes "Computer" rise), needs WORD_ENTRIES and WORD_SOURCES.
# Known error: Meta's "Threads" needs them, too.
WORD_BURST = 3.0
WORD_ENTRIES = 8
WORD_SOURCES = 6


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
    if not moment.has_history:
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


NAME_ODDS = 0.2
"""Log-odds that a name is preferred by: names go on as often as words of the same counts, and say more to a reader.
From 0 to .3 the measure of `evaluation.topics` moves by less than .01."""

SAME_TOPIC = 0.9
"""Share of the smaller one's entries from which two terms are one topic: "Lea", "Michele" and "Lea Michele"."""

SAME_TOPIC_OF_WORDS = 0.7
"""The same for two words that are no names: "rare" and "spread" of one report; and for two phrases with two words in
common: "Docs, Sheets, Slides" and "Sheets, Slides, and Drive"."""

SAME_NAME = 0.5
"""The same, where the words of one name are among those of the other: "Biden" and "Joe Biden"."""

MAX_SOURCE_SHARE = 0.85
"""Share of the entries of one source from which a term is a column or a serial of it, and no topic."""

MAX_TERMS_CONSIDERED = 300
"""Number of likeliest terms that are considered for a list."""


@dataclass(frozen=True, slots=True)
class Named:
    """A rising term with the phrase that people write for it."""

    rising: Rising
    phrase: tuple[str, ...]
    name: str
    entries: frozenset[int]
    """Numbers of its entries of the last 24 hours."""
    is_written_as_name: bool

    @property
    def is_word(self) -> bool:
        """Whether it is a single word that is no name."""
        return len(self.phrase) == 1 and not self.is_written_as_name

    def repeats(self, other: Named) -> bool:
        """Return whether both are one topic: mostly the same entries, or one name in two lengths."""
        least = min(len(self.entries), len(other.entries))
        shared = len(self.entries & other.entries)
        ours, theirs = _stems(self.phrase), _stems(other.phrase)
        same = SAME_TOPIC_OF_WORDS if self.is_word and other.is_word else SAME_TOPIC
        if ours == theirs or shared >= same * least:
            return True
        if len(ours & theirs) > 1 and shared >= SAME_TOPIC_OF_WORDS * least:
            return True
        return (ours <= theirs or theirs <= ours) and shared >= SAME_NAME * least


def _stems(phrase: Sequence[str]) -> frozenset[str]:
    return frozenset(stem(word) or word for word in phrase)


def rising(moment: Moment, limit: int = 10) -> list[Named]:
    """Return the topics that rise, likeliest first: one term for each, with its name.

    Left out are terms that one of these holds for: it repeats one above it; it names nothing, alone or as a part of
    something longer; nearly all of its entries are of one source; it has too few sources or too small a burst.
    """
    chosen: list[Named] = []
    for named, _ in sorted(_candidates(moment), key=lambda row: (-row[1], row[0].rising.term)):
        if len(chosen) == limit:
            break
        if not any(named.repeats(other) for other in chosen):
            chosen.append(named)
    return chosen


def _candidates(moment: Moment) -> Iterator[tuple[Named, float]]:
    """Yield the terms that a page may show, with the log-odds that order them."""
    for log_odds, term in ranked(moment)[:MAX_TERMS_CONSIDERED]:
        described = describe(moment, term, log_odds)
        if described.sources < MIN_SOURCES or described.burst < MIN_BURST or is_generic(term):
            continue
        recent = moment.recent(moment.headlines.numbers(term))
        if moment.headlines.largest_source(recent) > MAX_SOURCE_SHARE:
            continue
        titles = [moment.headlines.title(number) for number in recent]
        is_written_as_name = is_name(term, titles)
        phrase, name = name_of(term, titles, is_written_as_name)
        if described.burst < WORD_BURST and not is_written_as_name:
            continue
        is_plain_word = len(phrase) == 1 and not (is_written_as_name and is_distinctive(phrase[0]))
        if is_plain_word and (described.entries < WORD_ENTRIES or described.sources < WORD_SOURCES):
            continue
        if phrase[-1] in TRAILING or is_generic(PAIR.join(phrase)) or is_fragment(phrase):
            continue
        named = Named(described, phrase, name, frozenset(recent), is_written_as_name)
        yield named, log_odds + NAME_ODDS * is_written_as_name


def topics(moment: Moment, at: datetime, limit: int = 10) -> list[tuple[Topic, list[int]]]:
    """Return what `rising` finds as pages show it, each with its entries of the last eight days, oldest first."""
    listed: list[tuple[Topic, list[int]]] = []
    for position, named in enumerate(rising(moment, limit), start=1):
        numbers = moment.headlines.numbers(named.rising.term)
        recent = numbers[bisect_left(numbers, moment.begin) : bisect_left(numbers, moment.end)]
        topic = Topic(
            slug="-".join(named.phrase),
            name=named.name,
            position=position,
            chance=named.rising.chance,
            burst=named.rising.burst,
            entries=named.rising.entries,
            sources=named.rising.sources,
            usual_per_day=named.rising.usual_per_day,
            updated_at=at,
        )
        listed.append((topic, [moment.headlines.entry_id(number) for number in recent]))
    return listed
