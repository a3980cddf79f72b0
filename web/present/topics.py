"""Topics as pages show them: a name, how much it rises, and a drawing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from aggregator.model import Topic
from web.present.cards import SWELL_HEIGHT, SWELL_WIDTH, Presenter
from web.present.charts import Row, percent
from web.present.formatting import counted

History = Sequence[tuple[datetime, int, int]]
"""The begin of each step, its entries and their sources, oldest first."""


@dataclass(frozen=True, slots=True)
class Rising:
    """A topic in a list."""

    name: str
    url: str
    words: str
    swell: str
    """An SVG path in a box of 48 by 16: its entries by step."""
    rises: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart, in percent."""

    x: str
    y: str
    width: str
    height: str
    words: str


@dataclass(frozen=True, slots=True)
class Columns:
    """How many entries each step brought, with the words for whoever cannot see it."""

    words: str
    columns: tuple[Column, ...]
    start: str
    end: str
    rows: tuple[Row, ...]


def topic(topic: Topic, history: History) -> Rising:
    """Return a topic as a list shows it."""
    usual = topic.usual_per_day
    than = f"usually {usual:.0f}" if usual >= 1.5 else "usually one" if usual >= 0.5 else "usually hardly any"
    day = f"{counted(topic.entries, 'entry', 'entries')} of {counted(topic.sources, 'source')} in a day, {than}"
    return Rising(topic.name, f"/topic/{quote(topic.slug)}", day, _path(history), topic.position is not None)


def _path(history: History) -> str:
    top = max((entries for _, entries, _ in history), default=0)
    if not top:
        return ""
    width = SWELL_WIDTH / len(history)
    path = f"M0 {SWELL_HEIGHT}"
    for i, (_, entries, _) in enumerate(history):
        path += f"V{SWELL_HEIGHT - SWELL_HEIGHT * entries / top:.1f}H{width * (i + 1):.1f}"
    return f"{path}V{SWELL_HEIGHT}Z"


def topic_chart(show: Presenter, history: History) -> Columns | None:
    """Draw how many entries each step brought; None where none did."""
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
            f"{show.brief(at)}: {counted(entries, 'entry', 'entries')} of {counted(sources, 'source')}",
        )
        for i, (at, entries, sources) in enumerate(history)
        if entries
    )
    peak = max(history, key=lambda point: point[1])
    hours = round(step / timedelta(hours=1))
    words = (
        f"{counted(total, 'entry', 'entries')} in {round(len(history) * step / timedelta(days=1))} days, "
        f"{hours} hours a column; most from {show.brief(peak[0])} on: {peak[1]}."
    )
    rows = tuple(Row(show.full(at), entries, counted(sources, "source")) for at, entries, sources in history if entries)
    return Columns(words, columns, show.brief(history[0][0]), show.brief(history[-1][0] + step), rows)
