"""Copy a SQLite database into PostgreSQL.

A pass goes through every table in the order of its primary key, one chunk at a time, and makes the target's rows equal
to the source's. Equal chunks only cost a read on both sides, so an interrupted transfer resumes where it stopped. The
transfer is done when a pass finds no difference in any row and nothing wrote to the source meanwhile: both databases
had the same content then. Until that moment the target is marked, and nothing else opens it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.store.connection import Table, Values
from aggregator.store.files.models import ModelFiles
from aggregator.store.files.pictures import KeptPictures
from aggregator.store.postgres.address import shown
from aggregator.store.postgres.connection import PostgresConnection
from aggregator.store.postgres.tables import PostgresTables
from aggregator.store.sqlite.connection import SqliteConnection
from aggregator.store.sqlite.tables import SqliteTables

CHUNK_ROWS = 2_000
MAX_PASSES = 5
"""The first one copies, the second one compares; more are needed only if the source is written to."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

Progress = Callable[[str, int, int], None]
"""Called with the name of a pass, and how many rows of how many are done."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What a transfer came to; every row was compared."""

    target: str
    """Where the copy is, without user and password."""
    rows: dict[str, int]
    """By table."""
    copied: int
    """Rows that had to be written this time: 0 where the transfer had only to be finished."""
    models: int
    pictures: int
    replaced: int
    """Texts with the character NUL, which PostgreSQL rejects: U+FFFD replaces it."""


def transfer(db: Path, url: str, progress: Progress) -> Transferred:
    """Copy the site in the SQLite database at *db* into the PostgreSQL database at *url*, empty or partly copied.

    The caller holds the worker's lock on *db*. Nothing changes there. StoreError with a way out, StoreFault if a
    connection is lost: the same call goes on where it stopped.
    """
    source = SqliteConnection.open(db)
    target = PostgresConnection.open(url, PostgresTables.prepare, is_transfer=True)
    try:
        copying = _Transfer(SqliteTables(source), PostgresTables(target), progress)
        copying.target.begin(str(db.resolve()), copying.tables)
        copying.copy_rows()
        models = _copy_models(source.models, target.models)
        pictures = _copy_pictures(source.pictures, target.pictures)
        copying.finish()
        return Transferred(shown(url), copying.rows, copying.copied, models, pictures, len(copying.replaced))
    finally:
        target.close()
        source.close()


class _Transfer:
    """The rows of all tables."""

    def __init__(self, source: SqliteTables, target: PostgresTables, progress: Progress) -> None:
        self.target = target
        self._source = source
        self._progress = progress
        self.tables = source.tables()
        self.rows: dict[str, int] = {}
        self.copied = 0
        self.replaced: set[tuple[str, Values]] = set()

    def copy_rows(self) -> None:
        """Copy until a pass finds no difference; StoreError if others keep writing."""
        for number in range(MAX_PASSES):
            version = self._source.version()
            changed = self._pass("Copying" if number == 0 else "Comparing")
            self.copied += changed
            if not changed and self._source.version() == version:
                return
        raise StoreError(
            "the source database keeps changing; stop the worker and every site that uses it, "
            "and run the same command again"
        )

    def finish(self) -> None:
        """Let numbers go on where they were, complete the text index, and let the target be opened."""
        for table in self.tables:
            if len(table.key) == 1:
                self.target.set_last_number(table, self._source.last_number(table))
        self.target.complete_text_index()
        self.target.finish()

    def _pass(self, name: str) -> int:
        counts = {table.name: self._source.count(table) for table in self.tables}
        total, done, changed = sum(counts.values()), 0, 0
        for table in self.tables:
            after: Values | None = None
            rows_of_table = 0
            is_last = False
            while not is_last:
                chunk = self._source.chunk(table, after, CHUNK_ROWS)
                is_last = len(chunk) < CHUNK_ROWS
                rows = [self._portable(table, row) for row in chunk]
                changed += self.target.differences(table, after, rows, is_last=is_last)
                rows_of_table += len(rows)
                after = table.key_of(rows[-1]) if rows else after
                self._progress(name, done + rows_of_table, total)
            self.rows[table.name] = rows_of_table
            done += rows_of_table
        return changed

    def _portable(self, table: Table, row: Values) -> Values:
        if not any(isinstance(value, str) and "\0" in value for value in row):
            return row
        self.replaced.add((table.name, table.key_of(row)))
        return tuple(value.replace("\0", REPLACEMENT) if isinstance(value, str) else value for value in row)


def _copy_models(source: ModelFiles, target: ModelFiles) -> int:
    names = source.names()
    for name in names:
        text = source.read(name)
        if text is not None and text != target.read(name):
            target.write(name, text)
    return sum(name.endswith(".json") for name in names)


def _copy_pictures(source: KeptPictures, target: KeptPictures) -> int:
    """Copy the pictures that are kept, oldest first; the newest stay where not all of them fit."""
    copied = 0
    for name, kept_at in source.names():
        data = None if target.get(name) is not None else source.get(name)
        if data is not None:
            target.keep(name, data, kept_at)
            copied += 1
    return copied
