"""Notice that two stories were one event all along.

Knows when a new entry brings two open stories together, and how they become one in the clusterer; works on the
clusterer's own books. Leaves what is shown of a story to `engine`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scoring.stories import Clusterer, Placement, Text, _gap, _shares_name_and_figure, _Story

# Observed: the first reports of an event are often too short to meet ("Quake hits Ruritania", "Dozens hurt as
# buildings fall in Zenda"), and each gathers others; a later report tells of both.
# Rule: an entry that joins one story and would, had that not been there, clearly have joined another, brings the two
# together, where they are also alike as wholes. Clearly is more than what makes an entry join, so what arrivals keep
# apart, one more of them does not bring together by a hair; and nothing parts them again, so nothing flips.
# Tried and worse: the likeness of the wholes alone, whatever the entry says (docs/scoring-stories.md).
# Known to be wrong: two matches of one day, told in one round-up.
MARGIN = 1.0
"""Log-odds that the entry has to have for the other story; it joins one from 0."""

ALIKE = 1.5
"""How similar the two stories have to be as wholes, in units of `_unit`."""

RIGHT = 0.77
"""How often a merge was right: 57 of the 74 that labels could judge, on three development streams."""

TAU = 24 * 3600.0
"""Seconds between two stories in which they come to look 1/e as similar."""


@dataclass(frozen=True, slots=True)
class Merge:
    """That two stories are one."""

    into: int
    """The older one, which stays."""
    story_id: int
    similarity: float
    reason: str


def merge_of(clusterer: Clusterer, text: Text, placement: Placement) -> Merge | None:
    """Return which stories *text* brings together; asked after it was placed and before it is put.

    Two stories are alike as wholes by

        dot(a, b) / (|a| |b|)^(1 - s) / (n_a n_b)^s * exp(-gap / TAU)

    a, b:  the sums of the vectors of the two stories' entries, n of them each
    s:     `Tuning.spread`: from the cosine of the centroids towards the average cosine of all pairs
    gap:   the time between the two stories, 0 where they overlap
    """
    chosen = clusterer._stories.get(placement.story_id)
    if chosen is None:
        return None
    other = _rival(clusterer, text, chosen)
    if other is None:
        return None
    index, scale = clusterer._index, clusterer._scale
    one, two = chosen.story_id, other.story_id
    shared = {term: index[term][one] * index[term][two] for term in sorted(chosen.terms & other.terms)}
    apart = max(0.0, chosen.first_at - other.last_at, other.first_at - chosen.last_at)
    similarity = math.fsum(shared.values()) * scale[one] * scale[two] * math.exp(-apart / TAU)
    if similarity < ALIKE * _unit(clusterer):
        return None
    into, gone = sorted((chosen, other), key=lambda story: (story.first_arrived, story.story_id))
    telling = sorted(shared, key=lambda term: (-shared[term], term))[:5]
    return Merge(into.story_id, gone.story_id, similarity, "both tell of " + ", ".join(telling))


def _rival(clusterer: Clusterer, text: Text, chosen: _Story) -> _Story | None:
    """Return the story other than *chosen* that the text clearly belongs to, if there is one; *chosen* put aside."""
    entry = clusterer._member(text)
    near = [
        (story, centroid, gap)
        for story_id, centroid in clusterer._candidates(entry.vector)
        if story_id != chosen.story_id
        and (gap := _gap(text, story := clusterer._stories[story_id])) <= clusterer._window
        and _span(chosen, story) <= clusterer._longest
        and (not story.foreign(text.script) or _shares_name_and_figure(entry, story))
    ]
    base = clusterer._base(text, entry)
    best: _Story | None = None
    best_odds = MARGIN
    for place, (story, centroid, gap) in enumerate(near[: clusterer._tuning.compared - 1]):
        others = [similarity for i, (_, similarity, _) in enumerate(near) if i != place][-3:]
        usual = sum(others) / len(others) if others else 0.0
        odds = base + clusterer._odds(text, entry, story, centroid, usual, gap)
        if odds > best_odds:
            best, best_odds = story, odds
    return best


def _unit(clusterer: Clusterer) -> float:
    """Return a similarity that grows with the open stories: the best of many strangers looks more similar.

    It was the threshold at which an entry joined, when nothing but similarity decided that.
    """
    return 0.09 + 0.05 * math.log1p(len(clusterer) / 100.0)


def _span(one: _Story, other: _Story) -> float:
    """Return how long the story of both would be, published or arrived."""
    return max(
        max(one.last_at, other.last_at) - min(one.first_at, other.first_at),
        max(one.last_arrived, other.last_arrived) - min(one.first_arrived, other.first_arrived),
    )


def merge(clusterer: Clusterer, into_id: int, gone_id: int) -> None:
    """Let the entries of one story be entries of another, as if they had joined it."""
    into, gone = clusterer._stories[into_id], clusterer._stories.pop(gone_id)
    index = clusterer._index
    dot = 0.0
    for term in sorted(gone.terms):
        postings = index[term]
        weight = postings.pop(gone_id)
        before = postings.get(into_id, 0.0)
        dot += weight * before
        postings[into_id] = before + weight
    into.terms |= gone.terms
    into.norm2 += gone.norm2 + 2.0 * dot
    into.n += gone.n
    into.members.extend(gone.members)
    while len(into.members) > clusterer._tuning.members:
        into.members.popleft()
    for source, at in gone.sources.items():
        into.sources[source] = max(at, into.sources.get(source, at))
    into.first_at, into.last_at = min(into.first_at, gone.first_at), max(into.last_at, gone.last_at)
    into.first_arrived = min(into.first_arrived, gone.first_arrived)
    into.last_arrived = max(into.last_arrived, gone.last_arrived)
    into.latest = max(into.latest, gone.latest)
    clusterer._by_arrival.append((into.last_arrived, into_id))
    for link in gone.links:
        if clusterer._links.get(link) == gone_id:
            clusterer._links[link] = into_id
    for title in gone.titles:
        if clusterer._titles.get(title) == gone_id:
            clusterer._titles[title] = into_id
    into.links += gone.links
    into.titles += gone.titles
    del clusterer._scale[gone_id]
    spread = clusterer._tuning.spread
    clusterer._scale[into_id] = into.norm2 ** (0.5 * spread - 0.5) * into.n**-spread if into.norm2 else 0.0
