"""Compute the signals of a term at a moment, and define a rise.

Leaves which terms are shown to `rising`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from scoring.language.terms import load_background, term
from scoring.topics.headline_index import PAIR, Headlines

HOUR = 3600.0
DAY = 24 * HOUR

REACH = timedelta(days=8)
"""The last 24 hours, and the seven days before them, which define what is usual."""

MIN_HISTORY = timedelta(days=2)
"""With a shorter history nothing rises, because the usual is unknown."""

RISE_ENTRIES = 10
RISE_SOURCES = 8
RISE_TIMES = 3.0
"""A rise: at least this many entries and sources in 24 hours, and this many times the usual share of all entries."""


class Moment:
    """The headlines as they were at one moment, and the signals of a term then."""

    def __init__(self, headlines: Headlines, now: datetime) -> None:
        self.headlines = headlines
        self.now = now.timestamp()
        at = self._at
        self.end = at(0)
        self.day = at(24)
        self.days = [at(24 * back) for back in range(8)]
        self._half, self._quarter = at(12), at(6)
        self.begin = at(REACH.total_seconds() / HOUR)
        self.entries = self.end - self.day
        self.before = self.day - self.begin
        week = headlines.number_at(self.now - 6 * DAY) - headlines.number_at(self.now - 7 * DAY)
        self.expected = week if headlines.first_arrival <= self.now - 7 * DAY else self.entries
        """Entries of the next 24 hours: as many as of the same 24 hours a week ago."""

    def _at(self, hours_ago: float) -> int:
        return self.headlines.number_at(self.now - hours_ago * HOUR)

    @property
    def has_history(self) -> bool:
        """Whether the history is long enough to define what is usual."""
        return self.before > 0 and self.headlines.first_arrival <= self.now - MIN_HISTORY.total_seconds()

    def recent(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return those of a term's entries that arrived in the last 24 hours."""
        return numbers[bisect_left(numbers, self.day) : bisect_left(numbers, self.end)]

    def usual(self, numbers: Sequence[int]) -> float:
        """Return the share of entries that contained the term in the seven days before the last 24 hours."""
        count = bisect_left(numbers, self.day) - bisect_left(numbers, self.begin)
        return count / self.before

    def signals(self, phrase: str, numbers: Sequence[int]) -> tuple[float, ...]:
        """Return the signals of a term, in the order of SIGNALS."""
        starts = [bisect_left(numbers, edge) for edge in self.days]
        daily = [newer - older for newer, older in pairwise(starts)]
        start, end = starts[1], starts[0]
        half, quarter = bisect_left(numbers, self._half), bisect_left(numbers, self._quarter)
        recent = numbers[start:end]
        need = max(float(RISE_ENTRIES), RISE_TIMES * self.usual(numbers) * self.expected)
        # Entries of the last hours, as a day at that pace would bring them.
        pace_half = (2 * (end - half) + 0.5) * self.entries / (2 * (self.end - self._half) + 1)
        pace_quarter = (4 * (end - quarter) + 0.5) * self.entries / (4 * (self.end - self._quarter) + 1)
        first = self.headlines.arrived(numbers[bisect_left(numbers, self.begin)])
        young = self.headlines.published_after(recent, self.now - 16 * HOUR)
        roots = [math.sqrt(count) for count in daily[1:]]
        mean = math.fsum(roots) / len(roots)
        return (
            math.log((len(recent) + 0.5) / need),
            math.log(pace_half / need),
            math.log(pace_quarter / need),
            min(0.0, math.log(len(self.headlines.voices(recent)) / RISE_SOURCES)),
            math.log((len(self.headlines.voices(numbers[half:end])) + 0.5) / RISE_SOURCES),
            math.log(need),
            math.log1p(max(daily[1:])),
            float(sum(count > 0 for count in daily)),
            math.log((self.now - first) / HOUR + 1.0),
            math.log((young + 0.5) / need * 1.5),
            _commonness(phrase),
            math.sqrt(math.fsum((root - mean) ** 2 for root in roots) / len(roots)),
        )


SIGNALS = (
    "entries of 24 hours",
    "pace of 12 hours",
    "pace of 6 hours",
    "too few sources",
    "sources of 12 hours",
    "entries that a rise needs",
    "best day of the week before",
    "days of the week with it",
    "hours since it was first there",
    "published within 16 hours",
    "how common the words are",
    "how unsteady it was",
)

# Fitted by `python -m bench.terms fit` on the recorded stream news_2020_dev, 2020-05-18 to 06-13, every six hours.
WEIGHTS = (0.8315, 0.6033, 0.1832, 0.2121, 0.2588, -0.036, 0.0966, -0.0096, -0.1143, 0.5279, 0.0287, 0.4991)
OFFSET = -1.7827


@lru_cache(maxsize=32_768)
def _commonness(phrase: str) -> float:
    """Return the log of the share of the background's documents that contain the term's words, on average."""
    background = load_background()
    shares = [background.share(term(word)) for word in phrase.split(PAIR)]
    return math.log(math.fsum(shares) / len(shares) + 1e-5)
