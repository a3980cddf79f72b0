"""Compare a title with recent ones: how much others report on the same subjects, and what is new.

A fold over arrivals in their order: `look` says what surrounds a title at a moment, `add` puts an
entry in. Holds words and counts of the last days, no text. Leaves which entries are one story to
`stories`, and what any of this is worth to `relevance`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from msgspec import Struct

from scoring.language.terms import Vocabulary, words_of

NEAR_S = 48 * 3600.0
"""How far back others' titles are compared, in seconds: what is older is another news day."""

USUAL_DAYS = 14
"""Over how many UTC days the usual share of a word is taken; a week holds too few of the rarer ones."""

COMMON_SHARE = 0.08
COMMON_LEAST = 20
"""A word of a larger share of the titles, and of more than so many, is looked past: it tells what language it is.

AUC of what surrounds an item and its source, on the later 30 % of ai_press_2026_techmeme_dev and gnews_top_2020_dev,
by share: .02 .852 .629, .04 .854 .629, .08 .858 .630, .12 .859 .630; of all words .858 .629, at four times the cost.
"""

SELDOM_SHARE = 0.02
"""A word of a smaller share tells a topic by itself: how many use it is talk of that."""

POSTINGS = 50
"""Of how many titles of the last `NEAR_S` that hold a word the newest are compared: it bounds the time of a look.

With 25, 100, 200 and 400 the measures above are the same within .0003; fewer cannot show a burst.
"""

OWN = 100
"""Up to how many titles of one source are counted; who brings more in a day is as busy as can be."""

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
    own_day: int = 0
    """How many titles the same source brought within 24 h before, at most `OWN`."""
    own_hour: int = 0
    """The same within an hour."""

    def with_more(self, later: Around) -> Around:
        """Return what is known once another entry of the story, that saw *later*, has joined.

        Attention only grows; how new it was, and what else its source brought, is settled at first sight.
        """
        return Around(
            max(self.near, later.near),
            max(self.touched, later.touched),
            max(self.best, later.best),
            max(self.burst, later.burst),
            max(self.talk, later.talk),
            self.novelty,
            self.own_day,
            self.own_hour,
        )


NOTHING = Around()


def title_words(title: str) -> tuple[str, ...]:
    """Return the distinct words of *title*, in order."""
    return tuple(dict.fromkeys(words_of(title)))


class NewsContextState(Struct, array_like=True, frozen=True):
    """The titles that `Surroundings` knows, for a snapshot."""

    now: float
    days: list[tuple[int, int, dict[str, int]]]
    """UTC day since 1970, titles of that day, and titles that hold each word."""
    recent: list[tuple[float, int, str, float]]
    """Titles of the last `NEAR_S`: arrival, number, source, length."""
    next: int
    postings: dict[str, list[int]]
    """By word the numbers of the newest recent titles that hold it."""
    own: dict[str, list[float]]
    """By source when its latest titles arrived."""


class Surroundings:
    """The titles of the last days, by word.

    Titles of the last `NEAR_S` have a number, in order of arrival; by it their source and their length are known, and
    under each word stand the numbers of the newest that hold it, and in another list their sources.
    """

    def __init__(self) -> None:
        self._usual: dict[str, int] = {}
        self._days: deque[tuple[int, dict[str, int]]] = deque()
        self._titles = 0
        self._day_titles: dict[int, int] = {}
        self._day = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._next = 0
        self._source: dict[int, str] = {}
        self._length: dict[int, float] = {}
        self._postings: dict[str, list[int]] = {}
        self._speakers: dict[str, list[str]] = {}
        self._own: dict[str, deque[float]] = {}
        self._now = 0.0

    def state(self) -> NewsContextState:
        """Return what is known, for `restore`."""
        earliest = self._recent[0][1] if self._recent else self._next
        # Numbers of older titles are removed when their word is next looked up; they mean nothing by then.
        postings = {
            word: numbers[bisect_left(numbers, earliest) :]
            for word, numbers in self._postings.items()
            if numbers[-1] >= earliest
        }
        return NewsContextState(
            self._now,
            [(day, self._day_titles[day], dict(counts)) for day, counts in self._days],
            [(at, number, self._source[number], self._length[number]) for at, number in self._recent],
            self._next,
            postings,
            {source: list(moments) for source, moments in self._own.items()},
        )

    def restore(self, state: NewsContextState, vocabulary: Vocabulary) -> None:
        """Replace all that is known with *state*."""
        self._now = state.now
        self._day = int(state.now // 86_400)
        self._days = deque(
            (day, {vocabulary[word]: count for word, count in counts.items()}) for day, _, counts in state.days
        )
        self._day_titles = {day: titles for day, titles, _ in state.days}
        self._titles = sum(self._day_titles.values())
        self._usual = {}
        usual = self._usual
        for _, counts in self._days:
            for word, count in counts.items():
                usual[word] = usual.get(word, 0) + count
        self._recent = deque((at, number) for at, number, _, _ in state.recent)
        self._next = state.next
        self._source = {number: vocabulary[source] for _, number, source, _ in state.recent}
        self._length = {number: length for _, number, _, length in state.recent}
        self._postings = {vocabulary[word]: numbers for word, numbers in state.postings.items()}
        self._speakers = {
            word: [self._source[number] for number in numbers] for word, numbers in self._postings.items()
        }
        self._own = {vocabulary[source]: deque(moments, maxlen=OWN) for source, moments in state.own.items()}

    def advance(self, at: float) -> None:
        """Forget what is too old at *at*, in seconds since 1970; moments only grow."""
        self._now = at
        self._day = int(at // 86_400)
        earliest = at - NEAR_S
        while self._recent and self._recent[0][0] < earliest:
            _, number = self._recent.popleft()
            del self._source[number], self._length[number]
        while self._days and self._days[0][0] <= self._day - USUAL_DAYS:
            day, counts = self._days.popleft()
            self._titles -= self._day_titles.pop(day)
            # What a source published before yesterday counts for nothing, and sources come and go for years.
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

    def take(self, title: str, source: str, at: float) -> Around:
        """Put in a title that arrives now, and return what it found."""
        self.advance(at)
        tokens = title_words(title)
        idf = self._idf(tokens)
        norm = self._norm(idf)
        around = self._around(tokens, idf, norm, source)
        self._put(tokens, norm, source, at)
        return around

    def look(self, title: str, source: str) -> Around:
        """Return what surrounds *title* now; titles of *source* itself say nothing of others' interest.

        Titles are compared by the cosine over their words, weighted by

            idf(word) = ln((1 + N) / (1 + n)) + 1

        with N titles of the last `USUAL_DAYS` days of which n hold the word; words that are common add to
        the length alone. A word's burst is (k - m) / sqrt(m + 1): k other sources used it within `NEAR_S`,
        m titles were due. Common words have neither burst nor talk.
        """
        tokens = title_words(title)
        idf = self._idf(tokens)
        return self._around(tokens, idf, self._norm(idf), source)

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
                postings[word], speakers[word] = [number], [source]
                continue
            numbers.append(number)
            speakers[word].append(source)
            if len(numbers) > POSTINGS:
                del numbers[0], speakers[word][0]
        self._next += 1
        self._source[number], self._length[number] = source, norm
        self._titles += 1
        self._day_titles[self._day] += 1
        self._recent.append((at, number))
        if (own := self._own.get(source)) is None:
            own = self._own[source] = deque(maxlen=OWN)
        own.append(at)

    def _around(self, tokens: tuple[str, ...], idf: list[float], norm: float, source: str) -> Around:
        if not tokens or not self._titles:
            return NOTHING
        share = len(self._recent) / self._titles
        common = COMMON_SHARE * self._titles + COMMON_LEAST
        seldom = SELDOM_SHARE * self._titles + 1
        dots: dict[int, float] = {}
        bursts: list[float] = []
        talks: list[int] = []
        unheard = 0.0
        for word, value in zip(tokens, idf, strict=True):
            usual = self._usual.get(word)
            if usual is None:
                unheard += value
            elif usual <= common:
                heard = self._meet(word, value * value, dots)
                heard.discard(source)
                due = usual * share
                bursts.append((len(heard) - due) / math.sqrt(due + 1.0))
                if usual <= seldom:
                    talks.append(len(heard))
        alike = self._alike(dots, norm, source)
        return Around(
            near=math.fsum([c * c for c in alike]),
            touched=math.fsum(alike),
            best=max(alike, default=0.0),
            burst=sum(max(0.0, b) for b in sorted(bursts, reverse=True)[:3]) / 3,
            talk=sum(math.log1p(t) for t in sorted(talks, reverse=True)[:3]) / 3,
            novelty=unheard / math.fsum(idf),
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

    def _meet(self, word: str, add: float, dots: dict[int, float]) -> set[str]:
        """Add *add* for each title of the last days that holds *word*; return who used it."""
        numbers = self._postings.get(word)
        if numbers is None:
            return set()
        speakers = self._speakers[word]
        earliest = self._recent[0][1] if self._recent else self._next
        if numbers[0] < earliest:
            gone = bisect_left(numbers, earliest)
            if gone == len(numbers):
                del self._postings[word], self._speakers[word]
                return set()
            del numbers[:gone], speakers[:gone]
        get = dots.get
        for number in numbers:
            dots[number] = get(number, 0.0) + add
        return set(speakers)

    def _alike(self, dots: dict[int, float], norm: float, source: str) -> list[float]:
        """Return for each other source the cosine of its most similar title, where that is above the least."""
        length = self._length
        least = LEAST_COSINE * norm
        # Of hundreds of titles that share a word some ten are alike.
        tokens = [(value, number) for number, dot in dots.items() if (value := dot / length[number]) > least]
        best: dict[str, float] = {}
        for value, number in tokens:
            name = self._source[number]
            if value > best.get(name, 0.0) and name != source:
                best[name] = value
        return [min(value / norm, 1.0) for value in best.values()]
