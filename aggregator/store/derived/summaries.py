"""Generated summaries of stories, reduced to sentences that the entries support."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection, upsert


@dataclass(frozen=True, slots=True)
class Summary:
    """A generated summary."""

    story_id: int
    at: datetime
    model: str
    sentences: tuple[str, ...]
    """The supported sentences; may be empty."""
    left_out: int
    made_of: str
    """A fingerprint of its input."""


class Summaries:
    """`prose`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, written: Summary) -> None:
        """Store a summary, replacing an earlier one of the story."""
        self._db.run(
            upsert("prose", ("story_id",), ("at", "model", "sentences", "left_out", "made_of")),
            {
                "story_id": written.story_id,
                "at": stamp(written.at),
                "model": written.model,
                "sentences": json.dumps(written.sentences, ensure_ascii=False),
                "left_out": written.left_out,
                "made_of": written.made_of,
            },
        )

    def of(self, story_id: int) -> Summary | None:
        """Return the summary of a story, or None."""
        row = self._db.row("select * from prose where story_id = :id", {"id": story_id})
        if row is None:
            return None
        return Summary(
            story_id=row["story_id"],
            at=moment(row["at"]),
            model=row["model"],
            sentences=tuple(json.loads(row["sentences"])),
            left_out=row["left_out"],
            made_of=row["made_of"],
        )

    def forget(self) -> None:
        """Delete summaries of stories that no longer exist."""
        self._db.run("delete from prose where story_id not in (select story_id from stories)")
