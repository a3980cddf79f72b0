"""Classify clustering errors: what wrongly joined entries have in common, and why other pairs were missed.

Counts pairs of entries, each under the first kind that applies. The kinds are rules over the texts, so two runs can be
compared; they show where to look, but only reading shows what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from aggregator.text.tokens import words
from scoring.language.headline_kinds import kinds
from scoring.language.names import is_name
from scoring.language.terms import terms
from scoring.replay.streams import Line

WRONG = ("template", "series", "same name", "other wrong")
"""Joined, of two events: half of the words are in the same order; both headlines are of one recurring kind, or of one
source; both name the same; none of these."""

MISSED = ("late", "few words", "other missed")
"""Apart, of one event: more than LATE_HOURS between them; fewer than FEW_TERMS terms in common; none of these."""

LATE_HOURS = 24.0
FEW_TERMS = 3
TEMPLATE_SHARE = 0.5


def count(lines: Mapping[str, Line], gold: Mapping[str, str], story_of: Mapping[str, int]) -> dict[str, int]:
    """Return how many pairs were wrongly joined or missed, by kind; every kind is there.

    lines:    by id, at least those that have a label
    gold:     label of each id
    story_of: story of each id
    """
    counts: Counter[str] = Counter(dict.fromkeys((*WRONG, *MISSED), 0))
    for members in _groups({key: story_of[key] for key in gold}):
        counts.update(_wrong(lines[a], lines[b]) for a, b in combinations(members, 2) if gold[a] != gold[b])
    for members in _groups(gold):
        counts.update(_missed(lines[a], lines[b]) for a, b in combinations(members, 2) if story_of[a] != story_of[b])
    return dict(counts)


def _groups(group_of: Mapping[str, object]) -> Sequence[Sequence[str]]:
    groups: dict[object, list[str]] = {}
    for key, group in group_of.items():
        groups.setdefault(group, []).append(key)
    return list(groups.values())


def _wrong(first: Line, second: Line) -> str:
    if _same_order(words(first.title), words(second.title)) >= TEMPLATE_SHARE:
        return "template"
    if first.source == second.source or kinds(first.title) & kinds(second.title):
        return "series"
    if any(map(is_name, set(terms(first.title)) & set(terms(second.title)))):
        return "same name"
    return "other wrong"


def _missed(first: Line, second: Line) -> str:
    if abs((first.arrived_at - second.arrived_at).total_seconds()) > LATE_HOURS * 3600.0:
        return "late"
    shared = set(terms(f"{first.title} {first.summary}")) & set(terms(f"{second.title} {second.summary}"))
    return "few words" if len(shared) < FEW_TERMS else "other missed"


def _same_order(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the share of the shorter one's words that are in the same order in the other."""
    longest = [0] * (len(second) + 1)
    for word in first:
        before = longest[:]
        for place, theirs in enumerate(second, start=1):
            longest[place] = before[place - 1] + 1 if word == theirs else max(longest[place - 1], before[place])
    return longest[-1] / max(1, min(len(first), len(second)))
