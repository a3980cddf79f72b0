"""The scorecard as a page shows it: numbers with their range and cases, the reliability diagram, the confusion.

Knows wording and drawing. Leaves measuring to `scoring.evaluation.scorecard`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aggregator.store.derived.scorecards import Measure

METHODS = ("site", "newest first", "most sources")

QUESTIONS: dict[str, tuple[str, str, str]] = {
    "auc": ("Does the score tell relevant from not?", "AUC: 0.5 is chance, 1 is perfect", ".3f"),
    "brier": ("How far off is it?", "Brier score: 0 is perfect, lower is better", ".3f"),
    "ece": ("Is a 70 relevant 7 times in 10?", "mean distance of said and came, lower is better", ".3f"),
    "precision_at_10": (
        "Does what is on top grow?",
        "share of the first ten that three further independent sources reported within a day",
        ".0%",
    ),
    "hours_to_page": (
        "How soon is a growing story on top?",
        "median hours from its first entry until it was among the first ten",
        ".1f h",
    ),
    "duplicates": ("Is one event shown twice?", "share of the first ten that turned out to be another of them", ".1%"),
    "category_accuracy": (
        "Are categories right?",
        "of what editors corrected or confirmed, the share that the site says by itself",
        ".0%",
    ),
}
"""In the order of the page: the question, what the number is, its format."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in words."""

    value: str
    """Empty where it says nothing yet."""
    range: str
    words: str
    """What is missing; else from how many cases."""


@dataclass(frozen=True, slots=True)
class Line:
    """One question, answered for the site and the rules."""

    question: str
    unit: str
    cells: tuple[Cell, ...]
    """In the order of METHODS; empty cells where a rule gives no such number."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin of the reliability diagram, in a square of 100 with 0 at the bottom."""

    x: float
    y: float
    radius: float
    words: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """What the site says against what editors say, by category."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The scorecard of some days."""

    days: int
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]
    categories: tuple[tuple[str, Cell, Cell], ...]
    """Name, AUC and Brier."""
    confusion: Confusion | None


def windows(
    measures: Sequence[Measure], tables: Mapping[tuple[int, str], Any], name_of: Callable[[str], str]
) -> list[Window]:
    """Return the scorecards of a night, the shortest first."""
    found = []
    for days in sorted({m.window_days for m in measures}):
        here = [m for m in measures if m.window_days == days]
        found.append(
            Window(
                days=days,
                lines=_lines([m for m in here if not m.category_id]),
                bars=_bars(tables.get((days, "reliability"), [])),
                categories=_categories([m for m in here if m.category_id], name_of),
                confusion=_confusion(tables.get((days, "confusion"), []), name_of),
            )
        )
    return found


def _lines(measures: Sequence[Measure]) -> tuple[Line, ...]:
    by = {(m.name, m.method): m for m in measures}
    return tuple(
        Line(question, unit, tuple(cell(by.get((name, method))) for method in METHODS))
        for name, (question, unit, _) in QUESTIONS.items()
        if (name, "site") in by
    )


def cell(measure: Measure | None) -> Cell:
    """Return a number in words; None: there is none of that kind."""
    if measure is None:
        return Cell("", "", "")
    form = QUESTIONS[measure.name][2]
    if measure.value is None:
        if measure.cases < measure.needed:
            return Cell("", "", f"not yet: {measure.cases} of {measure.needed} cases")
        return Cell("", "", f"cannot be told from these {measure.cases:,} cases")
    if measure.low is None or measure.high is None or measure.low == measure.high:
        between = ""
    else:
        between = f"{_number(measure.low, form)} to {_number(measure.high, form)}"
    return Cell(_number(measure.value, form), between, f"{measure.cases:,} cases")


def _number(value: float, form: str) -> str:
    kind, _, unit = form.partition(" ")
    return f"{value:{kind}}".replace("%", " %") + (f" {unit}" if unit else "")


def _bars(bins: Sequence[Sequence[float]]) -> tuple[Bar, ...]:
    most = max((cases for _, _, cases, _, _ in bins), default=0)
    return tuple(
        Bar(
            x=round(100 * said, 1),
            y=round(100 - 100 * came, 1),
            radius=round(1.2 + 3.0 * (cases / most) ** 0.5, 1),
            words=f"{cases:.0f} stories were given {100 * said:.0f} on average; {100 * came:.0f} % turned out relevant",
        )
        for _, _, cases, said, came in bins
    )


def _categories(measures: Sequence[Measure], name_of: Callable[[str], str]) -> tuple[tuple[str, Cell, Cell], ...]:
    by = {(m.category_id, m.name): m for m in measures if m.method == "site"}
    ids = sorted({m.category_id for m in measures}, key=name_of)
    return tuple((name_of(one), cell(by.get((one, "auc"))), cell(by.get((one, "brier")))) for one in ids)


def _confusion(counts: Sequence[tuple[str, str, int]], name_of: Callable[[str], str]) -> Confusion | None:
    if not counts:
        return None
    ids = sorted({one for said, right, _ in counts for one in (said, right)}, key=name_of)
    number = {(said, right): count for said, right, count in counts}
    rows = tuple((name_of(right), tuple(number.get((said, right), 0) for said in ids)) for right in ids)
    return Confusion(tuple(name_of(one) for one in ids), rows)


@dataclass(frozen=True, slots=True)
class Course:
    """How a number went, night by night."""

    words: str
    path: str
    """An SVG path in a square of 100."""
    nights: tuple[tuple[str, str], ...]


def course(history: Sequence[tuple[date, float]], name: str) -> Course | None:
    """Draw how a number went; None before there are two nights."""
    if len(history) < 2:
        return None
    form = QUESTIONS[name][2]
    low, high = min(v for _, v in history), max(v for _, v in history)
    spread = (high - low) or 1.0
    span = (history[-1][0] - history[0][0]).days or 1
    points = [(100 * (day - history[0][0]).days / span, 100 - 100 * (value - low) / spread) for day, value in history]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    words = f"between {_number(low, form)} and {_number(high, form)} in {len(history)} nights"
    return Course(words, path, tuple((day.isoformat(), _number(value, form)) for day, value in history))
