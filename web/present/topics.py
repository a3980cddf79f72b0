"""View models of topics: name, rise, and sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from flask_babel import gettext

from aggregator.model import Topic
from web.i18n.wording import number, plural
from web.present.cards import SPARKLINE_HEIGHT, SPARKLINE_WIDTH, Presenter
from web.present.charts import Row, percent

History = Sequence[tuple[datetime, int, int]]
"""The start of each step, with its entries and their sources, oldest first."""


@dataclass(frozen=True, slots=True)
class Rising:
    """A topic in a list."""

    name: str
    url: str
    summary: str
    sparkline: str
    """An SVG path in a box of 48 by 16: its entries by step."""
    is_rising: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart, in percent."""

    x: str
    y: str
    width: str
    height: str
    label: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Entries per step, with a text alternative."""

    description: str
    columns: tuple[Column, ...]
    start: str
    end: str
    rows: tuple[Row, ...]


def topic(topic: Topic, history: History) -> Rising:
    """Return a topic as a list shows it."""
    usual = topic.usual_per_day
    if usual >= 0.5:
        than = gettext("usually %(n)s", n=number(max(round(usual), 1)))
    else:
        than = gettext("usually almost none")
    day = str(
        gettext(
            "%(entries)s from %(sources)s in a day, %(usual)s",
            entries=plural(topic.entries, "entry", "entries"),
            sources=plural(topic.sources, "source"),
            usual=than,
        )
    )
    return Rising(topic.name, f"/topic/{quote(topic.slug)}", day, _path(history), topic.position is not None)


def _path(history: History) -> str:
    top = max((entries for _, entries, _ in history), default=0)
    if not top:
        return ""
    width = SPARKLINE_WIDTH / len(history)
    path = f"M0 {SPARKLINE_HEIGHT}"
    for i, (_, entries, _) in enumerate(history):
        path += f"V{SPARKLINE_HEIGHT - SPARKLINE_HEIGHT * entries / top:.1f}H{width * (i + 1):.1f}"
    return f"{path}V{SPARKLINE_HEIGHT}Z"


def _from(entries: int, sources: int, at: str) -> str:
    of = plural(sources, "source")
    return str(
        gettext("%(at)s: %(entries)s from %(sources)s", at=at, entries=plural(entries, "entry", "entries"), sources=of)
    )


def topic_chart(show: Presenter, history: History) -> Columns | None:
    """Draw the number of entries per step; None without any."""
    total, top = sum(entries for _, entries, _ in history), max((entries for _, entries, _ in history), default=0)
    if not top:
        return None
    step = history[1][0] - history[0][0] if len(history) > 1 else timedelta(hours=6)
    width = 100 / len(history)
    columns = tuple(
        Column(
            percent(width * i + width * 0.1),
            percent(100 - 100 * entries / top),
            percent(width * 0.8),
            percent(100 * entries / top),
            _from(entries, sources, show.brief(at)),
        )
        for i, (at, entries, sources) in enumerate(history)
        if entries
    )
    peak = max(history, key=lambda point: point[1])
    hours = round(step / timedelta(hours=1))
    description = str(
        gettext(
            "%(entries)s in %(days)s, %(hours)s per column. Peak: %(peak)s, %(at)s.",
            entries=plural(total, "entry", "entries"),
            days=plural(round(len(history) * step / timedelta(days=1)), "day"),
            hours=plural(hours, "hour"),
            peak=number(peak[1]),
            at=show.brief(peak[0]),
        )
    )
    rows = tuple(Row(show.full(at), entries, plural(sources, "source")) for at, entries, sources in history if entries)
    return Columns(description, columns, show.brief(history[0][0]), show.brief(history[-1][0] + step), rows)
