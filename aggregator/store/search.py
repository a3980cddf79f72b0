"""Full text search: entries found by words, shown as their stories."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from aggregator.model import Listed
from aggregator.store.connection import Connection
from aggregator.store.rows import stamp
from aggregator.store.stories import Sort, Stories

_TERM = re.compile(r'"[^"]*"|\S+')
MAX_TERMS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results and how many there are in all (counted up to a bound)."""

    stories: list[Listed]
    total: int


class Search:
    """`entries_fts`."""

    def __init__(self, connection: Connection, stories: Stories) -> None:
        self._db = connection
        self._stories = stories

    def stories(
        self,
        query: str,
        *,
        category_id: str | None = None,
        since: datetime | None = None,
        min_score: int = 0,
        min_sources: int = 0,
        sort: Sort | None = None,
        limit: int = 30,
        offset: int = 0,
    ) -> Found:
        """Return the stories with an entry that holds every word of *query*, the best match first.

        The query is text, never a query language: quotes make a phrase, and any other
        character that SQLite would read as an operator is inert. No word, no result.
        """
        match = match_expression(query)
        if not match:
            return Found([], 0)
        order = {
            None: "best, s.last_source_at desc, s.story_id desc",
            "newest": "min(s.first_seen_at, s.last_source_at) desc, s.story_id desc",
            "score": "s.relevance desc, s.story_id desc",
        }[sort]
        params = {
            "match": match,
            "category": category_id,
            "since": None if since is None else stamp(since),
            "min_score": min_score,
            "min_sources": min_sources,
            "limit": limit,
            "offset": offset,
        }
        matched = """with hits as (
                select rowid as entry_id, bm25(entries_fts, 3.0, 1.0) as rank from entries_fts
                where entries_fts match :match order by rank limit 5000)
            select s.story_id, min(hits.rank) as best from hits
            join memberships m using (entry_id) join stories s on s.story_id = m.story_id
            where s.merged_into is null and not s.hidden and (:category is null or s.category_id = :category)
            and (:since is null or s.last_source_at >= :since)
            and s.score >= :min_score and s.independent_sources >= :min_sources group by s.story_id"""
        rows = self._db.rows(f"{matched} order by {order} limit :limit offset :offset", params)
        total = int(self._db.value(f"select count(*) from ({matched})", params))
        found = [self._stories.listed(row["story_id"]) for row in rows]
        return Found([one for one in found if one is not None], total)


def match_expression(query: str) -> str:
    """Return *query* as an FTS5 expression of quoted strings, or "" when it holds no word.

    `gpu "data center"` becomes `"gpu" "data center"`: every part must occur.
    """
    parts = []
    for term in _TERM.findall(query.replace("\x00", " "))[:MAX_TERMS]:
        text = term.strip('"').replace('"', " ")
        if any(character.isalnum() for character in text):
            parts.append(f'"{text}"')
    return " ".join(parts)
