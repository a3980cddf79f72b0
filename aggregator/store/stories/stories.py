"""Stories, ledger and ranking, as the engine writes and reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.model import Cause, Changes, LedgerLine, Ranking, Story
from aggregator.store import codec
from aggregator.store.codec import (
    STORY,
    STORY_COLUMNS,
    contributions_text,
    moment,
    stamp,
    stamp_or_none,
    story,
)
from aggregator.store.connection import Connection, upsert


class Stories:
    """`stories`, `ledger` and `ranking`; also writes `memberships`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Writing: part of the transaction that moves the watermark.

    def save(self, changes: Changes) -> None:
        """Store the changes of a step."""
        self._db.run_many(
            # An entry that moves to another story keeps the category that it was counted in.
            """insert into memberships
                (entry_id, story_id, joined_at, similarity, probability, reason, voice, counted_in)
            values (:entry_id, :story_id, :joined_at, :similarity, :probability, :reason, :voice, :counted_in)
            on conflict (entry_id) do update set
                story_id = excluded.story_id, joined_at = excluded.joined_at, similarity = excluded.similarity,
                probability = excluded.probability, reason = excluded.reason, voice = excluded.voice,
                counted_in = coalesce(excluded.counted_in, memberships.counted_in)""",
            [
                {
                    "entry_id": m.entry_id,
                    "story_id": m.story_id,
                    "joined_at": stamp(m.joined_at),
                    "similarity": m.similarity,
                    "probability": m.probability,
                    "reason": codec.reason_text(m.reason),
                    "voice": m.voice,
                    "counted_in": m.counted_in,
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
        # The address of a story follows its first entry, even if an editor moves that out of another story again.
        self._db.run_many(
            """update stories set merged_into = :into
            where story_id = :id and merged_into is not null and story_id != :into""",
            [{"id": m.entry_id, "into": m.story_id} for m in changes.memberships],
        )
        # Stories that had merged into a now merged one redirect directly.
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
        """Store the lists if the order of any changed; return whether it did.

        For trends see `refresh_trends`.
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
        """Store the trend of every listed story that changed by more than rounding."""
        trends = {story_id: trend for stories in ranking.values() for story_id, trend in stories}
        self._db.run_many(
            "update stories set trend = :trend where story_id = :id and abs(trend - :trend) > 0.005",
            [{"id": story_id, "trend": trend} for story_id, trend in sorted(trends.items())],
        )

    def drop(self) -> None:
        """Delete all derived data; the next update rebuilds it from the facts."""
        for table in ("stories", "memberships", "ledger", "ranking", "what_ifs", "places", "story_rules"):
            self._db.run(f"delete from {table}")

    def forget_pruned(self) -> None:
        """Delete data derived from pruned entries."""
        self._db.run("delete from memberships where entry_id not in (select entry_id from entries)")
        self._db.run("delete from stories where lead_entry_id not in (select entry_id from entries)")
        for table in ("memberships", "ledger", "ranking", "what_ifs", "places", "story_rules"):
            self._db.run(f"delete from {table} where story_id not in (select story_id from stories)")

    # Reading.

    def count(self) -> int:
        """Return the number of stories that are not merged."""
        return int(self._db.value("select count(*) from stories where merged_into is null"))

    def get(self, story_id: int) -> Story | None:
        """Return a story, even a merged one, or None."""
        row = self._db.row(f"select {STORY} from stories s where story_id = :id", {"id": story_id})
        return None if row is None else story(row)

    def resolve(self, story_id: int) -> int | None:
        """Return the story that an address finally leads to, following all merges.

        None for an unknown story, or one that merged into a pruned one.
        """
        # `union` removes duplicates, so that circular merges end too.
        value: int | None = self._db.value(
            """with recursive chain (story_id, merged_into) as (
                select story_id, merged_into from stories where story_id = :id
                union select s.story_id, s.merged_into from chain c join stories s on s.story_id = c.merged_into)
            select story_id from chain where merged_into is null""",
            {"id": story_id},
        )
        return value

    def voted(self) -> list[int]:
        """Return the IDs of the stories whose score includes their own vote."""
        rows = self._db.rows(
            "select story_id from stories where has_vote = 1 and merged_into is null order by story_id"
        )
        return [row["story_id"] for row in rows]

    def pinned(self) -> list[Story]:
        """Return the pinned stories, closed ones included, the last pinned first."""
        rows = self._db.rows(
            f"""select {STORY} from stories s where s.pinned = 1 and s.merged_into is null and s.hidden = 0
            order by (select max(d.at) from decisions d join memberships m on m.entry_id = d.story_id
            where d.kind = 'pin' and d.undone_at is null and m.story_id = s.story_id) desc, s.story_id desc"""
        )
        return [story(row) for row in rows]

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

    def updated_since(self, moment: datetime) -> Iterator[Story]:
        """Yield the stories that changed at or after *moment*."""
        for row in self._db.each(
            f"select {STORY} from stories s where updated_at >= :moment order by s.story_id", {"moment": stamp(moment)}
        ):
            yield story(row)

    def each(self) -> Iterator[Story]:
        """Yield every story, in order of first sight."""
        for row in self._db.each(f"select {STORY} from stories s order by s.story_id"):
            yield story(row)
