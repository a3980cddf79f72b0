"""Turn the text of an entry into terms, and weigh each by how informative it is.

Knows stemming and stop words. `aggregator.text.tokens` splits a text into words.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Self

from msgspec import Struct

from aggregator.text.tokens import words

# Function words, and words that newsrooms add to any headline. German, French, Spanish, Italian,
# Portuguese, Dutch and Russian are here with the words that make up most of their running text;
# a stop word list that is too short costs little, because such words have a low IDF anyway.
_STOP = """
    a about above after again against all am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its itself just me more most my no nor not now of off on once only or other our out over
    own said say says same she should so some such than that the their them then there these they this those through to
    too under until up very was we were what when where which while who whom why will with would you your may might
    must shall also amid via per vs dont doesnt didnt isnt wont cant mr mrs ms re ve ll der
    das den dem des ein eine einen einem einer und oder ist sind war wird werden nicht mit von zu zum zur auf fur im
    als auch bei nach aus wie noch nur uber sich er sie wir ich hat haben
    le la les des du un une et ou est sont dans pour par sur au aux avec ce cette ces qui que qu en ne pas plus
    ses il elle nous vous se leur
    el los las unos unas del al y o es son en para por con como su sus lo se pero este esta
    il gli i uno di da della delle che per non si nel alla sono
    os um uma do dos no na nos nas e ao aos com nao foi
    het een voor dat niet zijn
    и в во на не что как с со по из за от до к ко у о об для это его ее их он она они мы вы был была были или но а же
    的 了 在 是 和 与 及 也 都 将 对 中 为 等 被 把 从 到 让 更 最 又 就 还 这 那 有 我 你 他
"""
STOP_WORDS = frozenset(_STOP.split())

_NO_STEM_SUFFIX = ("ss", "us", "is")


@lru_cache(maxsize=8_192)
def term(word: str) -> str:
    """Return the term of *word*, "" for a stop word.

    Light stemming for English: plurals and the endings -ing, -ed, -ly, if at least three letters remain. Amounts, and
    words of other scripts, are not changed.

    >>> [term(w) for w in ("chips", "companies", "announced", "the", "2gw")]
    ['chip', 'company', 'announc', '', '2gw']
    """
    if word in STOP_WORDS:
        return ""
    if not word.isascii():
        return word
    if len(word) == 1:
        return word if word.isdigit() else ""
    if not word.isalpha() or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) >= 6:
        return word[:-3] + "y"
    if word.endswith("ing") and len(word) >= 6:
        return _undoubled(word[:-3])
    if word.endswith("ed") and len(word) >= 5:
        return _undoubled(word[:-2])
    if word.endswith("ly") and len(word) >= 6:
        return word[:-2]
    if word.endswith(("sses", "shes", "ches", "xes")) and len(word) >= 6:
        return word[:-2]
    if word.endswith("es") and len(word) >= 5:
        return word[:-2]
    if word.endswith("s") and not word.endswith(_NO_STEM_SUFFIX):
        word = word[:-1]
    if word.endswith("e") and len(word) >= 5:
        return word[:-1]  # so that "release", "released" and "releasing" meet
    return word


def _undoubled(stem: str) -> str:
    """Return "plan" of "plann", and "announc" as it is."""
    if len(stem) >= 4 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    return stem


@lru_cache(maxsize=256)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of *text*; cached, because scoring an entry needs the same texts several times."""
    return tuple(words(text))


def terms(text: str) -> list[str]:
    """Return the terms of *text* in order, without stop words."""
    return list(filter(None, map(term, words_of(text))))


def is_figure(term: str) -> bool:
    """Return whether *term* is an amount or a version: "2gw", "1.4m", "47", "3.5.1"."""
    return term[0].isdigit()


class Background:
    """Document frequencies that ship with the program, for the first days of a site."""

    def __init__(self, documents: int, frequency: Mapping[str, int]) -> None:
        self.documents = documents
        self.frequency = frequency

    def share(self, term: str) -> float:
        """Return the share of documents that contain *term*, in [0, 1]."""
        return self.frequency.get(term, 0) / self.documents if self.documents else 0.0


@cache
def load_background() -> Background:
    """Return the shipped background; `scoring.language.make_background` makes its file."""
    packed = resources.files("scoring.language").joinpath("background.json.gz").read_bytes()
    data = json.loads(gzip.decompress(packed))
    frequency: dict[str, int] = {}
    for count, joined in data["terms"].items():
        frequency.update(dict.fromkeys(joined.split(" "), int(count)))
    return Background(data["documents"], frequency)


class FrequencyState(Struct, array_like=True, frozen=True):
    """The counts of `DocumentFrequency`, for a snapshot."""

    days: list[tuple[int, int, dict[str, int]]]
    """UTC day since 1970, entries of that day, and entries that contain each term."""


class DocumentFrequency:
    """The number of recent entries that contain each term, by UTC day.

    Counts are whole numbers, so counting the same entries again gives the same result to the last bit, wherever the
    program was stopped in between. A day is removed as a whole.
    """

    def __init__(self, background: Background, *, days: int = 30, background_weight: float = 2_000.0) -> None:
        self._background = background
        self._days = days
        self._weight = background_weight if background.documents else 0.0
        self._buckets: deque[tuple[int, Counter[str]]] = deque()
        self._counts: Counter[str] = Counter()
        self._entries: Counter[int] = Counter()
        self._total = 0
        self._log_total = math.log(self._weight + 1.0)

    def state(self) -> FrequencyState:
        """Return the counts, for `restore`."""
        return FrequencyState([(day, self._entries[day], dict(counts)) for day, counts in self._buckets])

    def restore(self, state: FrequencyState) -> Self:
        """Replace all counts with those of *state*."""
        self._buckets = deque((day, Counter(counts)) for day, _, counts in state.days)
        self._entries = Counter({day: entries for day, entries, _ in state.days})
        self._counts = Counter()
        for _, counts in self._buckets:
            self._counts.update(counts)
        self._total = self._entries.total()
        self._log_total = math.log(self._total + self._weight + 1.0)
        return self

    @property
    def entries(self) -> int:
        """Entries counted, without the background."""
        return self._total

    def add(self, terms: Collection[str], day: int) -> None:
        """Count an entry with these distinct terms, seen on *day* (days since 1970, not before the last one)."""
        self.advance(day)
        if not self._buckets or self._buckets[-1][0] < day:
            self._buckets.append((day, Counter()))
        newest, bucket = self._buckets[-1]
        bucket.update(iter(terms))
        self._counts.update(iter(terms))
        self._entries[newest] += 1
        self._total += 1
        self._log_total = math.log(self._total + self._weight + 1.0)

    def advance(self, day: int) -> None:
        """Remove the days that are too long before *day*."""
        while self._buckets and self._buckets[0][0] <= day - self._days:
            gone, bucket = self._buckets.popleft()
            self._total -= self._entries.pop(gone)
            counts = self._counts
            for key, count in bucket.items():
                left = counts[key] - count
                if left:
                    counts[key] = left
                else:
                    del counts[key]
            self._log_total = math.log(self._total + self._weight + 1.0)

    def idf(self, term: str) -> float:
        """Return the weight of a term: ln((n + b + 1) / (df + b * share + 0.5)), above 0.

        n, df:  entries counted, and those that contain the term
        b:      entries that the background counts for
        share:  share of the background's documents that contain the term

        Robertson & Spärck Jones's smoothing of Spärck Jones's inverse document frequency
        (J. of Documentation 28, 1972), the background as a prior sample.
        """
        return self.idfs((term,))[term]

    def idf_of(self, documents: float) -> float:
        """Return the weight of a term that is in this many documents, those of the background included."""
        return self._log_total - math.log(documents + 0.5)

    def idfs(self, terms: Iterable[str]) -> dict[str, float]:
        """Return the weight of each of *terms*, as `idf` gives it."""
        counts, above, b, log = self._counts.get, self._log_total, self._weight, math.log
        usual, documents = self._background.frequency.get, self._background.documents or 1
        return {key: above - log(counts(key, 0) + b * (usual(key, 0) / documents) + 0.5) for key in terms}


RAREST = 2e-4
"""Added to the share of documents with a term, so that no name is infinitely telling."""


@lru_cache(maxsize=4_096)
def telling(term: str) -> float:
    """Return how much a headline says by a term: the negative log of the share of background documents with it.

    >>> telling("nvidia") > telling("launch") > telling("year") > 0
    True
    """
    return -math.log(load_background().share(term) + RAREST)
