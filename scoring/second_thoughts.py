"""Notice that two stories were one event all along.

Knows when a new entry brings two open stories together. Leaves how alike they are, and how they become one,
to the clusterer in `stories`, and what is shown of a story to `engine`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scoring.stories import Clusterer, Placement, Text

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

    The text has to belong clearly to another story too, and the two have to be alike as wholes (`Clusterer.likeness`).
    """
    chosen = placement.story_id
    if chosen not in clusterer:
        return None
    other = clusterer.rival(text, chosen, MARGIN)
    if other is None:
        return None
    similarity, telling = clusterer.likeness(chosen, other, TAU)
    if similarity < ALIKE * _unit(clusterer):
        return None
    into, gone = clusterer.by_age(chosen, other)
    return Merge(into, gone, similarity, "both tell of " + ", ".join(telling))


def _unit(clusterer: Clusterer) -> float:
    """Return a similarity that grows with the open stories: the best of many strangers looks more similar.

    It was the threshold at which an entry joined, when nothing but similarity decided that.
    """
    return 0.09 + 0.05 * math.log1p(len(clusterer) / 100.0)
