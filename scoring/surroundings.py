"""Know what else arrived lately: how much others speak of the same things, and what is new.

A fold over arrivals in their order: `look` says what surrounds a title at a moment, `add` puts an
entry in. Holds words and counts of the last days, no text. Leaves which entries are one story to
`stories`, and what any of this is worth to `relevance`.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass
from functools import lru_cache

from aggregator.text import words

NEAR_S = 48 * 3600.0
"""How far back others' titles are compared, in seconds: what is older is another news day."""

USUAL_DAYS = 14
"""Over how many UTC days the usual share of a word is taken; a week holds too few of the rarer ones."""

POSTINGS = 200
"""Of how many titles of the last `NEAR_S` that hold a word the newest are compared.

It bounds the time of a look; what is cut off are words that say little.
"""

LEAST_COSINE = 0.1
"""Titles less alike share a name by chance."""


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a title when it arrives; all of it 0 where nothing is known."""

    near: float = 0.0
    """Sum over other sources of the squared cosine of their most similar title: soft coverage."""
    touched: float = 0.0
    """Sum of these cosines themselves: how much is said of the same things."""
    best: float = 0.0
    """The largest of them."""
    burst: float = 0.0
    """How far its three most bursting words are above their usual share, in standard deviations."""
    talk: float = 0.0
    """ln(1 + other sources that used a word lately), mean over the three words of which most did
    although they are seldom."""
    novelty: float = 0.0
    """Share of the title, by idf, that no title of the last days held."""

    def with_more(self, later: Around) -> Around:
        """Return what is known once another entry of the story, that saw *later*, has joined.

        Attention only grows; how new it was is settled at first sight.
        """
        return Around(
            max(self.near, later.near),
            max(self.touched, later.touched),
            max(self.best, later.best),
            max(self.burst, later.burst),
            max(self.talk, later.talk),
            self.novelty,
        )


NOTHING = Around()


@dataclass(slots=True)
class _Title:
    at: float
    source: str
    norm: float


class Surroundings:
    """The titles of the last days, by word."""

    def __init__(self) -> None:
        self._usual: Counter[str] = Counter()
        self._days: deque[tuple[int, Counter[str]]] = deque()
        self._titles = 0
        self._day_titles: Counter[int] = Counter()
        self._postings: dict[str, deque[_Title]] = {}
        self._recent: deque[float] = deque()
        self._day = 0

    def advance(self, at: float) -> None:
        """Forget what is too old at *at*, in seconds since 1970; moments only grow."""
        self._day = int(at // 86_400)
        while self._days and self._days[0][0] <= self._day - USUAL_DAYS:
            day, counts = self._days.popleft()
            self._usual.subtract(counts)
            self._titles -= self._day_titles.pop(day)
            self._usual += Counter()
            for word in counts:
                held = self._postings.get(word)
                if held is not None and held[-1].at < at - NEAR_S:
                    del self._postings[word]
        while self._recent and self._recent[0] < at - NEAR_S:
            self._recent.popleft()

    def add(self, title: str, source: str, at: float) -> None:
        """Put in a title of *source* that arrived at *at*."""
        found = _words(title)
        if not self._days or self._days[-1][0] != self._day:
            self._days.append((self._day, Counter()))
        today = self._days[-1][1]
        kept = _Title(at, source, self._norm(found))
        for word in found:
            today[word] += 1
            self._usual[word] += 1
            held = self._postings.get(word)
            if held is None:
                held = self._postings[word] = deque(maxlen=POSTINGS)
            held.append(kept)
        self._titles += 1
        self._day_titles[self._day] += 1
        self._recent.append(at)

    def take(self, title: str, source: str, at: float) -> Around:
        """Put in a title that arrives now, and return what it found."""
        self.advance(at)
        around = self.look(title, source, at)
        self.add(title, source, at)
        return around

    def look(self, title: str, source: str, at: float) -> Around:
        """Return what surrounds *title*; titles of *source* itself say nothing of others' interest.

        Titles are compared by the cosine over their words, weighted by

            idf(word) = ln((1 + N) / (1 + n)) + 1

        with N titles of the last `USUAL_DAYS` days of which n hold the word. A word's burst is
        (k - m) / sqrt(m + 1): k other sources used it within `NEAR_S`, m titles were due.
        """
        found = _words(title)
        if not found or not self._titles:
            return NOTHING
        norm = self._norm(found)
        total = self._titles
        cosines: dict[int, float] = {}
        titles: dict[int, _Title] = {}
        bursts: list[float] = []
        talks: list[float] = []
        unheard = all_idf = 0.0
        earliest = at - NEAR_S
        for word in found:
            usual = self._usual[word]
            idf = math.log((1 + total) / (1 + usual)) + 1.0
            all_idf += idf
            if not usual:
                unheard += idf
                continue
            held = self._postings.get(word)
            sources = set()
            if held is not None:
                add = idf * idf
                for other in reversed(held):
                    if other.at < earliest:
                        break
                    if other.source != source:
                        sources.add(other.source)
                        key = id(other)
                        if key in cosines:
                            cosines[key] += add / other.norm
                        else:
                            cosines[key] = add / other.norm
                            titles[key] = other
            due = usual / total * len(self._recent)
            bursts.append((len(sources) - due) / math.sqrt(due + 1.0))
            if usual <= 0.02 * total + 1:
                talks.append(float(len(sources)))
        best: dict[str, float] = {}
        for key, value in cosines.items():
            cosine = value / norm
            name = titles[key].source
            if cosine > LEAST_COSINE and cosine > best.get(name, 0.0):
                best[name] = min(cosine, 1.0)
        alike = sorted(best.values())
        return Around(
            near=math.fsum(c * c for c in alike),
            touched=math.fsum(alike),
            best=alike[-1] if alike else 0.0,
            burst=sum(max(0.0, b) for b in sorted(bursts, reverse=True)[:3]) / 3,
            talk=sum(math.log1p(t) for t in sorted(talks, reverse=True)[:3]) / 3,
            novelty=unheard / all_idf,
        )

    def _norm(self, found: tuple[str, ...]) -> float:
        total = self._titles
        return math.sqrt(sum((math.log((1 + total) / (1 + self._usual[word])) + 1.0) ** 2 for word in found)) or 1.0


@lru_cache(maxsize=2_000)
def _words(title: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words(title)))
