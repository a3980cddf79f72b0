"""Read the labels of further lines of recorded streams: `bench/labels` has numbers of lines and labels, no text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import GroundswellError
from scoring.evaluation import labelled_files
from scoring.evaluation.labelled_files import LabelledItem


@dataclass(frozen=True, slots=True)
class Table:
    """A table of labels by number of the line of a stream, without the text of the line."""

    table: str
    """In the folder of the labels."""
    stream: str
    """In the folder of the data."""
    sha256: str
    """Of the stream: in other data, the numbers would name other lines."""


TABLES = (
    Table(
        "ai_press_2026.labels.tsv",
        "labels/ai_press_2026_techmeme_dev.jsonl.gz",
        "2c4cefe68422cb729e2c6a91990cb3d250fb0a311edb5bc8f7b800c03ba04cbf",
    ),
    Table(
        "ai_press_2024_25.labels.tsv",
        "stream/ai_press_2024_25_dev.jsonl.gz",
        "989fdc43876b9103fc5e0b60773d7c44f27c35e3d0ec786126370d77932ed00c",
    ),
)


def read(data: Path, labels: Path | None) -> list[LabelledItem]:
    """Return the lines that the tables of `TABLES` in the folder *labels* name; none without a folder.

    GroundswellError if a stream is other data.
    """
    items: list[LabelledItem] = []
    if labels is None:
        return items
    for further in TABLES:
        stream = data / further.stream
        if _digest(stream) != further.sha256:
            raise GroundswellError(f"{stream} is other data than the stream whose lines {further.table} names")
        items += labelled_files.read(labels / further.table, items=stream)
    return items


def digests(labels: Path | None) -> dict[str, str]:
    """Return the SHA-256 of each table of `TABLES` in the folder *labels*."""
    return {} if labels is None else {further.table: _digest(labels / further.table) for further in TABLES}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
