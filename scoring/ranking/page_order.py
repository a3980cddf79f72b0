"""Order the stories of a page.

Knows the gates and the variety of a page. Leaves how strongly a story trends to
`trend`, and which stories there are to `engine`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.model import Ranking, Story

LENGTH = 60
"""Stories of a list."""

POOL = 3 * LENGTH
"""From how many of the best a list is put together."""

FRESH = timedelta(hours=24)
"""How long after its last new voice a story of several voices stands before those of one."""

SAME_EVENT = 0.6
"""Jaccard of headline terms from which two headlines say the same."""

SOURCE_AGAIN = 0.85
TOPIC_AGAIN = 0.92
"""What is left of a story's trend for each story above it with the same lead source, or with the
same telling term in its headline. Mild: a story twice as surprising passes four of its kind."""

LOOK_BACK = 10
"""Variety counts against that many places above: the top of a page is what fills up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live story, as far as its place on a page goes."""

    story_id: int
    category_id: str
    trend: float
    voices: int
    since_last_voice: timedelta
    source_id: str
    """Of the lead entry."""
    topics: frozenset[str]
    """Terms of the headline."""


def with_pinned(ranking: Ranking, pinned: Sequence[Story]) -> Ranking:
    """Return the lists with what editors pinned on top: on the front page and in its category, in the order given."""
    if not pinned:
        return ranking
    lists = {}
    for name, stories in ranking.items():
        top = [(story.story_id, story.trend) for story in pinned if name in ("", story.category_id)]
        trends = dict(stories)
        first = [(story_id, trends.get(story_id, trend)) for story_id, trend in top]
        above = {story_id for story_id, _ in first}
        lists[name] = [*first, *(one for one in stories if one[0] not in above)][:LENGTH]
    return lists


def ranked(candidates: Iterable[Candidate], length: int = LENGTH) -> list[tuple[int, float]]:
    """Return the stories of one list in order, with their trend.

    1. Stories of two or more voices whose last new voice is fresh, by trend; then all others by
       trend. So one source alone stays below what several report now.
    2. The first place goes to a story of two or more voices whenever there is any.
    3. Within each part: no second story with the headline of one above, and what shares its
       source or its telling terms with those just above yields a little (greedily, so that the
       first of a kind keeps its place). A story never passes one of the part before.

    Ties are broken by the older story. The same candidates in any order give the same list.
    """
    order = sorted(candidates, key=lambda c: (not _leads(c), -c.trend, c.story_id))
    first_voiced = next((c for c in order if c.voices >= 2), None)
    if first_voiced is not None and order[0].voices < 2:
        order.remove(first_voiced)
        order.insert(0, first_voiced)
        leading = 1
    else:
        leading = sum(1 for c in order if _leads(c))
    placed: list[Candidate] = []
    _place(order[:leading][:POOL], placed, length)
    _place(order[leading:][:POOL], placed, length)
    return [(c.story_id, c.trend) for c in placed]


def _leads(candidate: Candidate) -> bool:
    return candidate.voices >= 2 and candidate.since_last_voice <= FRESH


def _place(part: list[Candidate], placed: list[Candidate], length: int) -> None:
    waiting = list(part)
    while waiting and len(placed) < length:
        above = placed[-LOOK_BACK:]
        sources = Counter(c.source_id for c in above)
        topics = Counter(topic for c in above for topic in c.topics)
        best, best_value = 0, -1.0
        for position, candidate in enumerate(waiting):
            if candidate.trend <= best_value:
                break  # sorted by trend, and a penalty only lowers it
            again = max((topics[topic] for topic in candidate.topics), default=0)
            value = candidate.trend * SOURCE_AGAIN ** sources[candidate.source_id] * TOPIC_AGAIN**again
            if value > best_value:
                best, best_value = position, value
        candidate = waiting.pop(best)
        if not any(_same_event(candidate.topics, other.topics) for other in placed):
            placed.append(candidate)


def _same_event(one: frozenset[str], other: frozenset[str]) -> bool:
    if len(one) < 3 or len(other) < 3:
        return bool(one) and one == other
    return len(one & other) >= SAME_EVENT * len(one | other)
