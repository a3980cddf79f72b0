"""One connection to the database, with the pragmas that durability and concurrency depend on.

WAL, so that the site reads while the worker writes; `synchronous=full`, so that
what was committed survives a power cut; a busy timeout, so that two short writers
wait for each other; immediate transactions, so that they do so at the start.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aggregator.errors import StoreError, StoreFault
from aggregator.store import connection
from aggregator.store.connection import Params, Row
from aggregator.store.files.models import ModelFolder, ModelsInMemory
from aggregator.store.files.pictures import NoPictures, PictureFolder
from aggregator.store.sqlite import migrations
from aggregator.store.sqlite.copies import make_private, models_folder, pictures_folder
from aggregator.store.sqlite.dialect import SqliteDialect
from aggregator.store.sqlite.maintenance import SqliteMaintenance
from aggregator.store.sqlite.text_index import SqliteTextIndex
from aggregator.text.search_words import indexed
from aggregator.text.tokens import pairs

BUSY_TIMEOUT_MS = 10_000


class SqliteConnection(connection.Connection):
    """A connection of SQLite."""

    has_several_writers = False

    def __init__(self, raw: sqlite3.Connection, path: Path | None = None) -> None:
        self.raw = raw
        self.dialect = SqliteDialect()
        self.text_index = SqliteTextIndex(self)
        self.maintenance = SqliteMaintenance(self, raw, path)
        self.models = ModelsInMemory() if path is None else ModelFolder(models_folder(path))
        self.pictures = NoPictures() if path is None else PictureFolder(pictures_folder(path))

    @classmethod
    def open(cls, path: Path | str) -> SqliteConnection:
        """Open or create the database and bring it to the present schema.

        Raises StoreError (NewerDatabaseError for a newer version) with a way out.
        `:memory:` is a database of its own, for tests and one-off replays.
        """
        if str(path) != ":memory:" and not Path(path).parent.is_dir():
            raise StoreError(f"cannot open the database {path}: there is no folder {Path(path).parent}")
        if Path(path).is_dir():
            raise StoreError(f"cannot open the database {path}: it is a folder; give --db the name of a file in it")
        try:
            if str(path) != ":memory:":
                make_private(Path(path))
            raw = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StoreError(f"cannot open the database {path}: {reason}") from error
        raw.row_factory = sqlite3.Row
        raw.create_function("pairs", 1, pairs, deterministic=True)  # of step 0006
        raw.create_function("search_words", 1, indexed, deterministic=True)
        raw.create_function("casefolded", 1, str.casefold, deterministic=True)
        opened = cls(raw, None if str(path) == ":memory:" else Path(path))
        try:
            opened._prepare(path)
        except (sqlite3.Error, StoreFault) as error:
            raw.close()
            writable = os.access(Path(path).parent, os.W_OK)
            hint = "`groundswell check` says more" if writable else "its folder cannot be written to"
            raise StoreError(f"cannot use the database {path}: {error}; {hint}") from error
        except StoreError as error:
            raw.close()
            raise type(error)(f"{path}: {error}") from error
        return opened

    def _prepare(self, path: Path | str) -> None:
        run = self.raw.execute
        run(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
        # Heeded by a new database alone. An entry of 1 kB fits better: the file is 12 % smaller, a first poll cheaper.
        run("pragma page_size=8192")
        if str(path) != ":memory:" and run("pragma journal_mode").fetchone()[0] != "wal":
            run("pragma journal_mode=wal")
        run("pragma synchronous=full")
        run("pragma foreign_keys=on")
        run("pragma cache_size=-16000")
        # No mmap: it saves 13 % of the CPU of a search, but each connection's mapping counts as memory of the process
        # and grows with the file, up to 256 MB for each of the site's connections.
        run("pragma mmap_size=0")
        # Migrations read first and write later; the lock is taken before the first look.
        if migrations.pending(self.raw):
            with self.transaction():
                migrations.apply(self.raw)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing; nested in another transaction, become a part of it."""
        raw = self.raw
        if raw.in_transaction:
            yield
            return
        self._execute("begin immediate")
        try:
            yield
        except BaseException:
            if raw.in_transaction:
                raw.rollback()
            raise
        try:
            raw.commit()
        except sqlite3.Error as error:
            if raw.in_transaction:
                raw.rollback()
            raise StoreFault(str(error)) from error

    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows of a query."""
        try:
            return self.raw.execute(sql, params or {}).fetchall()
        except sqlite3.Error as error:
            raise StoreFault(str(error)) from error

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Yield the rows of a query one by one, for results too large to hold."""
        try:
            yield from self.raw.execute(sql, params or {})
        except sqlite3.Error as error:
            raise StoreFault(str(error)) from error

    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row of a query, or None."""
        try:
            first: Row | None = self.raw.execute(sql, params or {}).fetchone()
        except sqlite3.Error as error:
            raise StoreFault(str(error)) from error
        return first

    def run_counted(self, sql: str, params: Params | tuple[object, ...] | None = None) -> int:
        """Execute a write and return how many rows it changed."""
        return max(self._execute(sql, params or {}).rowcount, 0)

    def run_many(self, sql: str, params: Sequence[Params | tuple[object, ...]]) -> None:
        """Execute a write once for each of *params*."""
        if not params:
            return
        try:
            self.raw.executemany(sql, params)
        except sqlite3.Error as error:
            raise StoreFault(str(error)) from error

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], key: str
    ) -> list[int]:
        """Insert many rows and return their IDs."""
        if not rows:
            return []
        self.run_many(f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})", rows)
        # Ids of one statement follow each other: they are never reused, and no other process writes meanwhile.
        last = int(self.value("select last_insert_rowid()"))
        return list(range(last - len(rows) + 1, last + 1))

    def close(self) -> None:
        """Close; further use is an error."""
        self.raw.close()

    def _execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        try:
            return self.raw.execute(sql, params)
        except sqlite3.Error as error:
            raise StoreFault(str(error)) from error
