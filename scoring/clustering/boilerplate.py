"""Know what each source writes above anything, so that it does not count as news.

Knows which terms stand in many of a source's headlines, day after day. Leaves how much a term tells in general to
`terms`, and what is made of it to `stories`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter

# Observed: "... - The KXAN 36 News" behind every headline of one source; "lowest-ever price at Amazon" five times a
# day; puzzle hints with another date each day; "Show HN". Such words are rare in the whole stream, so their IDF is
# high, and entries of that source gather around them.
# Rule: the headlines of each source's last days are kept. A term that stands in k of n tells no more than
# ln((n + 1) / (k + 0.5)) + MARGIN there. A headline of which most stood in another on each of two earlier days is
# a column. What came on the same day is not looked at, so a source that writes all day about one event does not
# make its name worthless.
# Known to be wrong: a source that writes of one company only; a story of a week in a source that writes little else.
HEADLINES = 200
LEAST = 8
MARGIN = 1.5
DAYS = 8


Headline = tuple[int, tuple[str, ...]]
"""Day, and terms."""


class Habits:
    """The latest headlines of each source, as terms."""

    def __init__(self) -> None:
        self._headlines: dict[str, deque[Headline]] = {}

    def add(self, source_id: str, title: tuple[str, ...], at: float) -> None:
        """Put in a headline that arrived at *at*, in seconds since 1970; moments of one source never go back."""
        if not source_id:
            return
        day = int(at // 86_400)
        held = self._headlines.get(source_id)
        if held is None:
            held = self._headlines[source_id] = deque()
        while held and (held[0][0] <= day - DAYS or len(held) >= HEADLINES):
            held.popleft()
        held.append((day, title))

    def of(self, source_id: str, at: float) -> list[Headline]:
        """Return day and terms of the headlines that a source had on earlier days, the oldest first."""
        day = int(at // 86_400)
        kept = list(self._headlines.get(source_id, ()))
        return kept[bisect_right(kept, day - DAYS, key=_day) : bisect_left(kept, day, key=_day)]


_day = itemgetter(0)


def damped(idf: Mapping[str, float], headlines: Sequence[Headline]) -> Mapping[str, float]:
    """Return the weights of an entry's terms, those lowered that its source writes anyway."""
    n = len(headlines)
    if n < LEAST:
        return idf
    held = Counter(chain.from_iterable(map(frozenset(idf).intersection, [title for _, title in headlines])))
    most = {found: math.log((n + 1) / (k + 0.5)) + MARGIN for found, k in held.items()}
    return {found: min(weight, most.get(found, weight)) for found, weight in idf.items()}


def column(title: Mapping[str, float], headlines: Sequence[Headline]) -> float:
    """Return the share of a headline's weight that stood in one headline of its source on each of two earlier days."""
    total = sum(title.values())
    by_day: dict[int, float] = {}
    shared = map(frozenset(title).intersection, [other for _, other in headlines])
    for (day, _), both in zip(headlines, shared, strict=True):
        if both:
            by_day[day] = max(by_day.get(day, 0.0), math.fsum(title[found] for found in both))
    return sorted(by_day.values())[-2] / total if len(by_day) > 1 else 0.0
