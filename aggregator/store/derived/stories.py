"""Stories, memberships, ledger and ranking: everything that scoring derives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.model import Cause, Changes, Entry, LedgerLine, Listed, Membership, Ranking, Story
from aggregator.store import codec
from aggregator.store.codec import (
    ENTRY,
    LISTABLE,
    STORY,
    STORY_COLUMNS,
    contributions_text,
    entry,
    entry_columns,
    membership,
    moment,
    stamp,
    stamp_or_none,
    story,
)
from aggregator.store.connection import Connection, Row, upsert
from aggregator.store.meaning.embeddings import with_embeddings

Sort = Literal["newest", "score"]

LISTED = f"""select {STORY}, {ENTRY},
    coalesce((select sum(people) from views v where v.story_id = s.story_id), 0) as views,
    (select f.source_id from entries f where f.entry_id = s.story_id) as first_source_id
    from stories s join entries e on e.entry_id = s.lead_entry_id"""
"""A story as a list shows it; `listed` reads the row."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which stories, in which order."""

    category_id: str | None = None
    sort: Sort = "newest"
    since: datetime | None = None
    """Only stories with news of an independent voice at or after this moment."""
    min_score: int = 0
    min_sources: int = 0
    """Independent ones."""
    limit: int = 30
    offset: int = 0


class Stories:
    """`stories`, `memberships`, `ledger` and `ranking`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Writing: part of the transaction that moves the watermark.

    def save(self, changes: Changes) -> None:
        """Write what a step changed."""
        self._db.run_many(
            upsert(
                "memberships", ("entry_id",), ("story_id", "joined_at", "similarity", "probability", "reason", "voice")
            ),
            [
                {
                    "entry_id": m.entry_id,
                    "story_id": m.story_id,
                    "joined_at": stamp(m.joined_at),
                    "similarity": m.similarity,
                    "probability": m.probability,
                    "reason": codec.reason_text(m.reason),
                    "voice": m.voice,
                }
                for m in changes.memberships
            ],
        )
        self._db.run_many(
            upsert("stories", ("story_id",), STORY_COLUMNS),
            [
                {
                    "story_id": s.story_id,
                    "headline": s.headline,
                    "summary": s.summary,
                    "lead_entry_id": s.lead_entry_id,
                    "category_id": s.category_id,
                    "first_seen_at": stamp(s.first_seen_at),
                    "last_source_at": stamp(s.last_source_at),
                    "updated_at": stamp(s.updated_at),
                    "entries": s.entries,
                    "sources": s.sources,
                    "independent_sources": s.independent_sources,
                    "score": s.score,
                    "relevance": s.relevance,
                    "provisional": s.provisional,
                    "trend": s.trend,
                    "contributions": contributions_text(s.contributions),
                    "has_vote": int(any(part.name == "vote" for part in s.contributions)),
                    "merged_into": s.merged_into,
                    "hidden": int(s.hidden),
                    "pinned": int(s.pinned),
                    "published_at": stamp_or_none(s.published_at),
                }
                for s in changes.stories
            ],
        )
        # An address leads to where its entry is, also when an editor takes that out of another story again.
        self._db.run_many(
            """update stories set merged_into = :into
            where story_id = :id and merged_into is not null and story_id != :into""",
            [{"id": m.entry_id, "into": m.story_id} for m in changes.memberships],
        )
        # What had become part of a story that now is part of another leads there at once.
        self._db.run_many(
            "update stories set merged_into = :into where merged_into = :id",
            [{"id": s.story_id, "into": s.merged_into} for s in changes.stories if s.merged_into is not None],
        )
        self._db.run_many(
            """insert into ledger (story_id, at, cause, words, score_before, score_after, entry_id)
            values (:story_id, :at, :cause, :words, :before, :after, :entry_id)""",
            [
                {
                    "story_id": line.story_id,
                    "at": stamp(line.at),
                    "cause": line.cause.value,
                    "words": codec.reason_text(line.reason),
                    "before": line.score_before,
                    "after": line.score_after,
                    "entry_id": line.entry_id,
                }
                for line in changes.ledger
            ],
        )

    def rank(self, ranking: Ranking) -> bool:
        """Write the lists when the order of any changed; return whether it did.

        The stories' trend is another matter: see `refresh_trends`.
        """
        before: dict[str, list[int]] = {}
        for row in self._db.rows("select list, story_id from ranking order by list, rank"):
            before.setdefault(row["list"], []).append(row["story_id"])
        after = {name: [story_id for story_id, _ in stories] for name, stories in ranking.items() if stories}
        if before == after:
            return False
        self._db.run("delete from ranking")
        self._db.run_many(
            "insert into ranking (list, rank, story_id, trend) values (:list, :rank, :story_id, :trend)",
            [
                {"list": name, "rank": rank, "story_id": story_id, "trend": trend}
                for name, stories in ranking.items()
                for rank, (story_id, trend) in enumerate(stories, start=1)
            ],
        )
        return True

    def refresh_trends(self, ranking: Ranking) -> None:
        """Write the trend of every listed story where it is another by more than what rounding shows."""
        trends = {story_id: trend for stories in ranking.values() for story_id, trend in stories}
        self._db.run_many(
            "update stories set trend = :trend where story_id = :id and abs(trend - :trend) > 0.005",
            [{"id": story_id, "trend": trend} for story_id, trend in sorted(trends.items())],
        )

    def drop(self) -> None:
        """Drop everything derived; the next update rebuilds it from the facts."""
        for table in ("stories", "memberships", "ledger", "ranking", "what_ifs", "places", "story_rules"):
            self._db.run(f"delete from {table}")

    def forget_pruned(self) -> None:
        """Drop what is derived from entries that are no longer kept."""
        self._db.run("delete from memberships where entry_id not in (select entry_id from entries)")
        self._db.run("delete from stories where lead_entry_id not in (select entry_id from entries)")
        for table in ("memberships", "ledger", "ranking", "what_ifs", "places", "story_rules"):
            self._db.run(f"delete from {table} where story_id not in (select story_id from stories)")

    # Reading.

    def count(self) -> int:
        """Return how many stories stand for themselves."""
        return int(self._db.value("select count(*) from stories where merged_into is null"))

    def get(self, story_id: int) -> Story | None:
        """Return a story, also one that was merged into another; None when there is none."""
        row = self._db.row(f"select {STORY} from stories s where story_id = :id", {"id": story_id})
        return None if row is None else story(row)

    def resolve(self, story_id: int) -> int | None:
        """Return the story that an address leads to in the end: its own, or the one it was merged into, however often.

        None where there is no such story, or it was merged into one that is no longer kept.
        """
        # `union` drops what was seen before, so that merges in a circle end, too.
        value: int | None = self._db.value(
            """with recursive chain (story_id, merged_into) as (
                select story_id, merged_into from stories where story_id = :id
                union select s.story_id, s.merged_into from chain c join stories s on s.story_id = c.merged_into)
            select story_id from chain where merged_into is null""",
            {"id": story_id},
        )
        return value

    def of_entry(self, entry_id: int) -> int | None:
        """Return the id of the story that an entry belongs to, or None."""
        value: int | None = self._db.value("select story_id from memberships where entry_id = :id", {"id": entry_id})
        return value

    def voted(self) -> list[int]:
        """Return the ids of the stories whose score holds a vote of its own."""
        rows = self._db.rows(
            "select story_id from stories where has_vote = 1 and merged_into is null order by story_id"
        )
        return [row["story_id"] for row in rows]

    def listed(self, story_id: int) -> Listed | None:
        """Return a story as a list shows it, or None."""
        row = self._db.row(f"{LISTED} where s.story_id = :id", {"id": story_id})
        return None if row is None else listed(row)

    def ranked(self, name: str = "", limit: int = 30, offset: int = 0) -> list[Listed]:
        """Return a list as the worker last ranked it; "" is the front page, else a category."""
        rows = self._db.rows(
            f"""{LISTED} join ranking r on r.story_id = s.story_id
            where r.list = :name order by r.rank limit :limit offset :offset""",
            {"name": name, "limit": limit, "offset": offset},
        )
        return [listed(row) for row in rows]

    def select(self, query: ListQuery) -> list[Listed]:
        """Return the stories that *query* asks for, in its order."""
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

    def pinned(self) -> list[Story]:
        """Return the stories that editors pinned, also such as are over; what was pinned last stands first."""
        rows = self._db.rows(
            f"""select {STORY} from stories s where s.pinned = 1 and s.merged_into is null and s.hidden = 0
            order by (select max(d.at) from decisions d join memberships m on m.entry_id = d.story_id
            where d.kind = 'pin' and d.undone_at is null and m.story_id = s.story_id) desc, s.story_id desc"""
        )
        return [story(row) for row in rows]

    def members(self, story_id: int) -> list[tuple[Entry, Membership]]:
        """Return the entries of a story with the reason of each, oldest first."""
        rows = self._db.rows(
            f"""select {ENTRY}, m.* from memberships m join entries e using (entry_id)
            where m.story_id = :id order by e.first_seen_at, e.entry_id""",
            {"id": story_id},
        )
        return [(entry(row), membership(row)) for row in rows]

    def members_at(self, story_id: int, at: datetime) -> list[tuple[Entry, Membership]]:
        """Return the entries of a story as `members` does, with title and summary as they were at a moment.

        The link is the canonical one: what else a source changes of an entry leaves no trace, and that one stays.
        """
        then = {
            text: f"""coalesce((select {text}_before from entry_edits x where x.entry_id = e.entry_id and x.at > :at
            order by edit_id limit 1), e.{text})"""
            for text in ("title", "summary")
        }
        rows = self._db.rows(
            f"""select {entry_columns(link="e.canonical_link", **then)}, m.* from memberships m
            join entries e using (entry_id) where m.story_id = :id order by e.first_seen_at, e.entry_id""",
            {"id": story_id, "at": stamp(at)},
        )
        return list(zip(with_embeddings(self._db, list(map(entry, rows))), map(membership, rows), strict=True))

    def other_headlines(self, listed: Iterable[Listed], each: int = 4) -> dict[int, list[Entry]]:
        """Return, by story, its newest entries of sources other than the lead's, one a source."""
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
        """Return, by story, when each of its independent voices first spoke, in their order."""
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

    def newer_than(self, story_id: int) -> int:
        """Return how many stories began after that one and stand for themselves."""
        return int(
            self._db.value(
                "select count(*) from stories where story_id > :id and merged_into is null", {"id": story_id}
            )
        )

    def newest_id(self) -> int:
        """Return the id of the story that began last, 0 without any."""
        return int(self._db.value("select max(story_id) from stories where merged_into is null") or 0)

    def ledger(self, story_id: int) -> list[LedgerLine]:
        """Return every change of a story's score and membership, oldest first."""
        rows = self._db.rows("select * from ledger where story_id = :id order by line_id", {"id": story_id})
        return [
            LedgerLine(
                story_id=row["story_id"],
                at=moment(row["at"]),
                cause=Cause(row["cause"]),
                reason=codec.reason(row["words"]),
                score_before=row["score_before"],
                score_after=row["score_after"],
                entry_id=row["entry_id"],
            )
            for row in rows
        ]

    def counts_by_category(self, since: datetime) -> dict[str, int]:
        """Return how many stories of each category had news at or after *since*."""
        rows = self._db.rows(
            f"""select category_id, count(*) from stories s
            where {LISTABLE} and last_source_at >= :since group by category_id""",
            {"since": stamp(since)},
        )
        return dict(map(tuple, rows))

    def history(self, since: datetime | None, until: datetime) -> Iterator[tuple[Entry, Membership]]:
        """Yield entries that arrived after *since* up to *until*, in order, with where they ended.

        What the engine needs to go on as if it had never stopped, and what training learns from.
        """
        for row in self._db.each(
            f"""select {ENTRY}, m.* from entries e join memberships m using (entry_id)
            where e.first_seen_at > :since and e.first_seen_at <= :until order by e.first_seen_at, e.entry_id""",
            {"since": "" if since is None else stamp(since), "until": stamp(until)},
        ):
            yield entry(row), membership(row)

    def memberships(self, since: datetime) -> Iterator[Membership]:
        """Yield where the entries that arrived after *since* were put."""
        for row in self._db.each(
            "select m.* from entries e join memberships m using (entry_id) where e.first_seen_at > :since",
            {"since": stamp(since)},
        ):
            yield membership(row)

    def updated_since(self, moment: datetime) -> Iterator[Story]:
        """Yield the stories of which anything changed at or after *moment*."""
        for row in self._db.each(
            f"select {STORY} from stories s where updated_at >= :moment order by s.story_id", {"moment": stamp(moment)}
        ):
            yield story(row)

    def each(self) -> Iterator[Story]:
        """Yield every story, in order of first sight."""
        for row in self._db.each(f"select {STORY} from stories s order by s.story_id"):
            yield story(row)


def listed(row: Row) -> Listed:
    """Return what `LISTED` reads."""
    return Listed(
        story=story(row),
        lead=entry(row),
        # The first entry is gone where retention forgot it before the story's lead.
        first_source_id=row["first_source_id"] or row["source_id"],
        views=row["views"],
    )
