"""Read recorded streams: JSON Lines, `.gz` or plain, one entry per line.

Knows the columns, the formats of time, and what makes a line unusable. A stream in order of arrival is never read into
memory as a whole.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import tempfile
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from aggregator.errors import StreamError
from aggregator.model import Embedding
from aggregator.text.markup import clip, plain
from scoring.meaning.embeddings import MAX_COMPONENTS
from scoring.meaning.encoder import Encoder, text_of

MAX_LINE_CHARS = 20_000_000
TITLE_CHARS = 500
TEXT_CHARS = 100_000
ID_CHARS = 300
READ_AHEAD = 512
"""Lines that are encoded together."""
REPORTED = 1_000
"""Broken lines that are kept with their reason; all are counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a stream, its text plain."""

    id: str
    """Its own, else its number from 0."""
    arrived_at: datetime
    published_at: datetime | None
    title: str
    summary: str = ""
    content: str = ""
    url: str = ""
    source: str = ""
    language: str = ""
    category: str = ""
    columns: Mapping[str, object] = field(default_factory=dict)
    """Further columns that the reader of the stream named."""
    embedding: Embedding | None = None
    """Of the title: from the export if the stream is one, else from the stream's encoder."""
    encoded: bool = False
    """Whether the stream states the embedding that the entry was clustered with, or that it had none."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that could not be used."""

    line: int
    """From 1, as editors count."""
    message: str


class Stream:
    """A recorded stream. Iterating gives its lines in order of arrival, ties in the order of the file.

    `skipped` and `broken` are those of the last iteration.
    """

    def __init__(
        self, path: Path | str, time_column: str = "", columns: Sequence[str] = (), *, encoder: Encoder | None = None
    ) -> None:
        """Open a stream; *encoder* encodes the lines without embeddings."""
        self.path = path
        self.encoder = encoder
        self.time_column = time_column
        self.columns = tuple(columns)
        self.skipped: list[Skipped] = []
        self.broken = 0

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines; StreamError when the file cannot be read at all."""
        if str(self.path) != "-":
            yield from self._encoded(self._ordered(Path(self.path)))
            return
        # A pipe is read twice: once to check whether it is in order.
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            while block := sys.stdin.buffer.read(1 << 20):
                file.write(block)
            file.flush()
            yield from self._encoded(self._ordered(Path(file.name)))

    def _encoded(self, lines: Iterator[Line]) -> Iterator[Line]:
        if self.encoder is None:
            yield from lines
            return
        # Read ahead, because texts of similar length are faster together.
        while batch := list(islice(lines, READ_AHEAD)):
            waiting = [line for line in batch if not line.encoded]
            texts = [text_of(line.title, line.summary) for line in waiting]
            embeddings = dict(zip(map(id, waiting), self.encoder.encode(texts), strict=True))
            yield from (line if line.encoded else replace(line, embedding=embeddings[id(line)]) for line in batch)

    def _ordered(self, path: Path) -> Iterator[Line]:
        lines = self._read(path)
        yield from lines if self._is_ordered(path) else sorted(lines, key=lambda line: line.arrived_at)

    def _is_ordered(self, path: Path) -> bool:
        """Return whether the lines are in order of arrival, without reading their texts."""
        latest: datetime | None = None
        for _, raw in self._raw_lines(path):
            try:
                arrived = self._arrived_at(_row(raw))
            except ValueError:
                continue
            if latest is not None and arrived < latest:
                return False
            latest = arrived
        return True

    def _read(self, path: Path) -> Iterator[Line]:
        self.skipped = []
        self.broken = 0
        for number, raw in self._raw_lines(path):
            try:
                yield self._line(_row(raw), number)
            except ValueError as fault:
                self._skip(number, str(fault))

    def _raw_lines(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are not blank, each with its number from 1."""
        number = 0
        try:
            with _opened(path) as file:
                while raw := file.readline(MAX_LINE_CHARS):
                    number += 1
                    if not raw.isspace():
                        yield number, raw
        except OSError as fault:
            if number == 0:
                raise StreamError(f"cannot read the stream {path}: {fault}") from fault
            self._skip(number + 1, f"the file cannot be read from here on: {fault}")
        except (EOFError, zlib.error) as fault:
            self._skip(number + 1, f"the file ends in the middle or is damaged: {fault}")

    def _skip(self, number: int, reason: str) -> None:
        self.broken += 1
        if len(self.skipped) < REPORTED:
            self.skipped.append(Skipped(number, reason))

    def _line(self, row: dict[str, Any], number: int) -> Line:
        """Return the entry of a line; ValueError with a message when there is none."""
        title = _plain(row, "title", TITLE_CHARS)
        if not title:
            raise ValueError("no title")
        arrived = self._arrived_at(row)
        own = row.get("id")
        encoder, values = row.get("encoder"), row.get("embedding")
        return Line(
            id=str(number - 1) if own is None or own == "" else clip(" ".join(str(own).split()), ID_CHARS),
            arrived_at=arrived,
            published_at=_moment(row.get("published")),
            title=title,
            summary=_plain(row, "summary", TEXT_CHARS),
            content=_text(row, "content")[:TEXT_CHARS],
            url=_text(row, "url"),
            source=_plain(row, "source", ID_CHARS),
            language=_text(row, "lang")[:20],
            category=_text(row, "category")[:100],
            columns={name: row[name] for name in self.columns if name in row},
            embedding=_embedding(encoder, values),
            encoded="encoder" in row,
        )

    def _arrived_at(self, row: dict[str, Any]) -> datetime:
        """Return when the entry of a line arrived; ValueError if it does not say so."""
        arrived = _moment(row.get("first_seen")) or _moment(row.get("published"))
        if arrived is None and self.time_column:
            arrived = _moment(row.get(self.time_column))
        if arrived is None:
            columns = ", ".join(["first_seen", "published", *filter(None, [self.time_column])])
            raise ValueError(f"no usable time in {columns}")
        return arrived


def _row(raw: bytes) -> dict[str, Any]:
    """Return the columns of a line; ValueError with a message when it has none."""
    if len(raw) >= MAX_LINE_CHARS:
        raise ValueError(f"longer than {MAX_LINE_CHARS} bytes")
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"not JSON: {fault}") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    if path.is_dir():
        raise StreamError(f"{path} is a folder, not a stream")
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _text(row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    return value.strip() if isinstance(value, str) else ""


def _plain(row: dict[str, Any], column: str, limit: int) -> str:
    return clip(plain(_text(row, column)), limit)


def _embedding(encoder: object, values: object) -> Embedding | None:
    """Return the embedding in a line of `groundswell export`; ValueError if it is damaged."""
    if not isinstance(encoder, str) or not encoder:
        return None
    components = b64decode(values, validate=True) if isinstance(values, str) else b""
    if not components:
        raise ValueError("its embedding is not Base64")
    if not any(components) or len(components) > MAX_COMPONENTS:
        raise ValueError(f"its embedding has no direction or more than {MAX_COMPONENTS:,} components")
    return Embedding(encoder, components)


def _moment(value: object) -> datetime | None:
    """Return a time in ISO 8601 or in seconds since 1970, or None; without a zone it is UTC."""
    try:
        if isinstance(value, str):
            text = value.strip()
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return _moment(float(text))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
