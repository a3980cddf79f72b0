"""Votes of editors, and anonymous counts of what readers saw and opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from aggregator.model import Impression, Vote
from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection


class Feedback:
    """`votes`, `views` and `impressions`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def vote(self, story_id: int, up: bool | None, at: datetime) -> None:
        """Store an editor's vote for a story; None removes it."""
        with self._db.transaction():
            if up is None:
                self._db.run("delete from votes where story_id = :id", {"id": story_id})
            else:
                self._db.run(
                    """insert into votes (story_id, up, voted_at) values (:id, :up, :at)
                    on conflict (story_id) do update set up = excluded.up, voted_at = excluded.voted_at""",
                    {"id": story_id, "up": int(up), "at": stamp(at)},
                )
            self._db.run(
                """insert into state (name, value) values ('votes', '1')
                on conflict (name) do update set value = cast(cast(state.value as integer) + 1 as text)"""
            )

    def votes(self) -> list[Vote]:
        """Return the current votes, by story, without those whose first entry was pruned."""
        rows = self._db.rows(
            """select v.story_id, v.up, v.voted_at, e.source_id, coalesce((select title_before from entry_edits x
            where x.entry_id = e.entry_id order by edit_id limit 1), e.title) as title
            from votes v join entries e on e.entry_id = v.story_id order by v.story_id"""
        )
        return [
            Vote(row["story_id"], bool(row["up"]), moment(row["voted_at"]), row["title"], row["source_id"])
            for row in rows
        ]

    def vote_of(self, story_id: int) -> bool | None:
        """Return the vote for a story; None without one."""
        up = self._db.value("select up from votes where story_id = :id", {"id": story_id})
        return None if up is None else bool(up)

    def votes_number(self) -> int:
        """Return a number that changes with every vote."""
        return int(self._db.value("select value from state where name = 'votes'") or 0)

    def add_views(self, people: Mapping[int, int], day: date) -> None:
        """Add the number of people who viewed each story on *day*."""
        with self._db.transaction():
            self._db.run_many(
                """insert into views (story_id, day, people) values (:story, :day, :people)
                on conflict (story_id, day) do update set people = views.people + excluded.people""",
                [
                    {"story": story_id, "day": day.isoformat(), "people": count}
                    for story_id, count in sorted(people.items())
                ],
            )

    def views(self, story_id: int) -> int:
        """Return how many people viewed a story."""
        return int(self._db.value("select coalesce(sum(people), 0) from views where story_id = :id", {"id": story_id}))

    def add_impressions(self, impressions: Iterable[Impression], day: date) -> None:
        """Add the impressions and clicks of *day*."""
        with self._db.transaction():
            self._db.run_many(
                """insert into impressions (story_id, day, place, people, opened)
                values (:story, :day, :place, :people, :opened)
                on conflict (story_id, day, place) do update
                set people = impressions.people + excluded.people, opened = impressions.opened + excluded.opened""",
                [
                    {
                        "story": impression.story_id,
                        "day": day.isoformat(),
                        "place": impression.place,
                        "people": impression.people,
                        "opened": impression.opened,
                    }
                    for impression in impressions
                ],
            )

    def impressions(self, since: date, until: date) -> list[Impression]:
        """Return impressions and clicks from *since* to *until*, inclusive, by story and position.

        Those of a merged story count for the story that absorbed it.
        """
        rows = self._db.rows(
            """select coalesce(m.story_id, i.story_id) as story, i.place, sum(i.people) as people,
            sum(i.opened) as opened
            from impressions i left join memberships m on m.entry_id = i.story_id
            where i.day between :since and :until group by 1, 2 order by 1, 2""",
            {"since": since.isoformat(), "until": until.isoformat()},
        )
        return [Impression(row["story"], row["place"], row["people"], row["opened"]) for row in rows]
