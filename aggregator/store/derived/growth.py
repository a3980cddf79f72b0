"""The growth of stories within a span of time, for digests and previews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.store.codec import LISTABLE, moment_or_none, stamp
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class StoryGrowth:
    """A story with news in a span of time."""

    story_id: int
    category_id: str
    score: int
    before: int
    """Independent sources before the span; 0 for a story that began in it."""
    after: int
    """Independent sources at its end."""


class Growth:
    """Sums over `entries`, `memberships` and `stories`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def between(self, begin: datetime, end: datetime) -> list[StoryGrowth]:
        """Return the stories that an entry joined in [begin, end), the highest score first.

        Hidden and muted stories are left out, and so is the backlog of new sources.
        """
        rows = self._db.rows(
            f"""with news as (select distinct m.story_id from entries e join memberships m using (entry_id)
                where e.first_seen_at >= :begin and e.first_seen_at < :end and e.backlog = 0)
            select s.story_id, s.category_id, s.score,
            count(distinct case when e.first_seen_at < :begin then m.voice end) as before,
            count(distinct m.voice) as after
            from news join stories s using (story_id) join memberships m using (story_id)
            join entries e using (entry_id)
            where {LISTABLE} and e.first_seen_at < :end
            group by s.story_id order by s.score desc, after desc, s.story_id""",
            {"begin": stamp(begin), "end": stamp(end)},
        )
        return [StoryGrowth(*row) for row in rows]

    def first_day(self) -> datetime | None:
        """Return when the first entry was stored, or None."""
        return moment_or_none(self._db.value("select min(first_seen_at) from entries"))
