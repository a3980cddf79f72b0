"""How much coverage a category usually gets, and at which hours of the week.

Knows whole counts by UTC day, so that a restart comes to the same. Leaves what they mean for a story to `trend`.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

from scoring.ranking import trend

LEAST_RHYTHM = timedelta(days=14)
"""History from which on hours of the week are told apart: each was seen twice."""

_ENTRIES, _VOICES, _STORIES = 168, 169, 170
"""Behind the 168 hours of the week."""


class CategoryRhythm:
    """How much each category gets, and at which hours of the week; whole counts by UTC day."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._today = 0
        self._buckets: deque[tuple[int, Counter[tuple[str, int]]]] = deque()
        self._counts: Counter[tuple[str, int]] = Counter()

    def advance(self, day: int) -> None:
        """Forget the days that are too long before *day*, which what is counted from now on came on."""
        self._today = day
        while self._buckets and self._buckets[0][0] <= day - self._days:
            self._counts.subtract(self._buckets.popleft()[1])

    def count(self, category: str, joined: datetime, *, voice: bool, story: bool) -> None:
        """Count an entry, and whether it was a new voice and a new story."""
        if not self._buckets or self._buckets[-1][0] != self._today:
            self._buckets.append((self._today, Counter()))
        bucket = self._buckets[-1][1]
        kinds = [_hour_of_week(joined), _ENTRIES]
        if voice:
            kinds.append(_VOICES)
        if story:
            kinds.append(_STORIES)
        for kind in kinds:
            bucket[category, kind] += 1
            self._counts[category, kind] += 1

    def usual(self, category: str) -> float:
        """Return the coverage that a story of the category usually gets."""
        return trend.usual_coverage(self._counts[category, _VOICES], self._counts[category, _STORIES])

    def rate(self, category: str, joined: datetime) -> float:
        """Return how busy the category is around that hour of the week; 1.0 until two weeks are known."""
        if not self._buckets or self._today - self._buckets[0][0] < LEAST_RHYTHM.days:
            return 1.0
        hour = _hour_of_week(joined)
        around = sum(self._counts[category, (hour + shift) % 168] for shift in (-1, 0, 1))
        return trend.relative_rate(around, self._counts[category, _ENTRIES], 3)


def _hour_of_week(moment: datetime) -> int:
    return moment.weekday() * 24 + moment.hour
