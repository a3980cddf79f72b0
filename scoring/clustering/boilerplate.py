"""Know what each source writes in entry after entry, so that it does not count as news.

Headlines   terms of a source's headlines of the last days: what stands in many of them, and columns
Templates   runs of words of its latest entries: wording that stands in another entry already, from the second on
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter

from scoring.language.analysed_text import SHINGLE_WORDS, AnalysedText
from scoring.language.terms import Vocabulary, term

# Observed: "... - The KXAN 36 News" behind every headline of one source; "lowest-ever price at Amazon" five times a
# day; puzzle hints with another date each day; "Show HN". Such words are rare in the whole stream, so their IDF is
# high, and entries of that source gather around them.
# Rule: the headlines of each source's last days are kept. A term that stands in k of n tells no more than
# ln((n + 1) / (k + 0.5)) + MARGIN there. A headline of which most stood in another on each of two earlier days is
# a column. What came on the same day is not looked at, so a source that writes all day about one event does not
# make its name worthless.
# Known to be wrong: a source that writes of one company only; a story of a week in a source that writes little else.
MAX_HEADLINES = 200
MIN_HEADLINES = 8
MARGIN = 1.5
DAYS = 8

Headline = tuple[int, tuple[str, ...]]
"""Day, and terms."""


class Headlines:
    """The latest headlines of each source, as terms."""

    def __init__(self) -> None:
        self._by_source: dict[str, deque[Headline]] = {}

    def state(self) -> dict[str, list[Headline]]:
        """Return the headlines by source, for `restore`."""
        return {source_id: list(latest) for source_id, latest in self._by_source.items()}

    def restore(self, state: Mapping[str, Sequence[Headline]], vocabulary: Vocabulary) -> None:
        """Replace all headlines with those of *state*."""
        self._by_source = {
            vocabulary[source_id]: deque((day, tuple([vocabulary[term] for term in title])) for day, title in latest)
            for source_id, latest in state.items()
        }

    def add(self, source_id: str, title: tuple[str, ...], at: float) -> None:
        """Put in a headline that arrived at *at*, in seconds since 1970; moments of one source never go back."""
        if not source_id:
            return
        day = int(at // 86_400)
        latest = self._by_source.get(source_id)
        if latest is None:
            latest = self._by_source[source_id] = deque()
        while latest and (latest[0][0] <= day - DAYS or len(latest) >= MAX_HEADLINES):
            latest.popleft()
        latest.append((day, title))

    def of(self, source_id: str, at: float) -> list[Headline]:
        """Return day and terms of the headlines that a source had on earlier days, the oldest first."""
        day = int(at // 86_400)
        latest = list(self._by_source.get(source_id, ()))
        return latest[bisect_right(latest, day - DAYS, key=_day) : bisect_left(latest, day, key=_day)]


_day = itemgetter(0)


def damped(idf: Mapping[str, float], headlines: Sequence[Headline]) -> Mapping[str, float]:
    """Return the weights of an entry's terms, those lowered that its source writes anyway."""
    n = len(headlines)
    if n < MIN_HEADLINES:
        return idf
    counts = Counter(chain.from_iterable(map(frozenset(idf).intersection, [title for _, title in headlines])))
    limits = {key: math.log((n + 1) / (k + 0.5)) + MARGIN for key, k in counts.items()}
    return {key: min(weight, limits.get(key, weight)) for key, weight in idf.items()}


def column(title: Mapping[str, float], headlines: Sequence[Headline]) -> float:
    """Return the share of a headline's weight that stood in one headline of its source on each of two earlier days."""
    total = sum(title.values())
    by_day: dict[int, float] = {}
    shared = map(frozenset(title).intersection, [other for _, other in headlines])
    for (day, _), both in zip(headlines, shared, strict=True):
        if both:
            by_day[day] = max(by_day.get(day, 0.0), math.fsum(title[key] for key in both))
    return sorted(by_day.values())[-2] / total if len(by_day) > 1 else 0.0


# Observed: advisories, job offers and weather warnings have one text with other names in it, and "Article URL: ...
# Points: ..." stands beneath every post. On a new site there are no earlier days to learn that from.
# Rule: words inside a run of three that stands in one of the source's latest entries already are its template, where
# not the whole headline does. They count against joining a story that the source is in.
# A summary that stands there whole and has MIN_REPRINT_WORDS is a reprint of that entry, and no template.
# Known to be wrong: a source that follows one event in fixed wording, hour by hour.
MAX_SHINGLES = 256
"""Of a source: about six entries with a summary, or thirty headlines."""

MIN_REPRINT_WORDS = 12


class Templates:
    """The runs of words in the latest entries of each source."""

    def __init__(self) -> None:
        self._by_source: dict[str, dict[int, None]] = {}

    def state(self) -> dict[str, list[int]]:
        """Return the runs of words by source, for `restore`."""
        return {source_id: list(shingles) for source_id, shingles in self._by_source.items()}

    def restore(self, state: Mapping[str, Sequence[int]], vocabulary: Vocabulary) -> None:
        """Replace all runs of words with those of *state*."""
        self._by_source = {vocabulary[source_id]: dict.fromkeys(shingles) for source_id, shingles in state.items()}

    def add(self, text: AnalysedText) -> None:
        """Remember the wording of an entry; what was seen longest ago is forgotten."""
        if not text.source_id:
            return
        known = self._by_source.setdefault(text.source_id, {})
        for shingle in (*text.title_shingles, *text.summary_shingles):
            known.pop(shingle, None)
            known[shingle] = None
        for shingle in list(known)[: max(0, len(known) - MAX_SHINGLES)]:
            del known[shingle]

    def terms(self, text: AnalysedText) -> frozenset[str]:
        """Return the terms of an entry that stand nowhere but in wording which its source used before."""
        known = self._by_source.get(text.source_id)
        if not known or not text.source_id:
            return _NOTHING
        title, title_whole = _inside(text.title_words, text.title_shingles, known)
        summary, summary_whole = _inside(text.summary_words, text.summary_shingles, known)
        if title_whole:
            title = _NOTHING
        if summary_whole and len(text.summary_words) >= MIN_REPRINT_WORDS:
            summary = _NOTHING
        return title | (summary - frozenset(text.title)) if title or summary else _NOTHING


_NOTHING: frozenset[str] = frozenset()


def _inside(words: Sequence[str], shingles: Sequence[int], known: Mapping[int, None]) -> tuple[frozenset[str], bool]:
    """Return the terms that only stand inside known runs, and whether all words do."""
    inside = [False] * len(words)
    for i, shingle in enumerate(shingles):
        if shingle in known:
            inside[i : i + SHINGLE_WORDS] = [True] * SHINGLE_WORDS
    if not any(inside):
        return _NOTHING, False
    terms = frozenset([term(word) for word, hit in zip(words, inside, strict=True) if hit])
    outside = [term(word) for word, hit in zip(words, inside, strict=True) if not hit]
    return terms.difference(outside, ("",)), not outside
