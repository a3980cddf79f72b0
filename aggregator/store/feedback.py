"""What readers did, without knowing who they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from aggregator.store.connection import Connection


class Feedback:
    """`views`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add_views(self, people: Mapping[int, int], day: date) -> None:
        """Add to each story the number of people who looked at it on *day*."""
        with self._db.transaction():
            self._db.run_many(
                """insert into views (story_id, day, people) values (:story, :day, :people)
                on conflict do update set people = people + :people""",
                [
                    {"story": story_id, "day": day.isoformat(), "people": count}
                    for story_id, count in sorted(people.items())
                ],
            )

    def views(self, story_id: int) -> int:
        """Return how many people looked at a story."""
        return int(self._db.value("select coalesce(sum(people), 0) from views where story_id = :id", {"id": story_id}))
