"""Analysis in prose: what a configured model wrote of a story, as far as it held against the entries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection, upsert


@dataclass(frozen=True, slots=True)
class Summary:
    """What a model wrote of a story."""

    story_id: int
    at: datetime
    model: str
    sentences: tuple[str, ...]
    """Those that say nothing but what the entries say; empty when none did."""
    left_out: int
    made_of: str
    """A fingerprint of the entries that it was given."""


class Summaries:
    """`prose`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, written: Summary) -> None:
        """Keep what was written, in place of what was written of that story before."""
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
        """Return what was written of a story, or None."""
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
        """Forget what was written of stories that are no more."""
        self._db.run("delete from prose where story_id not in (select story_id from stories)")
