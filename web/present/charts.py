"""Charts of values over time, drawn as paths in a square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from aggregator.model import Entry, LedgerLine, Membership
from web.i18n.wording import duration, plural
from web.present.cards import Presenter

MAX_POINTS = 120
"""Points of one chart: more would be closer than a pixel, at 300 bytes each. The first and the last are kept."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a chart, in percent."""

    x: str
    y: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A point of a chart as a line of its table."""

    at: str
    value: int
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve over time, with a text alternative."""

    description: str
    dots: tuple[Dot, ...]
    line: str
    """An SVG path in a square of 100: steps, level and then up."""
    area: str
    start: str
    end: str
    top: str
    rows: tuple[Row, ...] = ()


def coverage_chart(show: Presenter, members: Sequence[tuple[Entry, Membership]]) -> Chart | None:
    """Draw the number of independent sources over time; None without growth."""
    points: list[tuple[datetime, int, str, str]] = []
    voices: set[str] = set()
    for entry, membership in members:
        new = membership.voice not in voices
        voices.add(membership.voice)
        name = show.source_name(entry.source_id)
        points.append((entry.first_seen_at, len(voices), "new" if new else "copy", name))
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    first, last = points[0][0], points[-1][0]
    description = str(
        gettext(
            "%(entries)s in %(duration)s; %(sources)s. First: %(source)s, %(at)s.",
            entries=plural(len(points), "entry", "entries"),
            duration=duration(last - first),
            sources=plural(len(voices), "independent source"),
            source=points[0][3],
            at=show.brief(first),
        )
    )
    return _chart(show, description, points, max(len(voices), 2), plural(len(voices), "independent source"))


def score_chart(show: Presenter, ledger: Sequence[LedgerLine]) -> Chart | None:
    """Draw the score over time; None if it never changed."""
    points = [(line.at, line.score_after, "score", show.sentence(line.reason)) for line in ledger]
    values = [value for _, value, _, _ in points]
    if len(set(values)) < 2 or points[0][0] == points[-1][0]:
        return None
    description = str(
        gettext(
            "The score started at %(first)s, ranged from %(lowest)s to %(highest)s, and is now %(last)s.",
            first=values[0],
            lowest=min(values),
            highest=max(values),
            last=values[-1],
        )
    )
    return _chart(show, description, points, 100, "100")


def _chart(
    show: Presenter, description: str, points: Sequence[tuple[datetime, int, str, str]], top: int, label: str
) -> Chart:
    first, last = points[0][0], points[-1][0]
    length = (last - first).total_seconds()
    if len(points) > MAX_POINTS:
        step = (len(points) - 1) / (MAX_POINTS - 1)
        points = [points[round(number * step)] for number in range(MAX_POINTS)]
    placed = [
        (
            2 + 96 * (at - first).total_seconds() / length,
            92 - 84 * value / top,
            kind,
            f"{value}: {name}, {show.full(at)}",
        )
        for at, value, kind, name in points
    ]
    line = f"M{placed[0][0]:.2f} {placed[0][1]:.2f}" + "".join(f"H{x:.2f}V{y:.2f}" for x, y, _, _ in placed[1:])
    area = f"{line}V96H{placed[0][0]:.2f}Z"
    dots = tuple(Dot(percent(x), percent(y), kind, name) for x, y, kind, name in placed)
    rows = tuple(Row(show.full(at), value, name) for at, value, _, name in points)
    return Chart(description, dots, line, area, show.brief(first), show.brief(last), label, rows)


def percent(value: float) -> str:
    """Return a length of a chart, in percent."""
    return f"{value:.2f}%"
