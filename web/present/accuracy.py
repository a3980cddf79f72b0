"""View models of the scorecard: numbers with interval and cases, the reliability diagram, category corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext

from aggregator.store.derived.scorecards import Measure
from web.i18n import wording
from web.i18n.wording import number, plural

METHODS = ("site", "newest first", "most sources")


@dataclass(frozen=True, slots=True)
class Question:
    """The question that a number answers, its unit, and its format."""

    text: str
    unit: str
    write: Callable[[float], str]


def questions() -> dict[str, Question]:
    """Return the questions by the name of their measure, in the order of the page."""
    return {
        "auc": Question(
            gettext("Do scores separate relevant stories from others?"),
            gettext("AUC: 0.5 is chance, 1 is perfect"),
            wording.decimal,
        ),
        "brier": Question(
            gettext("How far off are recalibrated scores?"),
            gettext("Brier score: 0 is perfect, lower is better"),
            wording.decimal,
        ),
        "ece": Question(
            gettext("Does a score keep its meaning?"),
            gettext("calibration error of recalibrated scores: lower is better"),
            wording.decimal,
        ),
        "precision_at_10": Question(
            gettext("Do the top stories grow?"),
            gettext("share of the first ten that three more independent sources report within a day"),
            wording.percent,
        ),
        "hours_to_page": Question(
            gettext("How soon do growing stories reach the top?"),
            gettext("median hours from the first entry to the first ten"),
            lambda hours: wording.decimal(hours, 1),
        ),
        "duplicates": Question(
            gettext("Is one event shown twice?"),
            gettext("share of the first ten that repeat another story"),
            lambda share: wording.percent(share, 1),
        ),
        "category_accuracy": Question(
            gettext("Are categories correct?"),
            gettext("share of editors’ corrections and confirmations that the site agrees with by now"),
            wording.percent,
        ),
    }


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as text."""

    value: str
    """Empty without enough data."""
    range: str
    note: str
    """The number of cases, or what is missing."""


@dataclass(frozen=True, slots=True)
class Line:
    """The numbers of the site and the rules for one question."""

    question: str
    unit: str
    cells: tuple[Cell, ...]
    """In the order of METHODS; empty if a rule has no such number."""


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
"""The goal of calibration; below it, differences between windows are not drift."""


def calibration(measures: Sequence[Measure]) -> Calibration | None:
    """Return the calibration of each window; None before there is any.

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
    """The confusion matrix of categories: the site against editors."""

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


def distinct(measures: Sequence[Measure]) -> list[Measure]:
    """Return *measures* without windows that have the numbers of a shorter one: a young site has no older days."""
    shown: list[Measure] = []
    known: set[frozenset[Measure]] = set()
    for days in sorted({m.window_days for m in measures}):
        of_window = [m for m in measures if m.window_days == days]
        numbers = frozenset(replace(measure, window_days=0) for measure in of_window)
        if numbers not in known:
            known.add(numbers)
            shown += of_window
    return shown


def windows(
    measures: Sequence[Measure], tables: Mapping[tuple[int, str], Any], name_of: Callable[[str], str]
) -> list[Window]:
    """Return the scorecards of a night, the shortest first."""
    cards = []
    for days in sorted({m.window_days for m in measures}):
        of_window = [m for m in measures if m.window_days == days]
        cards.append(
            Window(
                days=days,
                lines=_lines([m for m in of_window if not m.category_id]),
                bars=_bars(tables.get((days, "reliability"), [])),
                categories=_categories([m for m in of_window if m.category_id], name_of),
                confusion=_confusion(tables.get((days, "confusion"), []), name_of),
            )
        )
    return cards


def _lines(measures: Sequence[Measure]) -> tuple[Line, ...]:
    by = {(m.name, m.method): m for m in measures}
    return tuple(
        Line(question.text, question.unit, tuple(cell(by.get((name, method))) for method in METHODS))
        for name, question in questions().items()
        if (name, "site") in by
    )


def cell(measure: Measure | None) -> Cell:
    """Return a number as text; None: there is none of that kind."""
    if measure is None:
        return Cell("", "", "")
    write = questions()[measure.name].write
    cases = plural(measure.cases, "case")
    if measure.value is None:
        if measure.cases < measure.needed:
            return Cell(
                "",
                "",
                gettext(
                    "not enough data: %(n)s of %(needed)s cases", n=number(measure.cases), needed=number(measure.needed)
                ),
            )
        return Cell("", "", gettext("undefined for %(cases)s", cases=cases))
    if measure.low is None or measure.high is None or measure.low == measure.high:
        between = ""
    else:
        between = gettext("%(low)s to %(high)s", low=write(measure.low), high=write(measure.high))
    return Cell(write(measure.value), between, cases)


def _bars(bins: Sequence[Sequence[float]]) -> tuple[Bar, ...]:
    most = max((cases for _, _, cases, _, _ in bins), default=0)
    return tuple(
        Bar(
            x=round(100 * predicted, 1),
            y=round(100 - 100 * relevant, 1),
            radius=round(1.2 + 3.0 * (cases / most) ** 0.5, 1),
            label=gettext(
                "%(stories)s with an average score of %(score)s: %(share)s turned out relevant",
                stories=plural(round(cases), "story", "stories"),
                score=round(100 * predicted),
                share=wording.percent(relevant),
            ),
        )
        for _, _, cases, predicted, relevant in bins
    )


def _categories(measures: Sequence[Measure], name_of: Callable[[str], str]) -> tuple[tuple[str, Cell, Cell], ...]:
    by = {(m.category_id, m.name): m for m in measures if m.method == "site"}
    ids = sorted({m.category_id for m in measures}, key=name_of)
    return tuple((name_of(id_), cell(by.get((id_, "auc"))), cell(by.get((id_, "brier")))) for id_ in ids)


def _confusion(counts: Sequence[tuple[str, str, int]], name_of: Callable[[str], str]) -> Confusion | None:
    if not counts:
        return None
    ids = sorted({id_ for predicted, right, _ in counts for id_ in (predicted, right)}, key=name_of)
    number = {(predicted, right): count for predicted, right, count in counts}
    rows = tuple((name_of(right), tuple(number.get((predicted, right), 0) for predicted in ids)) for right in ids)
    return Confusion(tuple(name_of(id_) for id_ in ids), rows)


@dataclass(frozen=True, slots=True)
class Course:
    """The history of a number by night."""

    summary: str
    path: str
    """An SVG path in a square of 100."""
    nights: tuple[tuple[str, str], ...]


MIN_NIGHTS = 7
"""Nights that a line needs: each measures the 30 days before it, so those of a few nights are almost the same."""


def course(history: Sequence[tuple[date, float]], name: str) -> Course | None:
    """Draw the history of a number; None before `MIN_NIGHTS`, or if every night reads the same."""
    if len(history) < MIN_NIGHTS:
        return None
    write = questions()[name].write
    low, high = min(v for _, v in history), max(v for _, v in history)
    if write(low) == write(high):
        return None
    spread = high - low
    span = (history[-1][0] - history[0][0]).days
    points = [(100 * (day - history[0][0]).days / span, 100 - 100 * (value - low) / spread) for day, value in history]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    summary = gettext(
        "Between %(low)s and %(high)s in %(nights)s, over 30 days each.",
        low=write(low),
        high=write(high),
        nights=plural(len(history), "night"),
    )
    return Course(summary, path, tuple((wording.day(day), write(value)) for day, value in history))
