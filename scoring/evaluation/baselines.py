"""Rules without a model that order stories: what the page and the trend have to beat.

Each takes a story as it was known at a moment. Ties are ordered newest first: any other order of ties would only make a
rule worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from scoring.engine import Coverage

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Case:
    """A live story at a moment."""

    at: datetime
    coverage: Coverage

    @property
    def age(self) -> timedelta:
        """Since its first entry arrived."""
        return max(self.at - self.coverage.first_seen_at, timedelta())

    @property
    def quiet(self) -> timedelta:
        """Since an independent voice last joined."""
        return max(self.at - self.coverage.last_voice_at, timedelta())

    def voices(self, begin: timedelta, end: timedelta = timedelta()) -> int:
        """Return how many voices joined between so long ago and so long ago."""
        return sum(self.at - begin < joined <= self.at - end for joined, _ in self.coverage.voices)


Way = Callable[[Case], float]
"""A way to order stories: the greater, the higher."""


def _hours(span: timedelta) -> float:
    return span / HOUR


def _newest(case: Case) -> float:
    return -_hours(case.age)


def _sources(case: Case) -> float:
    # Equal ones newest first: any other order of ties would only make the rule worse.
    return len(case.coverage.voices) - 1e-6 * _hours(case.age)


def _gravity(case: Case) -> float:
    """Hacker News: (points - 1) / (hours + 2)^1.8, voices for points."""
    return (len(case.coverage.voices) - 1) / math.pow(_hours(case.age) + 2.0, 1.8) - 1e-9 * _hours(case.age)


def _hot(case: Case) -> float:
    """Reddit: log10(points) + seconds / 45000, voices for points."""
    return math.log10(max(len(case.coverage.voices), 1)) - case.age.total_seconds() / 45_000


def _chi_square(case: Case) -> float:
    """Mastodon: (observed - expected)^2 / expected of today against yesterday, halved every 8 hours (links)."""
    observed = case.voices(timedelta(hours=24))
    expected = max(case.voices(timedelta(hours=48), timedelta(hours=24)), 1)
    if observed <= expected:
        return -1e-6 * _hours(case.age)
    return (observed - expected) ** 2 / expected * math.exp2(-_hours(case.quiet) / 8.0)


def _z_score(case: Case) -> float:
    """Six hours against the story's own rate before."""
    now = case.voices(timedelta(hours=6))
    before = (len(case.coverage.voices) - now) * 6.0 / max(_hours(case.age) - 6.0, 6.0)
    return (now - before) / math.sqrt(before + 1.0) - 1e-6 * _hours(case.age)


def _ewma(case: Case) -> float:
    """An exponentially weighted count of voices, half-life six hours."""
    return math.fsum(math.exp2(-_hours(case.at - joined) / 6.0) for joined, _ in case.coverage.voices)


def _trendradar(case: Case) -> float:
    """TrendRadar: 0.6 rank + 0.3 frequency + 0.1 hotness. Feeds have no rank: frequency orders, ties newest first."""
    return 0.3 * 10 * min(case.coverage.entries, 10) - 1e-6 * _hours(case.age)


RULES: dict[str, Way] = {
    "newest first": _newest,
    "most sources": _sources,
    "Hacker News gravity": _gravity,
    "Reddit hot": _hot,
    "chi-square, as Mastodon's": _chi_square,
    "z-score": _z_score,
    "EWMA": _ewma,
    "TrendRadar's weights": _trendradar,
}
