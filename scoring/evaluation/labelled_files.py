"""Read items that people labelled, and find them again in a recorded stream.

Two spellings are read:

- a table, `NAME.labels.tsv`, whose first line names the columns (`id`, `story`, `category`, `alt`, `grade`, `unsure`)
  and whose items are in `NAME.jsonl` or `NAME.jsonl.gz` in the same folder;
- JSON Lines, plain or .gz, an item with its labels a line.

An item of a stream is the labelled one when link, title and time of arrival are the same.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aggregator.errors import StreamError
from scoring.replay.streams import Line, Stream

COLUMNS = ("story", "category", "alt", "grade", "unsure")

NO_CATEGORY = "none"
"""What a labeller says of an item that belongs to no category."""


@dataclass(frozen=True, slots=True)
class Label:
    """The labels of an item; None and "" if the file has none."""

    grade: int | None = None
    """3 top story of the day, 2 worth the front page, 1 minor, 0 noise."""
    picked: bool | None = None
    """An editor's yes or no."""
    story: str = ""
    categories: tuple[str, ...] = ()
    """Acceptable ones, the labeller's first choice first."""
    unsure: bool = False
    """Fair editors could disagree about the story."""

    @property
    def on_topic(self) -> bool:
        """Whether some category is acceptable."""
        return any(category != NO_CATEGORY for category in self.categories)


Key = tuple[str, str, datetime]
"""Link, title and time of arrival of a line."""


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """An item as a stream has it, and its label."""

    line: Line
    label: Label


def key_of(line: Line) -> Key:
    """Return what identifies an item across files."""
    return line.url, line.title, line.arrived_at


def read(path: Path, column: str = "", items: Path | None = None, time_column: str = "") -> list[LabelledItem]:
    """Return the labelled items of a file in order of arrival; StreamError names what is wrong.

    column: of JSON Lines, where a yes/no label is; default: no such label is read
    items:  of a table, the file with the items; default: the .jsonl of the same name
    """
    if path.suffix == ".tsv":
        labels = _table(path)
        stream = Stream(items or _items_of(path), time_column)
        matched = [LabelledItem(line, labels[line.id]) for line in stream if line.id in labels]
    else:
        stream = Stream(path, time_column, (column,) if column else COLUMNS)
        matched = [LabelledItem(line, label) for line in stream if (label := _label_of(line, column)) != Label()]
    if not matched:
        raise StreamError(f"no item of {stream.path} has a label in {path}")
    return matched


def by_key(items: list[LabelledItem]) -> Mapping[Key, Label]:
    """Return the labels by what identifies their item in a stream."""
    return {key_of(item.line): item.label for item in items}


def _items_of(path: Path) -> Path:
    stem = path.name.removesuffix(".tsv").removesuffix(".labels")
    for suffix in (".jsonl", ".jsonl.gz"):
        items = path.with_name(stem + suffix)
        if items.exists():
            return items
    raise StreamError(f"the items of {path} are missing: there is no {stem}.jsonl")


def _table(path: Path) -> dict[str, Label]:
    labels: dict[str, Label] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if "id" not in (rows.fieldnames or ()):
                raise StreamError(f"{path}:1: the first line must name the columns, and one of them `id`")
            for number, row in enumerate(rows, start=2):
                try:
                    labels[row["id"]] = _label(row)
                except ValueError as error:
                    raise StreamError(f"{path}:{number}: {error}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StreamError(f"cannot read the labels {path}: {error}") from error
    return labels


def _label(row: Mapping[str, Any]) -> Label:
    category = str(row.get("category") or "").strip()
    alternatives = [name.strip() for name in str(row.get("alt") or "").split(",")]
    return Label(
        grade=_grade(row.get("grade")),
        story=str(row.get("story") or ""),
        categories=tuple(dict.fromkeys(name for name in (category, *alternatives) if name and name != "-")),
        unsure=str(row.get("unsure") or "0").strip() == "1",
    )


def _grade(value: object) -> int | None:
    if value is None or value == "":
        return None
    if str(value).strip() not in ("0", "1", "2", "3"):
        raise ValueError(f"grade {value!r} is not one of 0, 1, 2, 3")
    return int(str(value))


def _label_of(line: Line, column: str) -> Label:
    if not column:
        return _label(line.columns)
    value = line.columns.get(column)
    return Label(picked=None if value is None else bool(value))


def has_header(path: Path) -> bool:
    """Return whether a table names its columns in the first line, one of them `id`."""
    try:
        with path.open(encoding="utf-8") as file:
            return "id" in file.readline().rstrip("\n").split("\t")
    except (OSError, UnicodeDecodeError) as error:
        raise StreamError(f"cannot read the labels {path}: {error}") from error


def stories_in(stream: Stream, items: list[LabelledItem]) -> dict[str, str]:
    """Return the labelled story of each line of *stream*, by the line's id; items marked unsure are left out."""
    labels = by_key(items)
    return {
        line.id: label.story
        for line in stream
        if (label := labels.get(key_of(line))) is not None and label.story and not label.unsure
    }
