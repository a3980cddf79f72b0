"""Read labelled items and recorded streams: JSON Lines, plain or .gz."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.errors import GroundswellError
from aggregator.model import Embedding
from aggregator.text.tokens import words
from aggregator.text.urls import host, registrable_domain
from scoring.meaning.encoder import Encoder, text_of

TIMES = ("first_seen", "created", "published")
"""Columns with the time of arrival; the first one present is used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a labelled file or a stream."""

    title: str
    source: str
    url: str
    arrived_at: datetime
    summary: str = ""
    tags: tuple[str, ...] = ()
    label: float | None = None
    """The label; None: unknown, so the item only counts as coverage."""
    points: float | None = None
    """Votes it had when it was first seen, if the file has them."""
    embedding: Embedding | None = None
    """Of the title."""


def read_rows(path: Path, label: str = "") -> list[Row]:
    """Return the lines of a JSON Lines file, gzipped or plain, in order of arrival.

    GroundswellError names the line that is none, and says when no line has the column *label*.
    """
    rows: list[Row] = []
    seen = False
    try:
        with path.open("rb") as raw:
            opened = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            for number, text in enumerate(opened, start=1):
                try:
                    line = json.loads(text)
                    rows.append(_row(line, label))
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise GroundswellError(f"{path}:{number}: not a labelled item: {error}") from error
                seen = seen or label in line
    except (OSError, EOFError) as error:
        raise GroundswellError(f"cannot read {path}: {error}") from error
    if label and not seen:
        raise GroundswellError(f"{path}: no line has the column {label!r}; name another with --label")
    return sorted(rows, key=lambda row: row.arrived_at)


AT_ONCE = 1_000
"""Titles that are encoded together; a cache keeps them before the next."""


def with_embeddings(rows: Sequence[Row], encoder: Encoder) -> list[Row]:
    """Return *rows* with the embeddings of their titles."""
    results: list[Row] = []
    for begin in range(0, len(rows), AT_ONCE):
        part = rows[begin : begin + AT_ONCE]
        embeddings = encoder.encode([text_of(row.title, row.summary) for row in part])
        results += [replace(row, embedding=embedding) for row, embedding in zip(part, embeddings, strict=True)]
    return results


def _row(line: Mapping[str, Any], label: str) -> Row:
    time = next((line[name] for name in TIMES if line.get(name)), None)
    if time is None:
        raise ValueError(f"none of {', '.join(TIMES)} says when it arrived")
    arrived_at = datetime.fromisoformat(time)
    url = line.get("url") or ""
    # "Slashdot (科技资讯)" is Slashdot as another aggregator lists it.
    source = re.sub(r"\s*[（(].*", "", line.get("source") or "") or registrable_domain(host(url))
    value = line.get(label)
    trajectory = line.get("traj")
    return Row(
        title=_without_publisher(line["title"], source),
        source=source,
        url=url,
        arrived_at=arrived_at if arrived_at.tzinfo else arrived_at.replace(tzinfo=UTC),
        summary=line.get("summary") or "",
        tags=tuple(line.get("tags") or ()),
        label=None if value is None else float(value),
        points=float(trajectory[0][1]) if trajectory else None,
    )


# Observed in news_2020 and gnews_top_2020: where an item was taken from a list of top stories its title ends with
# " - CNN", so that the ending reveals the label (83 % against 16 %).
# Rule: an ending behind " - " or " | " goes if it begins with the name of the source.
def _without_publisher(title: str, source: str) -> str:
    name = "".join(words(source))
    head, bar, ending = title.rpartition(" - " if " - " in title else " | ")
    return head if bar and name and "".join(words(ending)).startswith(name) else title


def threshold(rows: Sequence[Row], top_share: float) -> float:
    """Return the label from which on a row is among the *top_share* of *rows*."""
    labels = sorted(row.label for row in rows if row.label is not None)
    if not labels:
        raise GroundswellError("no line has a label, so there is no top share of them")
    return labels[int((1.0 - top_share) * len(labels))]


def labelled(rows: Sequence[Row], at_least: float | None = None) -> list[Row]:
    """Return *rows* with labels of 1 and 0; 1 is what has *at_least* that label, where given."""
    if at_least is None:
        other = next((row.label for row in rows if row.label not in (None, 0.0, 1.0)), None)
        if other is not None:
            raise GroundswellError(f"the label {other:g} is neither 0 nor 1; use --at-least N")
        return list(rows)
    return [row if row.label is None else replace(row, label=float(row.label >= at_least)) for row in rows]
