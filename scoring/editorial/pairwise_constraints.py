"""Editors' decisions as must-link and cannot-link pairs, to measure clustering on.

Knows which pairs of entries the decisions have together or apart, how that is written down, and how many of
them a run of the live code meets by itself. Leaves running it to `evaluate_stories`.

Two files: the entries as a stream (`groundswell replay` reads it too), and a line a pair:

    4711<TAB>4802<TAB>together
    4711<TAB>4713<TAB>apart
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from aggregator.errors import StreamError
from aggregator.model import Decision
from scoring.editorial.decisions import STRUCTURAL, Constraints, concerned

LABELS = {True: "together", False: "apart"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries, and whether they are about the same event."""

    first: str
    second: str
    together: bool


@dataclass(frozen=True, slots=True)
class PairCount:
    """How many pairs of a kind a run had as they are to be."""

    pairs: int
    kept: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run without any editor made of the pairs."""

    together: PairCount
    apart: PairCount
    missing: int
    """Pairs of which an entry is not in the stream."""
    broken: tuple[Pair, ...]
    """Those that are not as they are to be."""


def pairs(standing: Sequence[Decision]) -> list[Pair]:
    """Return the pairs that the decisions in force link or separate; for two entries, the last decision counts."""
    constraints = Constraints(standing)
    results = []
    for first, second in sorted({pair for decision in standing for pair in combinations(_entries(decision), 2)}):
        linked = constraints.together(first, second)
        if linked is not None:
            results.append(Pair(str(first), str(second), linked))
    return results


def _entries(decision: Decision) -> list[int]:
    return sorted(concerned(decision)) if decision.kind in STRUCTURAL else []


def written(cases: Iterable[Pair]) -> str:
    """Return pairs as the file has them."""
    return "".join(f"{pair.first}\t{pair.second}\t{LABELS[pair.together]}\n" for pair in cases)


def read(path: Path) -> list[Pair]:
    """Return the pairs of a file; StreamError names what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise StreamError(f"cannot read the pairs {path}: {fault}") from fault
    results = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) != 3 or parts[2] not in LABELS.values():
            raise StreamError(f"{path}:{number}: not `id<TAB>id<TAB>together` or `... apart`")
        results.append(Pair(parts[0], parts[1], parts[2] == LABELS[True]))
    return results


def check(cases: Iterable[Pair], story_of: Mapping[str, int]) -> Report:
    """Hold pairs against the stories that a run made.

    story_of: the story of each entry at the end, by the id that the pairs name
    """
    counts = {True: 0, False: 0}
    satisfied = {True: 0, False: 0}
    missing = 0
    broken = []
    for pair in cases:
        if pair.first not in story_of or pair.second not in story_of:
            missing += 1
            continue
        counts[pair.together] += 1
        if (story_of[pair.first] == story_of[pair.second]) == pair.together:
            satisfied[pair.together] += 1
        else:
            broken.append(pair)
    return Report(
        PairCount(counts[True], satisfied[True]), PairCount(counts[False], satisfied[False]), missing, tuple(broken)
    )


def lines(report: Report) -> list[str]:
    """Return *report* as text for a terminal."""
    drawn = [
        f"{name:9}{kind.kept} of {kind.pairs} pairs" + (f" ({kind.kept / kind.pairs:.0%})" if kind.pairs else "")
        for name, kind in (("together", report.together), ("apart", report.apart))
    ]
    drawn += [f"  {pair.first} and {pair.second} should be {LABELS[pair.together]}" for pair in report.broken]
    if report.missing:
        drawn.append(f"{report.missing} pairs name an entry that is not in the stream")
    return drawn
