"""Stories as pages and feeds list them: each with its lead, its first source and its views."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.model import Entry, Listed
from aggregator.store.codec import ENTRY, LISTABLE, STORY, entry, moment, stamp, story
from aggregator.store.connection import Connection, Row

Sort = Literal["newest", "score"]

LISTED = f"""select {STORY}, {ENTRY},
    coalesce((select sum(people) from views v where v.story_id = s.story_id), 0) as views,
    (select f.source_id from entries f where f.entry_id = s.story_id) as first_source_id
    from stories s join entries e on e.entry_id = s.lead_entry_id"""
"""A story as a list shows it; `listed` reads the row."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Filters and order of a list."""

    category_id: str | None = None
    sort: Sort = "newest"
    since: datetime | None = None
    """Only stories that an independent source joined at or after this moment."""
    min_score: int = 0
    min_sources: int = 0
    """Independent sources."""
    limit: int = 30
    offset: int = 0


class StoryLists:
    """Reads `stories` and `ranking` for the lists of the site."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def ranked(self, name: str = "", limit: int = 30, offset: int = 0) -> list[Listed]:
        """Return a list as the worker last ranked it; "" is the front page, else a category."""
        rows = self._db.rows(
            f"""{LISTED} join ranking r on r.story_id = s.story_id
            where r.list = :name order by r.rank limit :limit offset :offset""",
            {"name": name, "limit": limit, "offset": offset},
        )
        return [listed(row) for row in rows]

    def select(self, query: ListQuery) -> list[Listed]:
        """Return the stories that *query* selects, in its order."""
        order = {
            "newest": f"{self._db.dialect.least('s.first_seen_at', 's.last_source_at')} desc, s.story_id desc",
            "score": "s.relevance desc, s.last_source_at desc, s.story_id desc",
        }[query.sort]
        rows = self._db.rows(
            # The page is chosen from the stories alone: sorting them with their texts costs ten times as much.
            f"""{LISTED} where s.story_id in (
                select s.story_id from stories s where {LISTABLE}
                and (cast(:category as text) is null or s.category_id = :category)
                and (cast(:since as text) is null or s.last_source_at >= :since)
                and s.score >= :min_score and s.independent_sources >= :min_sources
                order by {order} limit :limit offset :offset)
            order by {order}""",
            {
                "category": query.category_id,
                "since": None if query.since is None else stamp(query.since),
                "min_score": query.min_score,
                "min_sources": query.min_sources,
                "limit": query.limit,
                "offset": query.offset,
            },
        )
        return [listed(row) for row in rows]

    def listed(self, story_id: int) -> Listed | None:
        """Return a story as a list shows it, or None."""
        row = self._db.row(f"{LISTED} where s.story_id = :id", {"id": story_id})
        return None if row is None else listed(row)

    def listed_many(self, story_ids: Sequence[int]) -> list[Listed]:
        """Return stories as a list shows them, in the order of *story_ids*, without unknown ones."""
        rows = self._db.rows(
            f"{LISTED} where s.story_id in (select value from {self._db.dialect.integers('ids')})",
            {"ids": json.dumps(list(story_ids))},
        )
        by_id = {row["story_id"]: row for row in rows}
        return [listed(by_id[story_id]) for story_id in story_ids if story_id in by_id]

    def other_headlines(self, listed: Iterable[Listed], each: int = 4) -> dict[int, list[Entry]]:
        """Return, by story, its newest entries of sources other than the lead's, one per source."""
        value: dict[int, list[Entry]] = {}
        for item in listed:
            if item.story.entries < 2:
                continue
            rows = self._db.rows(
                f"""select {ENTRY} from entries e where e.entry_id in (
                    select max(o.entry_id) from memberships m join entries o using (entry_id)
                    where m.story_id = :id and o.source_id != :lead group by o.source_id)
                order by e.entry_id desc limit :each""",
                {"id": item.story.story_id, "lead": item.lead.source_id, "each": each},
            )
            value[item.story.story_id] = [entry(row) for row in rows]
        return value

    def voices(self, story_ids: Iterable[int]) -> dict[int, list[datetime]]:
        """Return, by story, the time at which each independent source joined, in order."""
        rows = self._db.rows(
            f"""select m.story_id, min(e.first_seen_at) as at from memberships m join entries e using (entry_id)
            where m.story_id in (select value from {self._db.dialect.integers("ids")})
            group by m.story_id, m.voice order by at""",
            {"ids": json.dumps(list(story_ids))},
        )
        value: dict[int, list[datetime]] = {}
        for row in rows:
            value.setdefault(row["story_id"], []).append(moment(row["at"]))
        return value

    def counts_by_category(self, since: datetime) -> dict[str, int]:
        """Return the number of stories of each category that grew at or after *since*."""
        rows = self._db.rows(
            f"""select category_id, count(*) from stories s
            where {LISTABLE} and last_source_at >= :since group by category_id""",
            {"since": stamp(since)},
        )
        return dict(map(tuple, rows))

    def newer_than(self, story_id: int) -> int:
        """Return how many unmerged stories began after that one."""
        return int(
            self._db.value(
                "select count(*) from stories where story_id > :id and merged_into is null", {"id": story_id}
            )
        )

    def newest_id(self) -> int:
        """Return the id of the story that began last, 0 without any."""
        return int(self._db.value("select max(story_id) from stories where merged_into is null") or 0)


def listed(row: Row) -> Listed:
    """Return the story in a row of `LISTED`."""
    return Listed(
        story=story(row),
        lead=entry(row),
        # The first entry may have been pruned before the story's lead.
        first_source_id=row["first_source_id"] or row["source_id"],
        views=row["views"],
    )
