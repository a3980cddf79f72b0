"""Decide when two stories merge, and when a story splits.

Merges are checked when an entry joins, splits when a story has grown. Similarities come from the clusterer, and
`engine` moves the entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.model import Reason, ReasonKind, because
from scoring.clustering.clusterer import Clusterer, Placement
from scoring.language.analysed_text import AnalysedText, EntryTerms

# Observed: the first reports of an event are often too short to match ("Quake hits Ruritania", "Dozens hurt as
# buildings fall in Zenda"), and each attracts others; a later report mentions both.
# Rule: an entry that joins one story and would otherwise clearly have joined another merges the two, if they are also
# similar as a whole. "Clearly" takes more than joining, so that stories which many arrivals kept separate do not merge
# because of one borderline entry.
# Tried and worse: the similarity of the stories alone, whatever the entry says.
# Known to be wrong: two matches of one day in one round-up.
MERGE_MARGIN = 1.0
"""Log-odds that the entry needs for the other story; it joins a story from 0."""

ENCODED_MERGE_MARGIN = 2.0
"""The same for an entry with an embedding, whose log-odds spread wider.

With 1.0, pairs F1 at the end is .770 instead of .781 on the week, .618 instead of .653 on the press window, and .678
instead of .697 on politics.
"""

MIN_LIKENESS = 1.5
"""Least similarity of the two stories, in units of `_unit`."""

MERGE_PRECISION = 0.71
"""Share of correct merges: 15 of the 21 on two streams of AI news, each read.

Labels can judge 8 of these and find 5 right. On bare titles of other news they find 53 of 55 right, on politics 1 of 5
(`bench.join_precision`).
"""

TIME_SCALE_S = 24 * 3600.0
"""Seconds between two stories that reduce their similarity to 1/e."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge of two stories."""

    into: int
    """The older one, which stays."""
    story_id: int
    similarity: float
    reason: Reason


def merge_of(clusterer: Clusterer, text: AnalysedText, placement: Placement) -> Merge | None:
    """Return the merge that *text* causes, None for none; call it after the text was placed and before it is added.

    The text must clearly belong to another story too, and the two must be similar (`Clusterer.likeness`).
    """
    chosen = placement.story_id
    if chosen not in clusterer:
        return None
    other = clusterer.rival(text, chosen, MERGE_MARGIN if text.embedding is None else ENCODED_MERGE_MARGIN)
    if other is None:
        return None
    likeness = clusterer.likeness(chosen, other, TIME_SCALE_S)
    if likeness is None:
        return None
    similarity, telling = likeness
    if similarity < MIN_LIKENESS * _unit(clusterer):
        return None
    into, gone = clusterer.by_age(chosen, other)
    return Merge(into, gone, similarity, because(ReasonKind.BOTH_MENTION, *telling))


def _unit(clusterer: Clusterer) -> float:
    """Return a similarity that grows with the number of open stories, as that of the best unrelated one does."""
    return 0.09 + 0.05 * math.log1p(len(clusterer) / 100.0)


# Observed: an entry that fits two events keeps them in one story ("Business Highlights", two trials of one company),
# and later entries join either side.
# Rule: whenever a story has grown by half, its entries are divided into the two halves that separate best. If the
# similarity across is less than MAX_SPLIT_RATIO of that within the looser half, they become two stories, which
# re-clustering never merges again, so nothing flips.
# Known to be wrong: a long story whose beginning and end share little.
MAX_SPLIT_RATIO = 0.15
"""The largest bound tried that is seldom wrong for streams of titles alone."""

SPLIT_PRECISION = 0.89
"""Share of correct splits: 42 of the 47 that labels could judge, on four development streams."""

MIN_ENTRIES = 4
MAX_ENTRIES = 100
"""Entries of a story that can split: fewer have no two halves, more are a column."""


@dataclass(frozen=True, slots=True)
class Split:
    """A split of a story, by the indexes of its entries."""

    leaving: tuple[int, ...]
    """The half without the first entry."""
    reason: Reason


def due(entries: int) -> bool:
    """Return whether a story of that size is checked for a split: at 4 entries, and each time it has grown by half."""
    size = MIN_ENTRIES
    while size < entries:
        size += size // 2
    return size == entries <= MAX_ENTRIES


def split_of(clusterer: Clusterer, entries: Sequence[EntryTerms], first: int) -> Split | None:
    """Return the split of a story, None if its entries are one event.

    entries: all of its entries
    first:   the index of the entry that it is named for
    """
    halves = clusterer.halves(entries)
    if min(len(halves.first), len(halves.second)) < 2 or halves.across >= MAX_SPLIT_RATIO * halves.within:
        return None
    leaving = halves.second if first in halves.first else halves.first
    return Split(leaving, because(ReasonKind.HALVES_DIFFER, round(halves.across, 2), round(halves.within, 2)))
