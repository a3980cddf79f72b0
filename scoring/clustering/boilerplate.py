"""Learn the wording that a source repeats, so that it does not count as evidence.

Headlines   terms of a source's headlines of the last days: words that many of them contain, columns, and pieces that
            it publishes again under another headline
Templates   runs of words of its latest entries: wording that another entry already has, from the second entry on
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import TypeVar

from scoring.language.analysed_text import SHINGLE_WORDS, AnalysedText, shingles
from scoring.language.terms import term

# Observed: "... - The KXAN 36 News" behind every headline of one source; "lowest-ever price at Amazon" five times a
# day; puzzle hints with another date each day; "Show HN". Such words are rare in the whole stream, so their IDF is
# high, and entries of that source cluster around them.
# Rule: the headlines of each source's last days are kept. The weight of a term that k of n contain is at most
# ln((n + 1) / (k + 0.5)) + MARGIN for that source. A headline is a column if most of it was in another headline on each
# of two earlier days. Headlines of the same day are ignored, so a source that writes all day about one event does not
# devalue its name.
# Known to be wrong: a source about one company only; a week-long story in a source that publishes little else.
MAX_HEADLINES = 200
MIN_HEADLINES = 8
MARGIN = 1.5
DAYS = 8

# Observed: a newsroom corrects, tests or refreshes a headline, and publishes the piece as a new entry with the same
# summary. In AI press, all 44 such pairs that were read have two words of their headlines in common. Some sources put
# one constant summary below all entries.
# Rule: an entry with the summary of one or two earlier entries of its source is the same piece, if its headline has
# MIN_REPUBLISHED_TERMS in common with each of theirs. Headlines of a recurring kind are not. A summary is constant if
# one of its headlines has no word of the entry's.
# Known to be wrong: the first two entries above a constant summary, if their headlines have two words in common.
MAX_REPUBLISHED = 2
"""A summary that was published more often may be constant."""
MIN_REPUBLISHED_TERMS = 2

_Key = TypeVar("_Key", str, int)

Headline = tuple[int, tuple[str, ...], int]
"""Day, terms, and the hash of the summary below it."""


class _SourceHeadlines:
    """The latest headlines of one source, numbered in order of arrival, with an index of their terms."""

    __slots__ = ("first", "headlines", "numbers", "numbers_of_summary")

    def __init__(self) -> None:
        self.headlines: deque[Headline] = deque()
        self.first = 0
        """Number of the oldest headline."""
        self.numbers: dict[str, list[int]] = {}
        """By term the numbers of the headlines that contain it, ascending."""
        self.numbers_of_summary: dict[int, list[int]] = {}
        """By the hash of a summary the numbers of the headlines above it, ascending."""

    def append(self, headline: Headline) -> None:
        number = self.first + len(self.headlines)
        self.headlines.append(headline)
        for key in frozenset(headline[1]):
            self.numbers.setdefault(key, []).append(number)
        if headline[2]:
            self.numbers_of_summary.setdefault(headline[2], []).append(number)

    def remove_oldest(self) -> None:
        _, title, summary_hash = self.headlines.popleft()
        self.first += 1
        for key in frozenset(title):
            _remove_first(self.numbers, key)
        if summary_hash:
            _remove_first(self.numbers_of_summary, summary_hash)

    def above(self, summary_hash: int) -> list[tuple[str, ...]]:
        """Return the terms of the headlines above a summary, the oldest first."""
        return [self.headlines[number - self.first][1] for number in self.numbers_of_summary.get(summary_hash, ())]


def _remove_first(numbers: dict[_Key, list[int]], key: _Key) -> None:
    of_key = numbers[key]
    del of_key[0]
    if not of_key:
        del numbers[key]


class EarlierHeadlines:
    """The headlines of a source on earlier days: a view, valid until the source's next headline."""

    __slots__ = ("_end", "_source", "_start")

    def __init__(self, headlines: Iterable[Headline] = ()) -> None:
        self._source = _SourceHeadlines()
        for headline in headlines:
            self._source.append(headline)
        self._start, self._end = 0, len(self._source.headlines)

    @classmethod
    def before(cls, day: int, source: _SourceHeadlines) -> EarlierHeadlines:
        """Return the headlines of the `DAYS` before *day*."""
        view = cls.__new__(cls)
        view._source = source
        view._start = source.first + bisect_right(source.headlines, day - DAYS, key=_day)
        view._end = source.first + bisect_left(source.headlines, day, key=_day)
        return view

    def __len__(self) -> int:
        return self._end - self._start

    def __iter__(self) -> Iterator[Headline]:
        return islice(self._source.headlines, self._start - self._source.first, self._end - self._source.first)

    def with_term(self, term: str) -> Sequence[int]:
        """Return the numbers of the headlines that contain a term."""
        numbers = self._source.numbers.get(term)
        if numbers is None:
            return ()
        return numbers[bisect_left(numbers, self._start) : bisect_left(numbers, self._end)]

    def day(self, number: int) -> int:
        """Return the day of a headline."""
        return self._source.headlines[number - self._source.first][0]


NO_HEADLINES = EarlierHeadlines()


class Headlines:
    """The latest headlines of each source, as terms."""

    def __init__(self) -> None:
        self._by_source: dict[str, _SourceHeadlines] = {}

    def state(self) -> dict[str, list[Headline]]:
        """Return the headlines by source, for `restore`."""
        return {source_id: list(source.headlines) for source_id, source in self._by_source.items()}

    def restore(self, state: Mapping[str, Sequence[Headline]]) -> None:
        """Replace all headlines with those of *state*."""
        self._by_source = {}
        for source_id, headlines in state.items():
            source = self._by_source[source_id] = _SourceHeadlines()
            for headline in headlines:
                source.append(headline)

    def add(self, source_id: str, title: tuple[str, ...], at: float, summary_hash: int = 0) -> None:
        """Add a headline that arrived at *at*, in seconds since 1970, not before the source's last one."""
        if not source_id:
            return
        day = int(at // 86_400)
        source = self._by_source.get(source_id)
        if source is None:
            source = self._by_source[source_id] = _SourceHeadlines()
        headlines = source.headlines
        while headlines and (headlines[0][0] <= day - DAYS or len(headlines) >= MAX_HEADLINES):
            source.remove_oldest()
        source.append((day, title, summary_hash))

    def advance(self, day: int) -> None:
        """Remove the sources whose headlines are all too old on *day*: sources come and go over the years."""
        self._by_source = {
            source_id: source for source_id, source in self._by_source.items() if source.headlines[-1][0] > day - DAYS
        }

    def of(self, source_id: str, at: float) -> EarlierHeadlines:
        """Return the headlines of a source on earlier days, the oldest first."""
        source = self._by_source.get(source_id)
        return NO_HEADLINES if source is None else EarlierHeadlines.before(int(at // 86_400), source)

    def republishes(self, text: AnalysedText) -> bool:
        """Return whether an entry is a piece that its source has already published under another headline."""
        shared = self._shared_terms(text)
        return 0 < len(shared) <= MAX_REPUBLISHED and min(shared) >= MIN_REPUBLISHED_TERMS and not text.stock

    def has_constant_summary(self, text: AnalysedText) -> bool:
        """Return whether a source has the summary of an entry under a headline that has no word of the entry's."""
        return 0 in self._shared_terms(text)

    def _shared_terms(self, text: AnalysedText) -> list[int]:
        """Return how many terms an entry's headline shares with each earlier one of its source with its summary."""
        source = self._by_source.get(text.source_id) if text.summary_hash else None
        if source is None:
            return []
        own = frozenset(text.title)
        return [len(own.intersection(title)) for title in source.above(text.summary_hash)]


_day = itemgetter(0)


def damped(idf: Mapping[str, float], headlines: EarlierHeadlines) -> Mapping[str, float]:
    """Return the weights of an entry's terms, lowered for those that its source often uses."""
    n = len(headlines)
    if n < MIN_HEADLINES:
        return idf
    weights = dict(idf)
    for key, weight in idf.items():
        if k := len(headlines.with_term(key)):
            weights[key] = min(weight, math.log((n + 1) / (k + 0.5)) + MARGIN)
    return weights


def column(title: Mapping[str, float], headlines: EarlierHeadlines) -> float:
    """Return the share of a headline's weight that one headline of its source had on each of two earlier days."""
    total = sum(title.values())
    shared: dict[int, list[float]] = {}
    for key, weight in title.items():
        for number in headlines.with_term(key):
            shared.setdefault(number, []).append(weight)
    by_day: dict[int, float] = {}
    for number, weights in shared.items():
        day = headlines.day(number)
        by_day[day] = max(by_day.get(day, 0.0), math.fsum(weights))
    return sorted(by_day.values())[-2] / total if len(by_day) > 1 else 0.0


# Observed: advisories, job offers and weather warnings are one text with different names in it, and "Article URL: ...
# Points: ..." is beneath every post. A new site has no earlier days to learn that from.
# Rule: words inside a run of three that one of the source's latest entries already contains are its template, unless
# the whole headline is. They count against joining a story that the source is in. A summary that is contained as a
# whole and has MIN_REPRINT_WORDS is a reprint of that entry, not a template, unless it is constant, or a form full of
# numbers, which runs of words leave out.
# Known to be wrong: a source that follows one event in fixed wording, hour by hour.
MAX_SHINGLES = 256
"""Per source: about six entries with a summary, or thirty headlines."""

MIN_REPRINT_WORDS = 12

MAX_REPRINT_NUMBERS = 0.25
"""Share of the words of a reprint that are numbers: "Filed: 2026-11-17 AccNo: 0001987654-26-000087" is a form."""

MAX_WAITING = 24
"""Entries of a source that are postponed at most: about 50 kB."""

TEMPLATE_DAYS = 30
"""A source that published nothing for so long starts again without a template."""


class Templates:
    """The runs of words in the latest entries of each source."""

    def __init__(self) -> None:
        self._by_source: dict[str, array[int]] = {}
        """In order of last use; arrays, because there may be thousands of sources: 1 kB each instead of 20."""
        self._waiting: dict[str, list[AnalysedText]] = {}
        """By source, entries whose runs are not added yet: see `add_later`."""
        self._last_day: dict[str, int] = {}
        """By source, the UTC day of its latest entry."""
        self._compared: tuple[AnalysedText, frozenset[int]] | None = None
        """The last entry that was compared with its source's runs, and those that it repeats: `terms` and then `add`
        need them. Valid until runs are added."""

    def state(self) -> dict[str, tuple[int, list[int]]]:
        """Return the runs of words by source, for `restore`."""
        self.flush()
        return {
            source_id: (self._last_day[source_id], list(shingles)) for source_id, shingles in self._by_source.items()
        }

    def restore(self, state: Mapping[str, tuple[int, Sequence[int]]]) -> None:
        """Replace all runs of words with those of *state*."""
        self._by_source = {source_id: array("I", runs) for source_id, (_, runs) in state.items()}
        self._last_day = {source_id: day for source_id, (day, _) in state.items()}
        self._compared = None

    def advance(self, day: int) -> None:
        """Remove the sources that published nothing for TEMPLATE_DAYS before *day*."""
        for source_id in [source for source, last in self._last_day.items() if last <= day - TEMPLATE_DAYS]:
            del self._by_source[source_id], self._last_day[source_id]
            self._waiting.pop(source_id, None)
        self._compared = None

    def add(self, text: AnalysedText) -> None:
        """Add the wording of an entry; the least recently seen runs are dropped."""
        if not text.source_id:
            return
        if text.source_id in self._waiting:
            self.add_later(text)
            return
        self._last_day[text.source_id] = int(text.arrived // 86_400)
        repeated = self._repeated(text)
        runs = self._by_source.get(text.source_id, array("I"))
        # Backwards, so that a run which is repeated in the text counts where it was last.
        latest = dict.fromkeys(reversed((*text.title_shingles, *text.summary_shingles)))
        if repeated:
            runs = array("I", [run for run in runs if run not in repeated])
        runs.extend(reversed(latest))
        self._by_source[text.source_id] = runs[-MAX_SHINGLES:]
        self._compared = None

    def add_later(self, text: AnalysedText) -> None:
        """Add the wording of an entry when it is next needed, with the same result as `add`.

        A rebuild adds a month of entries in a row. Only the latest few of each source matter then, so the runs of
        the others are never computed.
        """
        if not text.source_id:
            return
        self._by_source.setdefault(text.source_id, array("I"))
        self._last_day[text.source_id] = int(text.arrived // 86_400)
        waiting = self._waiting.setdefault(text.source_id, [])
        waiting.append(text)
        if len(waiting) >= MAX_WAITING:
            self._flush_source(text.source_id)

    def flush(self) -> None:
        """Add all postponed entries."""
        for source_id in list(self._waiting):
            self._flush_source(source_id)

    def _flush_source(self, source_id: str) -> None:
        """Add the postponed entries of a source, the latest first, until its template is full."""
        latest: dict[int, None] = {}
        for text in reversed(self._waiting.pop(source_id, ())):
            if len(latest) >= MAX_SHINGLES:
                break
            title = text.title_shingles or shingles(text.title_words)
            summary = text.summary_shingles or shingles(text.summary_words)
            latest.update(dict.fromkeys(reversed((*title, *summary))))
        earlier = self._by_source[source_id]
        self._compared = None
        latest.update(dict.fromkeys(reversed(earlier)))
        self._by_source[source_id] = array("I", reversed(list(latest)[:MAX_SHINGLES]))

    def terms(self, text: AnalysedText, *, constant_summary: bool = False) -> frozenset[str]:
        """Return the terms of an entry that occur only inside wording that its source has used before.

        constant_summary: whether its summary is under unrelated headlines of its source, too
        """
        if text.source_id in self._waiting:
            self._flush_source(text.source_id)
        repeated = self._repeated(text)
        if not repeated:
            return _NOTHING
        title, title_whole = _inside(text.title_words, text.title_shingles, repeated)
        summary, summary_whole = _inside(text.summary_words, text.summary_shingles, repeated)
        if title_whole:
            title = _NOTHING
        if summary_whole and not constant_summary and _may_be_reprint(text.summary_words):
            summary = _NOTHING
        if not constant_summary:
            # A word of a constant summary says nothing, even if the title has it; another one may be the event's name.
            summary -= frozenset(text.title)
        return title | summary

    def _repeated(self, text: AnalysedText) -> frozenset[int]:
        """Return the runs of an entry that are among those of its source."""
        if self._compared is None or self._compared[0] is not text:
            runs = self._by_source.get(text.source_id, ()) if text.source_id else ()
            own = frozenset((*text.title_shingles, *text.summary_shingles))
            self._compared = text, own.intersection(runs)
        return self._compared[1]


_NOTHING: frozenset[str] = frozenset()


def _may_be_reprint(tokens: Sequence[str]) -> bool:
    numbers = sum([word[0].isdigit() for word in tokens])
    return len(tokens) >= MIN_REPRINT_WORDS and numbers <= MAX_REPRINT_NUMBERS * len(tokens)


def _inside(tokens: Sequence[str], shingles: Sequence[int], repeated: frozenset[int]) -> tuple[frozenset[str], bool]:
    """Return the terms that occur only inside repeated runs, and whether all tokens do."""
    inside = [False] * len(tokens)
    for i, shingle in enumerate(shingles):
        if shingle in repeated:
            inside[i : i + SHINGLE_WORDS] = [True] * SHINGLE_WORDS
    if not any(inside):
        return _NOTHING, False
    terms = frozenset([term(word) for word, hit in zip(tokens, inside, strict=True) if hit])
    outside = [term(word) for word, hit in zip(tokens, inside, strict=True) if not hit]
    return terms.difference(outside, ("",)), not outside
