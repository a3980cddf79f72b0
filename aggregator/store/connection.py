"""One connection to the database, with the pragmas that the promises rest on.

WAL, so that the site reads while the worker writes; `synchronous=full`, so that
what was committed survives a power cut; a busy timeout, so that two short writers
wait for each other; immediate transactions, so that they do so at the start.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aggregator.errors import StoreError
from aggregator.store import migrations
from aggregator.text.search_words import indexed
from aggregator.text.tokens import pairs

Row = sqlite3.Row
Params = dict[str, Any]

BUSY_TIMEOUT_MS = 10_000


PRIVATE = 0o600
"""Mode of files that hold every seen feeds.yaml, with its passwords: the database and its copies."""


def make_private(path: Path) -> None:
    """Make an empty file at *path* that only its owner can read; SQLite gives its mode to the journal beside it.

    A file that is there keeps its mode unless everybody may read it, as versions before 0.2.0 left it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
    except FileExistsError:
        for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
            with suppress(OSError):  # another user's, or a read-only file system
                mode = name.stat().st_mode
                if stat.S_ISREG(mode) and mode & 0o007:
                    name.chmod(PRIVATE)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells one file from another of the same name, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Connection:
    """A connection of SQLite, its transactions, and nothing of any table."""

    def __init__(self, raw: sqlite3.Connection, path: Path | None = None) -> None:
        self.raw = raw
        self._path = path
        self._file = None if path is None else _identity(path)

    @classmethod
    def open(cls, path: Path | str) -> Connection:
        """Open or create the database and bring it to the present schema.

        Raises StoreError (NewerDatabaseError for a newer version) with a way out.
        `:memory:` is a database of its own, for tests and one-off replays.
        """
        if str(path) != ":memory:" and not Path(path).parent.is_dir():
            raise StoreError(f"cannot open the database {path}: there is no folder {Path(path).parent}")
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
        connection = cls(raw, None if str(path) == ":memory:" else Path(path))
        try:
            connection._prepare(path)
        except sqlite3.Error as error:
            raw.close()
            raise StoreError(f"cannot use the database {path}: {error}; `groundswell check` says more") from error
        except StoreError as error:
            raw.close()
            raise type(error)(f"{path}: {error}") from error
        return connection

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

    def displacement(self) -> str:
        """Return what happened to the file that this connection reads and writes: "", "deleted" or "replaced".

        SQLite goes on in a file that has no name any more, and everything that is written is lost with the process.
        """
        if self._path is None:
            return ""
        now = _identity(self._path)
        return "" if now == self._file else "deleted" if now is None else "replaced"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing; inside another transaction, be part of it."""
        raw = self.raw
        if raw.in_transaction:
            yield
            return
        raw.execute("begin immediate")
        try:
            yield
        except BaseException:
            if raw.in_transaction:
                raw.rollback()
            raise
        raw.commit()

    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows of a query."""
        return self.raw.execute(sql, params or {}).fetchall()

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Yield the rows of a query one by one, for results too large to hold."""
        yield from self.raw.execute(sql, params or {})

    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row of a query, or None."""
        first: Row | None = self.raw.execute(sql, params or {}).fetchone()
        return first

    def value(self, sql: str, params: Params | None = None) -> Any:
        """Return the first column of the first row, or None."""
        first = self.row(sql, params)
        return None if first is None else first[0]

    def run(self, sql: str, params: Params | tuple[object, ...] | None = None) -> int:
        """Execute a write and return the id of the row it inserted."""
        return int(self.raw.execute(sql, params or {}).lastrowid or 0)

    def run_counted(self, sql: str, params: Params | None = None) -> int:
        """Execute a write and return how many rows it changed."""
        return max(self.raw.execute(sql, params or {}).rowcount, 0)

    def run_many(self, sql: str, params: Sequence[Params | tuple[object, ...]]) -> None:
        """Execute a write once for each of *params*."""
        if params:
            self.raw.executemany(sql, params)

    def close(self) -> None:
        """Close; further use is an error."""
        self.raw.close()
