"""The scorecard as a page shows it: numbers with range and cases, the reliability diagram, category corrections.

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
    "auc": ("Do scores separate relevant stories from others?", "AUC: 0.5 is chance, 1 is perfect", ".3f"),
    "brier": ("How far off are recalibrated scores?", "Brier score: 0 is perfect, lower is better", ".3f"),
    "ece": ("Does a score keep its meaning?", "calibration error of recalibrated scores: lower is better", ".3f"),
    "precision_at_10": (
        "Do the top stories grow?",
        "share of the first ten that three more independent sources report within a day",
        ".0%",
    ),
    "hours_to_page": (
        "How soon do growing stories reach the top?",
        "median hours from the first entry to the first ten",
        ".1f h",
    ),
    "duplicates": ("Is one event shown twice?", "share of the first ten that repeat another story", ".1%"),
    "category_accuracy": (
        "Are categories correct?",
        "share of editors' corrections and confirmations that the site agrees with by now",
        ".0%",
    ),
}
"""In the order of the page: the question, what the number is, its format."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as text."""

    value: str
    """Empty where it says nothing yet."""
    range: str
    note: str
    """What is missing; otherwise the number of cases."""


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
    label: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration error of each window, and whether the newest one is worse than the others."""

    windows: tuple[tuple[int, Cell], ...]
    """Days and error, the shortest window first."""
    drifts: bool


MAX_CALIBRATION_ERROR = 0.03
"""What calibration is meant to reach; below it, differences between windows are no drift."""


def calibration(measures: Sequence[Measure]) -> Calibration | None:
    """Return the calibration of each window; None before any can be told.

    It drifts when the error of the shortest window is above `MAX_CALIBRATION_ERROR` and its whole range is above the
    error of the longest.
    """
    errors = sorted(
        (m for m in measures if m.name == "ece" and m.method == "site" and not m.category_id),
        key=lambda measure: measure.window_days,
    )
    if not any(m.value is not None for m in errors):
        return None
    first, last = errors[0], errors[-1]
    drifts = (
        first.value is not None
        and first.low is not None
        and last.value is not None
        and first.value > MAX_CALIBRATION_ERROR
        and first.low > last.value
    )
    return Calibration(tuple((m.window_days, cell(m)) for m in errors), drifts)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Categories chosen by the site against those chosen by editors."""

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
    cards = []
    for days in sorted({m.window_days for m in measures}):
        here = [m for m in measures if m.window_days == days]
        cards.append(
            Window(
                days=days,
                lines=_lines([m for m in here if not m.category_id]),
                bars=_bars(tables.get((days, "reliability"), [])),
                categories=_categories([m for m in here if m.category_id], name_of),
                confusion=_confusion(tables.get((days, "confusion"), []), name_of),
            )
        )
    return cards


def _lines(measures: Sequence[Measure]) -> tuple[Line, ...]:
    by = {(m.name, m.method): m for m in measures}
    return tuple(
        Line(question, unit, tuple(cell(by.get((name, method))) for method in METHODS))
        for name, (question, unit, _) in QUESTIONS.items()
        if (name, "site") in by
    )


def cell(measure: Measure | None) -> Cell:
    """Return a number as text; None: there is none of that kind."""
    if measure is None:
        return Cell("", "", "")
    form = QUESTIONS[measure.name][2]
    if measure.value is None:
        if measure.cases < measure.needed:
            return Cell("", "", f"not enough data: {measure.cases} of {measure.needed} cases")
        return Cell("", "", f"undefined for these {measure.cases:,} cases")
    if measure.low is None or measure.high is None or measure.low == measure.high:
        between = ""
    else:
        between = f"{_number(measure.low, form)} to {_number(measure.high, form)}"
    return Cell(_number(measure.value, form), between, f"{measure.cases:,} cases")


def _number(value: float, form: str) -> str:
    kind, _, unit = form.partition(" ")
    return f"{value:{kind}}" + (f" {unit}" if unit else "")


def _bars(bins: Sequence[Sequence[float]]) -> tuple[Bar, ...]:
    most = max((cases for _, _, cases, _, _ in bins), default=0)
    return tuple(
        Bar(
            x=round(100 * said, 1),
            y=round(100 - 100 * came, 1),
            radius=round(1.2 + 3.0 * (cases / most) ** 0.5, 1),
            label=(
                f"{cases:.0f} stories with an average score of {100 * said:.0f}: {100 * came:.0f}% turned out relevant"
            ),
        )
        for _, _, cases, said, came in bins
    )


def _categories(measures: Sequence[Measure], name_of: Callable[[str], str]) -> tuple[tuple[str, Cell, Cell], ...]:
    by = {(m.category_id, m.name): m for m in measures if m.method == "site"}
    ids = sorted({m.category_id for m in measures}, key=name_of)
    return tuple((name_of(id_), cell(by.get((id_, "auc"))), cell(by.get((id_, "brier")))) for id_ in ids)


def _confusion(counts: Sequence[tuple[str, str, int]], name_of: Callable[[str], str]) -> Confusion | None:
    if not counts:
        return None
    ids = sorted({id_ for said, right, _ in counts for id_ in (said, right)}, key=name_of)
    number = {(said, right): count for said, right, count in counts}
    rows = tuple((name_of(right), tuple(number.get((said, right), 0) for said in ids)) for right in ids)
    return Confusion(tuple(name_of(id_) for id_ in ids), rows)


@dataclass(frozen=True, slots=True)
class Course:
    """A number over time, night by night."""

    summary: str
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
    summary = f"between {_number(low, form)} and {_number(high, form)} over {len(history)} nights"
    return Course(summary, path, tuple((day.isoformat(), _number(value, form)) for day, value in history))
