"""Measure the news context of a title: how much others report about the same subjects, and how new it is.

A fold over arrivals in their order: `observe` adds a title and returns its context, `add` only adds it. Keeps words
and counts of the last days, no text. Which entries are one story is decided in `clustering`.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from msgspec import Struct

from scoring.language.terms import words_of

NEAR_S = 48 * 3600.0
"""Titles of so many seconds are compared; older ones belong to another news day."""

USUAL_DAYS = 14
"""UTC days over which the usual share of a word is measured; a week has too few titles with the rarer ones."""

COMMON_SHARE = 0.08
MIN_COMMON_SIZE = 20
"""A word in a larger share of the titles, and in more than so many, is not compared: it only identifies the language.

AUC of the context of an item with its source, on the later 30 % of ai_press_2026_techmeme_dev and gnews_top_2020_dev,
by share: .02 .852 .629, .04 .854 .629, .08 .858 .630, .12 .859 .630; of all words .858 .629, at four times the cost.
"""

SELDOM_SHARE = 0.02
"""A word in a smaller share of the titles names a topic by itself, so its sources are counted as `talk`."""

POSTINGS = 50
"""So many of the newest titles that contain a word are compared, which bounds the time that a title takes.

With 25, 100, 200 and 400 the measures above are the same within .0003; fewer cannot show a burst.
"""

MAX_OWN_TITLES = 100
"""Titles counted of one source in a day, at most."""

MIN_COSINE = 0.1
"""Titles with a lower cosine have a name in common by chance."""


@dataclass(frozen=True, slots=True)
class TitleContext:
    """The news context of a title when it arrives; every value is 0 where nothing is known."""

    near: float = 0.0
    """Soft coverage: the sum over other sources of the squared cosine of their most similar title."""
    touched: float = 0.0
    """The sum of the cosines themselves."""
    best: float = 0.0
    """The largest cosine."""
    burst: float = 0.0
    """Standard deviations above the usual share, mean over the three words with the largest burst."""
    talk: float = 0.0
    """ln(1 + other sources that used it within `NEAR_S`), mean over the three rare words with the most sources."""
    novelty: float = 0.0
    """Share of the title, by IDF, that no title of the last days contains."""
    own_day: int = 0
    """Titles of the same source within the 24 h before, at most `MAX_OWN_TITLES`."""
    own_hour: int = 0
    """Titles of the same source within the hour before."""

    def with_more(self, later: TitleContext) -> TitleContext:
        """Return the context of a story after an entry with the context *later* joined it.

        Attention only grows. Novelty and the source's own titles stay those of the first entry.
        """
        return TitleContext(
            max(self.near, later.near),
            max(self.touched, later.touched),
            max(self.best, later.best),
            max(self.burst, later.burst),
            max(self.talk, later.talk),
            self.novelty,
            self.own_day,
            self.own_hour,
        )


NO_CONTEXT = TitleContext()


def title_words(title: str) -> tuple[str, ...]:
    """Return the distinct words of *title*, in order."""
    return tuple(dict.fromkeys(words_of(title)))


class NewsContextState(Struct, array_like=True, frozen=True):
    """The state of a `NewsContext`, for a snapshot."""

    now: float
    days: list[tuple[int, int, dict[str, int]]]
    """UTC day since 1970, titles of that day, and titles that contain each word."""
    recent: list[tuple[float, int, str, float]]
    """Titles of the last `NEAR_S`: arrival, number, source, length."""
    next: int
    postings: dict[str, list[int]]
    """By word, the numbers of the newest recent titles that contain it."""
    own: dict[str, list[float]]
    """By source, when its latest titles arrived."""


class NewsContext:
    """An inverted index of the titles of the last days.

    Titles of the last `NEAR_S` are numbered in order of arrival. The source and vector length of each are kept by
    number. For each word, one array has the numbers of the newest titles that contain it, and a list their sources.

    Numbers and lengths are in arrays, because a title is compared with hundreds of others: their time went into waiting
    for numbers that were all over the memory.
    """

    def __init__(self) -> None:
        self._usual: dict[str, int] = {}
        self._days: deque[tuple[int, dict[str, int]]] = deque()
        self._titles = 0
        self._day_titles: dict[int, int] = {}
        self._day = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._next = 0
        self._first = 0
        """The number of the first title in the next two."""
        self._sources: list[str] = []
        self._lengths = array("d")
        self._postings: dict[str, array[int]] = {}
        self._speakers: dict[str, list[str]] = {}
        self._own: dict[str, deque[float]] = {}
        self._now = 0.0

    def state(self) -> NewsContextState:
        """Return the state, for `restore`."""
        earliest = self._recent[0][1] if self._recent else self._next
        # Numbers of older titles are only removed when their word is next looked up.
        postings = {
            word: list(numbers[bisect_left(numbers, earliest) :])
            for word, numbers in self._postings.items()
            if numbers[-1] >= earliest
        }
        return NewsContextState(
            self._now,
            [(day, self._day_titles[day], dict(counts)) for day, counts in self._days],
            [
                (at, number, self._sources[number - self._first], self._lengths[number - self._first])
                for at, number in self._recent
            ],
            self._next,
            postings,
            {source: list(moments) for source, moments in self._own.items()},
        )

    def restore(self, state: NewsContextState) -> None:
        """Replace the state with *state*, which the caller must not use any more."""
        self._now = state.now
        self._day = int(state.now // 86_400)
        self._days = deque((day, counts) for day, _, counts in state.days)
        self._day_titles = {day: titles for day, titles, _ in state.days}
        self._titles = sum(self._day_titles.values())
        self._usual = {}
        usual = self._usual
        for _, counts in self._days:
            for word, count in counts.items():
                usual[word] = usual.get(word, 0) + count
        self._recent = deque((at, number) for at, number, _, _ in state.recent)
        self._next = state.next
        self._first = state.recent[0][1] if state.recent else state.next
        self._sources = [source for _, _, source, _ in state.recent]
        self._lengths = array("d", [length for _, _, _, length in state.recent])
        self._postings = {word: array("Q", numbers) for word, numbers in state.postings.items()}
        self._speakers = {
            word: [self._sources[number - self._first] for number in numbers]
            for word, numbers in self._postings.items()
        }
        self._own = {source: deque(moments, maxlen=MAX_OWN_TITLES) for source, moments in state.own.items()}

    def advance(self, at: float) -> None:
        """Remove what is too old at *at*, in seconds since 1970, not earlier than in the call before."""
        self._now = at
        self._day = int(at // 86_400)
        earliest = at - NEAR_S
        while self._recent and self._recent[0][0] < earliest:
            self._recent.popleft()
        gone = (self._recent[0][1] if self._recent else self._next) - self._first
        if gone > len(self._lengths) // 2:
            del self._sources[:gone], self._lengths[:gone]
            self._first += gone
        while self._days and self._days[0][0] <= self._day - USUAL_DAYS:
            day, counts = self._days.popleft()
            self._titles -= self._day_titles.pop(day)
            # Titles from before yesterday are not counted, and sources come and go for years.
            self._own = {source: own for source, own in self._own.items() if own[-1] >= at - 86_400.0}
            for word, count in counts.items():
                left = self._usual[word] - count
                if left:
                    self._usual[word] = left
                else:
                    del self._usual[word]
                    if self._postings.pop(word, None) is not None:
                        del self._speakers[word]

    def add(self, title: str, source: str, at: float) -> None:
        """Add a title of *source* that arrived at *at*; call `advance` with that time before."""
        tokens = title_words(title)
        self._put(tokens, self._norm(self._idf(tokens)), source, at)

    def observe(self, title: str, source: str, at: float) -> TitleContext:
        """Add a title that arrives at *at*, and return its context among the titles before it.

        Titles of *source* itself do not show the interest of others. Titles are compared by the cosine over their
        words, weighted by

            idf(word) = ln((1 + N) / (1 + n)) + 1

        with N titles in the last `USUAL_DAYS` days, of which n contain the word. Common words add to the vector length
        alone. The burst of a word is (k - m) / sqrt(m + 1), where k other sources used it within `NEAR_S` and m titles
        were expected. Common words have neither burst nor talk.
        """
        self.advance(at)
        tokens = title_words(title)
        idf = self._idf(tokens)
        norm = self._norm(idf)
        context = self._context(tokens, idf, norm, source)
        self._put(tokens, norm, source, at)
        return context

    def _idf(self, tokens: tuple[str, ...]) -> list[float]:
        above = math.log(1 + self._titles) + 1.0
        usual = self._usual
        return [above - math.log(1 + usual.get(word, 0)) for word in tokens]

    def _norm(self, idf: list[float]) -> float:
        return math.sqrt(math.fsum([value * value for value in idf])) or 1.0

    def _put(self, tokens: tuple[str, ...], norm: float, source: str, at: float) -> None:
        if not self._days or self._days[-1][0] != self._day:
            self._days.append((self._day, {}))
            self._day_titles[self._day] = 0
        today, usual, postings, speakers = self._days[-1][1], self._usual, self._postings, self._speakers
        number = self._next
        for word in tokens:
            today[word] = today.get(word, 0) + 1
            usual[word] = usual.get(word, 0) + 1
            numbers = postings.get(word)
            if numbers is None:
                postings[word], speakers[word] = array("Q", (number,)), [source]
                continue
            numbers.append(number)
            speakers[word].append(source)
            if len(numbers) > POSTINGS:
                del numbers[0], speakers[word][0]
        self._next += 1
        self._sources.append(source)
        self._lengths.append(norm)
        self._titles += 1
        self._day_titles[self._day] += 1
        self._recent.append((at, number))
        if (own := self._own.get(source)) is None:
            own = self._own[source] = deque(maxlen=MAX_OWN_TITLES)
        own.append(at)

    def _context(self, tokens: tuple[str, ...], idf: list[float], norm: float, source: str) -> TitleContext:
        if not tokens or not self._titles:
            return NO_CONTEXT
        share = len(self._recent) / self._titles
        common = COMMON_SHARE * self._titles + MIN_COMMON_SIZE
        seldom = SELDOM_SHARE * self._titles + 1
        dots: dict[int, float] = {}
        bursts: list[float] = []
        talks: list[int] = []
        unseen = 0.0
        for word, value in zip(tokens, idf, strict=True):
            usual = self._usual.get(word)
            if usual is None:
                unseen += value
            elif usual <= common:
                speakers = self._add_matches(word, value * value, dots)
                due = usual * share
                # A frequent word has no burst even if each of the compared titles is of another source.
                if usual > seldom and len(speakers) <= due:
                    continue
                users = set(speakers)
                users.discard(source)
                bursts.append((len(users) - due) / math.sqrt(due + 1.0))
                if usual <= seldom:
                    talks.append(len(users))
        cosines = self._nearest_titles(dots, norm, source)
        return TitleContext(
            near=math.fsum([c * c for c in cosines]),
            touched=math.fsum(cosines),
            best=max(cosines, default=0.0),
            burst=sum(max(0.0, b) for b in sorted(bursts, reverse=True)[:3]) / 3,
            talk=sum(math.log1p(t) for t in sorted(talks, reverse=True)[:3]) / 3,
            novelty=unseen / math.fsum(idf),
            own_day=self._own_within(86_400.0, source),
            own_hour=self._own_within(3_600.0, source),
        )

    def _own_within(self, seconds: float, source: str) -> int:
        own = self._own.get(source)
        if own is None:
            return 0
        since = self._now - seconds
        if own[0] >= since:
            return len(own)
        return sum(1 for _ in takewhile(lambda at: at >= since, reversed(own)))

    def _add_matches(self, word: str, add: float, dots: dict[int, float]) -> Sequence[str]:
        """Add *add* to the product of each recent title that contains *word*; return their sources."""
        numbers = self._postings.get(word)
        if numbers is None:
            return ()
        speakers = self._speakers[word]
        earliest = self._recent[0][1] if self._recent else self._next
        if numbers[0] < earliest:
            gone = bisect_left(numbers, earliest)
            if gone == len(numbers):
                del self._postings[word], self._speakers[word]
                return ()
            del numbers[:gone], speakers[:gone]
        # Most titles have one word in common, so adding to those that have more takes half as long as adding to each.
        products = dict.fromkeys(numbers, add)
        for number in products.keys() & dots.keys():
            products[number] += dots[number]
        dots.update(products)
        return speakers

    def _nearest_titles(self, dots: dict[int, float], norm: float, source: str) -> list[float]:
        """Return, for each other source, the cosine of its most similar title, if it is above MIN_COSINE."""
        first, lengths = self._first, self._lengths
        least = MIN_COSINE * norm
        # Of hundreds of titles that share a word, about ten are similar.
        tokens = [(value, number) for number, dot in dots.items() if (value := dot / lengths[number - first]) > least]
        best: dict[str, float] = {}
        for value, number in tokens:
            name = self._sources[number - first]
            if value > best.get(name, 0.0) and name != source:
                best[name] = value
        return [min(value / norm, 1.0) for value in best.values()]
