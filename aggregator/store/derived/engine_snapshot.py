"""The progress of the engine, and its last snapshot, which is opaque to the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import moment_or_none, stamp_or_none
from aggregator.store.connection import Connection, upsert
from aggregator.store.state import State


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """The state of the engine at a moment."""

    at: datetime | None
    """The watermark then; None: before the first event."""
    data: bytes
    """In the format of `scoring/engine/recovery/snapshot.py`."""


class EngineSnapshots:
    """`engine_snapshot`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def latest(self) -> StoredSnapshot | None:
        """Return the last snapshot, or None."""
        row = self._db.row("select at, data from engine_snapshot")
        return None if row is None else StoredSnapshot(moment_or_none(row["at"]), row["data"])

    def save(self, snapshot: StoredSnapshot) -> None:
        """Replace the snapshot; part of the transaction that moves the watermark there."""
        self._db.run(
            upsert("engine_snapshot", ("one",), ("at", "data")),
            {"one": 1, "at": stamp_or_none(snapshot.at), "data": snapshot.data},
        )

    def drop(self) -> None:
        """Remove the snapshot."""
        self._db.run("delete from engine_snapshot")


class UpdateProgress:
    """The rows of `state` about what the stored stories and scores are based on."""

    def __init__(self, state: State) -> None:
        self._state = state

    def watermark(self) -> datetime | None:
        """Return the watermark, the moment up to which facts are processed, or None."""
        return self._state.moment("watermark")

    def set_watermark(self, value: datetime) -> None:
        """Move the watermark; part of the transaction of the results.

        `placed_until` is the latest that it ever was: a rebuild starts again from the first entry.
        """
        self._state.set_moment("watermark", value)
        latest = self._state.moment("placed_until")
        self._state.set_moment("placed_until", value if latest is None else max(value, latest))

    def clear_watermark(self, now: datetime) -> None:
        """Make the next update start from the first fact; none is later than *now*."""
        self._state.clear("watermark")
        latest = self._state.moment("placed_until")
        if latest is not None and latest > now:
            self._state.set_moment("placed_until", now)

    def votes_taken(self) -> int:
        """Return the `feedback.votes_number` that the scores include."""
        return int(self._state.get("votes_taken") or 0)

    def set_votes_taken(self, number: int) -> None:
        """Store the number of votes that the scores include."""
        self._state.set("votes_taken", str(number))

    def scored_with(self) -> str | None:
        """Return the version of the model that the live stories were last scored with, or None."""
        return self._state.get("scored_with")

    def set_scored_with(self, version: str) -> None:
        """Store the model's version; part of the transaction of its scores."""
        self._state.set("scored_with", version)
