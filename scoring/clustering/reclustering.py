"""Notice that two stories were one event all along, or one story two.

Knows when a new entry brings two open stories together, and when a story falls apart. Leaves how alike they are, and
how they become one, to the clusterer in `stories`, and what is shown of a story to `engine`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.model import Reason, ReasonKind, because
from scoring.clustering.clusterer import Clusterer, Placement
from scoring.language.analysed_text import AnalysedText

# Observed: the first reports of an event are often too short to meet ("Quake hits Ruritania", "Dozens hurt as
# buildings fall in Zenda"), and each gathers others; a later report tells of both.
# Rule: an entry that joins one story and would, had that not been there, clearly have joined another, brings the two
# together, where they are also alike as wholes. Clearly is more than what makes an entry join, so what arrivals keep
# apart, one more of them does not bring together by a hair.
# Tried and worse: the likeness of the wholes alone, whatever the entry says (docs/dev/clustering.md).
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
    reason: Reason


def merge_of(clusterer: Clusterer, text: AnalysedText, placement: Placement) -> Merge | None:
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
    return Merge(into, gone, similarity, because(ReasonKind.BOTH_MENTION, *telling))


def _unit(clusterer: Clusterer) -> float:
    """Return a similarity that grows with the open stories: the best of many strangers looks more similar.

    It was the threshold at which an entry joined, when nothing but similarity decided that.
    """
    return 0.09 + 0.05 * math.log1p(len(clusterer) / 100.0)


# Observed: an entry that fits two events holds them in one story ("Business Highlights", two trials of one company),
# and what comes later gathers on either side.
# Rule: when a story has grown by half since it was looked at, its entries are parted in the two halves that they fall
# into most clearly; where those are alike less than PARTED times as much as the looser one is within itself, they are
# two stories. What was parted so, no second thought brings together again, so nothing flips.
# Known to be wrong: a long story whose beginning and end share little.
PARTED = 0.15
"""Of the bounds tried (docs/dev/clustering.md) the largest that is seldom wrong where there are only titles."""

RIGHT_SPLIT = 0.89
"""How often a split was right: 42 of the 47 that labels could judge, on four development streams."""

LEAST = 4
MOST = 100
"""Entries of a story that is looked at: fewer have no two halves, more are a column."""


@dataclass(frozen=True, slots=True)
class Split:
    """That a story is two; by the places of its entries."""

    leaving: tuple[int, ...]
    """Those of the half without its first entry."""
    reason: Reason


def due(entries: int) -> bool:
    """Return whether a story of that many entries is to be looked at: after 4, and each time it grew by half."""
    size = LEAST
    while size < entries:
        size += size // 2
    return size == entries <= MOST


def split_of(clusterer: Clusterer, texts: Sequence[AnalysedText], first: int) -> Split | None:
    """Return how a story falls apart, None where it holds together.

    texts: its entries
    first: the place of the one that it is named for
    """
    halves = clusterer.halves(texts)
    if min(len(halves.one), len(halves.other)) < 2 or halves.across >= PARTED * halves.within:
        return None
    leaving = halves.other if first in halves.one else halves.one
    return Split(leaving, because(ReasonKind.HALVES_DIFFER, round(halves.across, 2), round(halves.within, 2)))
