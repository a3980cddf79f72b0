"""What readers of apps have read and starred, and the stories that their apps are given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.model import Listed
from aggregator.store.codec import LISTABLE, moment, stamp, stamp_or_none
from aggregator.store.connection import Connection
from aggregator.store.stories.story_lists import LISTED, listed

READ, STARRED = "read", "starred"
MAX_STARRED = 10_000
_READ_MARKS_LIFETIME = timedelta(days=90)
"""Apps are given stories of fewer days, so an older mark says nothing any more."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stories an app requests; newest first by ID, which is also the order in which they were first seen."""

    reader: str
    since: datetime
    category_id: str | None = None
    among: Sequence[int] | None = None
    """Only these stories; None: all."""
    marked: str = ""
    """Only stories with this mark, however old."""
    unmarked: str = ""
    """Only stories without this mark."""
    after: datetime | None = None
    before: datetime | None = None
    min_score: int = 0
    beyond_id: int | None = None
    """Only what follows this story in the order."""
    oldest_first: bool = False
    limit: int = 20

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of `_WHERE`."""
        return {
            "reader": self.reader,
            "since": stamp(self.since),
            "category": self.category_id,
            "among": None if self.among is None else json.dumps(list(self.among)),
            "marked": self.marked,
            "unmarked": self.unmarked,
            "after": stamp_or_none(self.after),
            "before": stamp_or_none(self.before),
            "min_score": self.min_score,
            "beyond": self.beyond_id,
            "oldest_first": int(self.oldest_first),
            "limit": self.limit,
        }


_HAS = "exists (select 1 from reader_marks m where m.reader = :reader and m.kind = {} and m.story_id = s.story_id)"
_WHERE = f"""s.merged_into is null and s.hidden = 0
    and (cast(:category as text) is null or s.category_id = :category)
    and (cast(:among as text) is null or s.story_id in (select value from {{among}}))
    and case when :marked = '' then s.first_seen_at >= :since and s.score >= :min_score and {LISTABLE}
        else {_HAS.format(":marked")} end
    and (:unmarked = '' or not {_HAS.format(":unmarked")})
    and (cast(:after as text) is null or s.first_seen_at >= :after)
    and (cast(:before as text) is null or s.first_seen_at <= :before)
    and (cast(:beyond as integer) is null
        or case when :oldest_first = 1 then s.story_id > :beyond else s.story_id < :beyond end)"""


class ReaderMarks:
    """`reader_marks`, with the stories that they are about."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._where = _WHERE.format(among=connection.dialect.integers("among"))

    def select(self, wanted: Selection) -> list[Listed]:
        """Return the stories that an app requests."""
        direction = "asc" if wanted.oldest_first else "desc"
        rows = self._db.rows(
            f"{LISTED} where {self._where} order by s.story_id {direction} limit :limit", wanted.params
        )
        return [listed(row) for row in rows]

    def ids(self, wanted: Selection) -> list[tuple[int, datetime]]:
        """Return ID and first sight of the stories that an app requests."""
        direction = "asc" if wanted.oldest_first else "desc"
        rows = self._db.rows(
            f"""select s.story_id, s.first_seen_at from stories s where {self._where}
            order by s.story_id {direction} limit :limit""",
            wanted.params,
        )
        return [(row["story_id"], moment(row["first_seen_at"])) for row in rows]

    def unread(self, wanted: Selection) -> dict[str, tuple[int, datetime]]:
        """Return for each category the number of unread stories, and when the newest of them was first seen."""
        rows = self._db.rows(
            f"""select s.category_id, count(*) as stories, max(s.first_seen_at) as newest from stories s
            where {self._where} and not {_HAS.format("'read'")} group by s.category_id""",
            wanted.params,
        )
        return {row["category_id"]: (row["stories"], moment(row["newest"])) for row in rows}

    def of(self, reader: str, story_ids: Iterable[int]) -> dict[int, set[str]]:
        """Return the marks of some stories; stories without any are left out."""
        marks: dict[int, set[str]] = {}
        for row in self._db.rows(
            f"""select story_id, kind from reader_marks where reader = :reader
            and story_id in (select value from {self._db.dialect.integers("ids")})""",
            {"reader": reader, "ids": json.dumps(list(story_ids))},
        ):
            marks.setdefault(row["story_id"], set()).add(row["kind"])
        return marks

    def mark(self, reader: str, kind: str, story_ids: Iterable[int], now: datetime) -> None:
        """Mark stories; IDs that are not stories are ignored, and existing marks stay as they are."""
        with self._db.transaction():
            self._db.run(
                f"""insert into reader_marks (reader, kind, story_id, at)
                select :reader, :kind, s.story_id, :now from stories s
                where s.story_id in (select value from {self._db.dialect.integers("ids")}) on conflict do nothing""",
                {"reader": reader, "kind": kind, "ids": json.dumps(list(story_ids)), "now": stamp(now)},
            )
            self._trim(reader, now)

    def unmark(self, reader: str, kind: str, story_ids: Iterable[int]) -> None:
        """Take marks away."""
        self._db.run(
            f"""delete from reader_marks where reader = :reader and kind = :kind
            and story_id in (select value from {self._db.dialect.integers("ids")})""",
            {"reader": reader, "kind": kind, "ids": json.dumps(list(story_ids))},
        )

    def mark_all_read(self, wanted: Selection, now: datetime) -> None:
        """Mark everything that *wanted* selects as read, whatever its limit."""
        with self._db.transaction():
            self._db.run(
                f"""insert into reader_marks (reader, kind, story_id, at)
                select :reader, 'read', s.story_id, :now from stories s where {self._where}
                on conflict do nothing""",
                {**wanted.params, "now": stamp(now)},
            )
            self._trim(wanted.reader, now)

    def _trim(self, reader: str, now: datetime) -> None:
        params = {"reader": reader, "old": stamp(now - _READ_MARKS_LIFETIME), "most": MAX_STARRED}
        self._db.run("delete from reader_marks where reader = :reader and kind = 'read' and at < :old", params)
        self._db.run(
            """delete from reader_marks where reader = :reader and kind = 'starred' and story_id in (
            select story_id from reader_marks where reader = :reader and kind = 'starred'
            order by at desc, story_id desc limit 9223372036854775807 offset :most)""",
            params,
        )
