"""Maintenance of the SQLite file: health, size, copying and compacting."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from aggregator.errors import StoreFault
from aggregator.store import connection
from aggregator.store.connection import Connection
from aggregator.store.sqlite.copies import write_copy


class SqliteMaintenance(connection.Maintenance):
    """See `aggregator.store.connection.Maintenance`."""

    def __init__(self, db: Connection, raw: sqlite3.Connection, path: Path | None) -> None:
        self._db = db
        self._raw = raw
        self._path = path
        self._file = None if path is None else _identity(path)

    def errors(self) -> list[str]:
        """Return what is wrong with the database."""
        db = self._db
        # Not quick_check: it does not find rows that are missing from an index.
        messages = [row[0] for row in db.rows("pragma integrity_check(20)") if row[0] != "ok"]
        messages += [
            f"{row['table']} row {row['rowid']} names a {row['parent']} that is not there"
            for row in db.rows("pragma foreign_key_check")
        ]
        try:
            db.run("insert into entries_fts (entries_fts, rank) values ('integrity-check', 1)")
        except StoreFault as error:
            messages.append(
                f"the text index does not match the entries: {error}; `groundswell update --rebuild` fixes it"
            )
        return messages

    def size(self) -> tuple[int, int]:
        """Return how many bytes the file has, and how many of them are empty pages."""
        page = int(self._db.value("pragma page_size"))
        return page * int(self._db.value("pragma page_count")), page * int(self._db.value("pragma freelist_count"))

    def limit_cache(self, size_bytes: int) -> None:
        """Set the size of the page cache."""
        self._db.run(f"pragma cache_size=-{size_bytes // 1024}")

    def compact(self) -> None:
        """Rewrite the database file without the space of deleted rows; not inside a transaction.

        Readers go on meanwhile, writers wait: about a second for 100 MB. Needs as much free disk as the file has.
        """
        self._db.run("vacuum")
        self._db.run("pragma wal_checkpoint(truncate)")

    def copy_to(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Copy the database to *path* while others go on using it."""
        write_copy(self._raw, path, files)

    def displacement(self) -> str:
        """Return what happened to the file that this connection reads and writes: "", "deleted", "replaced", "emptied".

        SQLite keeps using a file without a name, and everything written to it is lost when the process ends.
        """
        if self._path is None:
            return ""
        now = _identity(self._path)
        if now != self._file:
            return "deleted" if now is None else "replaced"
        return "" if self._path.stat().st_size else "emptied"

    def release(self) -> None:
        """Write everything into the database file itself, so that it can be moved alone."""
        self._db.run("pragma journal_mode=delete")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what identifies a file among others of the same name, None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
