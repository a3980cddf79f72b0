"""Entries that were posted to the API, until the worker stores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection

MAX_WAITING = 500
MAX_WAITING_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """A JSON Feed document of one item, for a source."""

    posted_id: int
    source_id: str
    document: bytes


class PostedEntries:
    """`posted_entries`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, source_id: str, document: bytes, now: datetime) -> bool:
        """Store an entry for the worker; False when too many are waiting."""
        with self._db.transaction():
            waiting = self._db.row("select count(*), coalesce(sum(length(document)), 0) from posted_entries")
            if waiting is None or waiting[0] >= MAX_WAITING or waiting[1] + len(document) > MAX_WAITING_BYTES:
                return False
            self._db.run(
                "insert into posted_entries (source_id, at, document) values (:source, :at, :document)",
                {"source": source_id, "at": stamp(now), "document": document},
            )
        return True

    def waiting(self, limit: int) -> list[PostedEntry]:
        """Return the entries that are not stored yet, the oldest first."""
        rows = self._db.rows("select * from posted_entries order by posted_id limit :limit", {"limit": limit})
        return [PostedEntry(row["posted_id"], row["source_id"], row["document"]) for row in rows]

    def remove(self, posted_id: int) -> None:
        """Remove an entry; part of the transaction that stores it among the entries of its source."""
        self._db.run("delete from posted_entries where posted_id = :id", {"id": posted_id})
