"""Maintenance of the PostgreSQL database. The server itself is responsible for copies and compaction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.store import connection
from aggregator.store.connection import Connection


class PostgresMaintenance(connection.Maintenance):
    """See `aggregator.store.connection.Maintenance`."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def errors(self) -> list[str]:
        """Return what is wrong; the server itself watches its files and foreign keys."""
        missing = self._db.value(
            """select count(*) from entries e
            where not exists (select 1 from entry_words w where w.entry_id = e.entry_id)"""
        )
        if missing:
            return [f"{missing} entries are not in the text index; `groundswell update --rebuild` fixes it"]
        return []

    def size(self) -> tuple[int, int]:
        """Return how many bytes the database takes; free space within its tables is used again by itself."""
        return int(self._db.value("select pg_database_size(current_database())")), 0

    def limit_cache(self, size_bytes: int) -> None:
        """Do nothing: a connection keeps no pages here, the server does."""

    def compact(self) -> None:
        """Do nothing: autovacuum keeps free space in use."""

    def copy_to(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Refuse: a copy of a server's database is the server's to make."""
        raise StoreError("the database is in PostgreSQL: make copies with pg_dump, pgBackRest or WAL archiving")

    def displacement(self) -> str:
        """Return "": the database of a server has no file that could disappear."""
        return ""

    def release(self) -> None:
        """Refuse: there is no file to move."""
        raise StoreError("the database is in PostgreSQL and moves with its server")
