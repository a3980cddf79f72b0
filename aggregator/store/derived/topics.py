"""Topics: terms that rise now, those that rose before, and their entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregator.model import Entry, Listed, Topic
from aggregator.store.codec import ENTRY, LISTABLE, entry, moment, stamp
from aggregator.store.connection import Connection, Row, upsert
from aggregator.store.stories.story_lists import LISTED, listed

_COLUMNS = "slug, name, position, chance, burst, entries, sources, usual_per_day, updated_at"

LOOKED_AT = "topics_at"
"""The name in `state` of the time of the last computation."""


class Topics:
    """`topics` and `topic_entries`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Writing: the worker's.

    def replace(self, rising: Sequence[tuple[Topic, Sequence[int]]], at: datetime) -> bool:
        """Store the rising topics, strongest first, each with its entries; return whether the list of names changed.

        A topic that no longer rises keeps its row, without a position.
        """
        self._db.run(upsert("state", ("name",), ("value",)), {"name": LOOKED_AT, "value": stamp(at)})
        before = [topic.slug for topic in self.rising(limit=1_000)]
        self._db.run("update topics set position = null where position is not null")
        for position, (topic, entry_ids) in enumerate(rising, start=1):
            self._db.run(
                upsert("topics", ("slug",), tuple(_COLUMNS.removeprefix("slug, ").split(", "))),
                {
                    "slug": topic.slug,
                    "name": topic.name,
                    "position": position,
                    "chance": topic.chance,
                    "burst": topic.burst,
                    "entries": topic.entries,
                    "sources": topic.sources,
                    "usual_per_day": topic.usual_per_day,
                    "updated_at": stamp(at),
                },
            )
            self._db.run("delete from topic_entries where slug = :slug", {"slug": topic.slug})
            self._db.run_many(
                "insert into topic_entries (slug, entry_id) values (:slug, :id)",
                [{"slug": topic.slug, "id": entry_id} for entry_id in entry_ids],
            )
        return before != [topic.slug for topic, _ in rising]

    def forget(self, before: datetime) -> None:
        """Delete topics that last rose before a moment, and entries that were pruned."""
        self._db.run("delete from topics where position is null and updated_at < :before", {"before": stamp(before)})
        self._db.run(
            """delete from topic_entries where slug not in (select slug from topics)
            or entry_id not in (select entry_id from entries)"""
        )

    def drop(self) -> None:
        """Delete all topics; the next update computes them again."""
        for table in ("topics", "topic_entries"):
            self._db.run(f"delete from {table}")
        self._db.run("delete from state where name = :name", {"name": LOOKED_AT})

    def looked_at(self) -> datetime | None:
        """Return the time of the last computation, or None."""
        text = self._db.value("select value from state where name = :name", {"name": LOOKED_AT})
        return None if text is None else moment(text)

    # Reading.

    def rising(self, limit: int = 10) -> list[Topic]:
        """Return the topics that rise now, strongest first."""
        rows = self._db.rows(
            f"select {_COLUMNS} from topics where position is not null order by position limit :limit",
            {"limit": limit},
        )
        return [_topic(row) for row in rows]

    def get(self, slug: str) -> Topic | None:
        """Return a topic, also one that no longer rises; None when it never did."""
        row = self._db.row(f"select {_COLUMNS} from topics where slug = :slug", {"slug": slug})
        return None if row is None else _topic(row)

    def stories(self, slug: str, limit: int = 30, offset: int = 0) -> list[Listed]:
        """Return the stories with entries of a topic: those with most first, then the newest."""
        rows = self._db.rows(
            f"""{LISTED} join (select m.story_id, count(*) as held from topic_entries t
            join memberships m using (entry_id) where t.slug = :slug group by m.story_id) h on h.story_id = s.story_id
            where {LISTABLE}
            order by h.held desc, s.last_source_at desc, s.story_id desc limit :limit offset :offset""",
            {"slug": slug, "limit": limit, "offset": offset},
        )
        return [listed(row) for row in rows]

    def scores(self, entry_ids: Sequence[int]) -> list[tuple[int, bool]]:
        """Return, for each story with any of these entries, its score and whether that is provisional."""
        rows = self._db.rows(
            f"""select score, provisional from stories where story_id in (select story_id from memberships
            where entry_id in (select value from {self._db.dialect.integers("ids")})) order by story_id""",
            {"ids": json.dumps(list(entry_ids))},
        )
        return [(row["score"], bool(row["provisional"])) for row in rows]

    def entries(self, slug: str, limit: int = 100) -> list[Entry]:
        """Return the newest entries of a topic."""
        rows = self._db.rows(
            f"""select {ENTRY} from topic_entries t join entries e using (entry_id) where t.slug = :slug
            order by e.first_seen_at desc, e.entry_id desc limit :limit""",
            {"slug": slug, "limit": limit},
        )
        return [entry(row) for row in rows]

    def history(
        self, slug: str, until: datetime, step: timedelta = timedelta(hours=6), steps: int = 32
    ) -> list[tuple[datetime, int, int]]:
        """Return how a topic came about: the begin of each step, its entries and their sources, oldest first.

        The last step ends at *until*; steps without an entry are there too, with 0.
        """
        begin = until - step * steps
        counts: list[tuple[int, set[str]]] = [(0, set()) for _ in range(steps)]
        for row in self._db.rows(
            """select e.first_seen_at, e.source_id from topic_entries t join entries e using (entry_id)
            where t.slug = :slug and e.first_seen_at > :begin and e.first_seen_at <= :until""",
            {"slug": slug, "begin": stamp(begin), "until": stamp(until)},
        ):
            at = min(int((moment(row["first_seen_at"]) - begin) / step), steps - 1)
            count, sources = counts[at]
            counts[at] = (count + 1, sources | {row["source_id"]})
        return [(begin + step * i, count, len(sources)) for i, (count, sources) in enumerate(counts)]


def _topic(row: Row) -> Topic:
    return Topic(
        slug=row["slug"],
        name=row["name"],
        position=row["position"],
        chance=row["chance"],
        burst=row["burst"],
        entries=row["entries"],
        sources=row["sources"],
        usual_per_day=row["usual_per_day"],
        updated_at=moment(row["updated_at"]),
    )
