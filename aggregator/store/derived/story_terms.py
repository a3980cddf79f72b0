"""Word frequencies among all entries, and closed stories that share words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection

MAX_TITLES = 8
"""Headlines of a story that are compared: the first ones, which name the event."""


@dataclass(frozen=True, slots=True)
class SimilarStory:
    """A story, by the headlines of its first entries."""

    story_id: int
    headline: str
    titles: tuple[str, ...]
    source_ids: frozenset[str]
    last_source_at: datetime


class StoryTerms:
    """Words and stories as the text index has them."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def spread(self, words: Sequence[str]) -> tuple[int, dict[str, int]]:
        """Return the number of entries, and of entries that contain each of *words* (lower case, no accents)."""
        return int(self._db.value("select count(*) from entries")), dict(self._db.text_index.spread(words))

    def similar(self, story_id: int) -> SimilarStory | None:
        """Return a story by its headlines, or None."""
        row = self._db.row(
            "select headline, last_source_at from stories where story_id = :id and merged_into is null",
            {"id": story_id},
        )
        if row is None:
            return None
        titles = self._db.rows(
            f"""select e.title from memberships m join entries e using (entry_id) where m.story_id = :id
            order by e.first_seen_at, e.entry_id limit {MAX_TITLES}""",
            {"id": story_id},
        )
        sources = self._db.rows(
            """select distinct e.source_id from memberships m join entries e using (entry_id)
            where m.story_id = :id""",
            {"id": story_id},
        )
        return SimilarStory(
            story_id,
            row["headline"],
            tuple(title["title"] for title in titles),
            frozenset(source["source_id"] for source in sources),
            datetime.fromisoformat(row["last_source_at"]),
        )

    def sharing(self, words: Sequence[str], *, after: datetime, before: datetime, limit: int = 12) -> list[int]:
        """Return the stories with a last entry between two moments and any of *words*, the best first."""
        hits = self._db.text_index.best(words, 200)
        rows = self._db.rows(
            f"""with hits as ({hits.sql})
            select s.story_id, min(hits.text) as best from hits
            join memberships m using (entry_id) join stories s on s.story_id = m.story_id
            where s.merged_into is null and s.hidden = 0 and s.last_source_at > :after and s.last_source_at < :before
            group by s.story_id order by best, s.story_id limit :limit""",
            {
                **hits.params,
                "after": stamp(after),
                "before": stamp(before),
                "limit": limit,
            },
        )
        return [row["story_id"] for row in rows]
