"""The last snapshot of the engine: derived, and opaque to the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import moment_or_none, stamp_or_none
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """What the engine remembered at a moment."""

    at: datetime | None
    """The watermark then; None: before the first event."""
    data: bytes
    """In the format of `scoring/engine/recovery/snapshot.py`."""


class EngineSnapshots:
    """`engine_snapshot`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def latest(self) -> StoredSnapshot | None:
        """Return the last snapshot, None where there is none."""
        row = self._db.row("select at, data from engine_snapshot")
        return None if row is None else StoredSnapshot(moment_or_none(row["at"]), row["data"])

    def save(self, snapshot: StoredSnapshot) -> None:
        """Replace the snapshot; part of the transaction that moves the watermark there."""
        self._db.run(
            "insert or replace into engine_snapshot (one, at, data) values (1, :at, :data)",
            {"at": stamp_or_none(snapshot.at), "data": snapshot.data},
        )

    def drop(self) -> None:
        """Remove the snapshot."""
        self._db.run("delete from engine_snapshot")
