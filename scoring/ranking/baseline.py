"""How much coverage a category usually gets, and how many sources follow each source.

Knows whole counts by UTC day, so that a restart comes to the same. Leaves what they mean for a story to `trend`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import timedelta

from msgspec import Struct

from scoring.ranking import trend

FOLLOWS_WITHIN = timedelta(hours=24)
"""A source that joins a story so long after another one follows it."""

_VOICES, _STORIES = 169, 170
"""Of a category."""
_JOINED, _FOLLOWED = 171, 172
"""Of a source."""
_ALL_JOINED, _ALL_FOLLOWED = 173, 174


class RhythmState(Struct, array_like=True, frozen=True):
    """The counts of `CategoryRhythm`, for a snapshot."""

    today: int
    days: list[tuple[int, list[tuple[str, int, int]]]]
    """UTC day since 1970, and its counts: category or source, kind, count."""


class CategoryRhythm:
    """How much each category gets, and who follows whom; whole counts by UTC day."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._today = 0
        self._buckets: deque[tuple[int, Counter[tuple[str, int]]]] = deque()
        self._counts: Counter[tuple[str, int]] = Counter()

    def advance(self, day: int) -> None:
        """Forget the days that are too long before *day*, which what is counted from now on came on."""
        self._today = day
        while self._buckets and self._buckets[0][0] <= day - self._days:
            for key, count in self._buckets.popleft()[1].items():
                left = self._counts[key] - count
                if left:
                    self._counts[key] = left
                else:
                    del self._counts[key]  # else every source that ever published would stay

    def state(self) -> RhythmState:
        """Return the counts, for `restore`."""
        days = [(day, sorted((*key, count) for key, count in counts.items())) for day, counts in self._buckets]
        return RhythmState(self._today, days)

    def restore(self, state: RhythmState) -> None:
        """Replace all counts with those of *state*."""
        self._today = state.today
        self._buckets = deque(
            (day, Counter({(name, kind): count for name, kind, count in counts})) for day, counts in state.days
        )
        self._counts = Counter()
        for _, counts in self._buckets:
            self._counts.update(counts)

    def count(self, category: str, *, voice: bool, story: bool) -> None:
        """Count an entry: whether it was a new independent source, and a new story."""
        self._add([(category, kind) for kind, counts in ((_VOICES, voice), (_STORIES, story)) if counts])

    def usual(self, category: str) -> float:
        """Return the coverage that a story of the category usually gets."""
        return trend.usual_coverage(self._counts[category, _VOICES], self._counts[category, _STORIES])

    def count_follows(self, source: str, earlier: Iterable[str]) -> None:
        """Count that *source* joined a story, within `FOLLOWS_WITHIN` after the *earlier* ones."""
        self._add([(source, _JOINED), ("", _ALL_JOINED)])
        for before in earlier:
            self._add([(before, _FOLLOWED), ("", _ALL_FOLLOWED)])

    def reach(self, source: str) -> float:
        """Return how many sources follow *source*, relative to a usual one; see `trend.reach`."""
        counts = self._counts
        all_joined = counts["", _ALL_JOINED]
        usual = counts["", _ALL_FOLLOWED] / all_joined if all_joined else 0.0
        return trend.reach(counts[source, _FOLLOWED], counts[source, _JOINED], usual)

    def _add(self, keys: Iterable[tuple[str, int]]) -> None:
        if not self._buckets or self._buckets[-1][0] != self._today:
            self._buckets.append((self._today, Counter()))
        bucket = self._buckets[-1][1]
        for key in keys:
            bucket[key] += 1
            self._counts[key] += 1
