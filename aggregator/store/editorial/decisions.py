"""Editors' decisions about stories: they are undone, but never deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from aggregator.errors import DecisionError
from aggregator.model import Decision, DecisionKind
from aggregator.store.codec import decision, stamp
from aggregator.store.connection import Connection
from aggregator.store.entries import Entries
from aggregator.store.events.pending import PendingSteps
from aggregator.store.stories.stories import Stories
from aggregator.translatable import Translatable


class Decisions:
    """`decisions`.

    Writing one is all: the worker takes it in as it takes in a poll, within a second. Stories and entries
    are meant as they are at that moment; an address that leads to another story means that one.
    """

    def __init__(self, connection: Connection, entries: Entries, stories: Stories, pending: PendingSteps) -> None:
        self._db = connection
        self._entries = entries
        self._pending = pending
        self._stories = stories

    def decide(
        self,
        kind: DecisionKind,
        *,
        story_id: int,
        entry_ids: Sequence[int] = (),
        into_id: int | None = None,
        category_id: str = "",
        now: datetime,
    ) -> Decision:
        """Store an editor's decision about a story, in a transaction of its own, and return it.

        entry_ids:   SPLIT and MOVE: the entries that leave it
        into_id:     MERGE and MOVE: the other story
        category_id: CATEGORY: what is right; whether there is such a one is for the caller to know

        DecisionError says in words what cannot be.
        """
        with self._db.transaction():
            story_id = self._standing(story_id)
            members = self._entry_ids_of(story_id)
            into = None if into_id is None else self._standing(into_id)
            leaving = tuple(sorted(set(entry_ids)))
            match kind:
                case DecisionKind.SPLIT | DecisionKind.MOVE:
                    staying = self._without(story_id, members, leaving)
                    if kind is DecisionKind.SPLIT:
                        if not staying:
                            raise DecisionError(
                                Translatable(
                                    "story %(story)s would be empty: leave at least one entry in it",
                                    story=str(story_id),
                                )
                            )
                        return self._write(now, kind, story_id, leaving, staying)
                    into = self._other(story_id, into)
                    return self._write(now, kind, story_id, leaving, staying, into, self._entry_ids_of(into))
                case DecisionKind.MERGE:
                    into = self._other(story_id, into)
                    return self._write(now, kind, story_id, members, self._entry_ids_of(into), into)
                case DecisionKind.CATEGORY:
                    if not category_id:
                        raise DecisionError(Translatable("name a category"))
                    return self._write(now, kind, story_id, members, category_id=category_id)
                case DecisionKind.HIDE | DecisionKind.PIN:
                    if self._db.value(f"select {_FLAG[kind]} from stories where story_id = :id", {"id": story_id}):
                        raise DecisionError(_already(kind, story_id))
                    return self._write(now, kind, story_id, members)

    def undo(self, decision_id: int, now: datetime) -> Decision:
        """Undo a decision, in a transaction of its own, and return it; DecisionError if none is in force."""
        with self._db.transaction():
            decided = self.get(decision_id)
            if decided is None:
                raise DecisionError(Translatable("there is no decision %(id)s", id=str(decision_id)))
            if decided.undone_at is not None:
                raise DecisionError(
                    Translatable(
                        "decision %(id)s was already undone on %(day)s", id=str(decision_id), day=decided.undone_at
                    )
                )
            at = self._entries.arrival_moment(now)
            self._db.run(
                "update decisions set undone_at = :at where decision_id = :id", {"at": stamp(at), "id": decision_id}
            )
            self._pending.add_decision(decision_id, at, is_undo=True)
            undone = self.get(decision_id)
            assert undone is not None
            return undone

    def get(self, decision_id: int) -> Decision | None:
        """Return a decision, or None."""
        row = self._db.row("select * from decisions where decision_id = :id", {"id": decision_id})
        return None if row is None else decision(row)

    def standing(self, at: datetime | None = None) -> list[Decision]:
        """Return the decisions in force, now or after the events of a moment, oldest first."""
        rows = self._db.rows(
            """select * from decisions where (cast(:at as text) is null and undone_at is null)
            or (at <= :at and (undone_at is null or undone_at > :at)) order by at""",
            {"at": None if at is None else stamp(at)},
        )
        return [decision(row) for row in rows]

    def history(self, limit: int = 50) -> list[Decision]:
        """Return the last decisions, also those that were undone, newest first."""
        rows = self._db.rows("select * from decisions order by at desc limit :limit", {"limit": limit})
        return [decision(row) for row in rows]

    def of_story(self, story_id: int) -> list[Decision]:
        """Return the decisions in force on any entry of a story, oldest first."""
        numbers = self._db.dialect.integers_of
        rows = self._db.rows(
            f"""select * from decisions d where undone_at is null and exists (
                select 1 from memberships m where m.story_id = :id and m.entry_id in (
                    select value from {numbers("d.entry_ids")} union all select value from {numbers("d.other_ids")}
                    union all select value from {numbers("d.into_ids")})) order by at""",
            {"id": story_id},
        )
        return [decision(row) for row in rows]

    # Inside

    def _write(
        self,
        now: datetime,
        kind: DecisionKind,
        story_id: int,
        entry_ids: tuple[int, ...],
        other_ids: tuple[int, ...] = (),
        into_id: int | None = None,
        into_ids: tuple[int, ...] = (),
        *,
        category_id: str = "",
    ) -> Decision:
        at = self._entries.arrival_moment(now)
        decision_id = self._db.insert(
            "decisions",
            {
                "at": stamp(at),
                "kind": kind.value,
                "story_id": story_id,
                "entry_ids": json.dumps(entry_ids),
                "other_ids": json.dumps(other_ids),
                "into_id": into_id,
                "into_ids": json.dumps(into_ids),
                "category_id": category_id,
            },
            "decision_id",
        )
        self._pending.add_decision(decision_id, at)
        return Decision(decision_id, kind, at, story_id, entry_ids, other_ids, into_id, into_ids, category_id)

    def _standing(self, story_id: int) -> int:
        """Return the story that an address leads to."""
        resolved = self._stories.resolve(story_id)
        if resolved is None:
            raise DecisionError(Translatable("there is no story %(story)s", story=str(story_id)))
        return resolved

    def _entry_ids_of(self, story_id: int) -> tuple[int, ...]:
        rows = self._db.rows(
            "select entry_id from memberships where story_id = :id order by entry_id", {"id": story_id}
        )
        return tuple(row["entry_id"] for row in rows)

    @staticmethod
    def _without(story_id: int, members: Sequence[int], leaving: Sequence[int]) -> tuple[int, ...]:
        if not leaving:
            raise DecisionError(Translatable("no entry of story %(story)s is named", story=str(story_id)))
        for entry_id in leaving:
            if entry_id not in members:
                raise DecisionError(
                    Translatable("entry %(entry)s is not in story %(story)s", entry=str(entry_id), story=str(story_id))
                )
        return tuple(entry_id for entry_id in members if entry_id not in leaving)

    @staticmethod
    def _other(story_id: int, into: int | None) -> int:
        if into is None:
            raise DecisionError(Translatable("name the other story"))
        if into == story_id:
            raise DecisionError(Translatable("story %(story)s cannot be merged with itself", story=str(story_id)))
        return into


def _already(kind: DecisionKind, story_id: int) -> str:
    if kind is DecisionKind.HIDE:
        return Translatable("story %(story)s is hidden already", story=str(story_id))
    return Translatable("story %(story)s is pinned already", story=str(story_id))


_FLAG = {DecisionKind.HIDE: "hidden", DecisionKind.PIN: "pinned"}
