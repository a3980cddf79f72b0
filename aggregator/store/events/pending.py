"""Steps that are stored but not yet processed by the scorer: read in order, settled with the results.

A poll proposes its own time as the moment of its entries. With several pollers a step with an earlier moment can be
committed later, two can have one moment, and a clock can be wrong. So the moment that counts, strictly later than
that of any step before, is settled here by the one process that takes steps. With one poller it is nearly always the
proposed one, and no entry is written again. The order of IDs is settled with it (`cluster.entry_numbers`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aggregator.errors import StoreError
from aggregator.model import Edit, Entry, Event, Undo
from aggregator.store.cluster.entry_numbers import EntryNumbers
from aggregator.store.codec import AS_ARRIVED, decision, edit, entry, moment, stamp
from aggregator.store.connection import Connection, Row
from aggregator.store.events.log import EventLog

TICK = timedelta(microseconds=1)
"""The least difference of two moments, which are stored in microseconds."""
TOLERANCE = timedelta(minutes=1)
"""How far ahead of the scorer's clock a proposed moment may be."""


@dataclass(frozen=True, slots=True)
class PendingStep:
    """A step for the engine."""

    step_id: int
    moment: datetime
    """The moment to settle; strictly later than that of any earlier step."""
    proposed_at: datetime
    source_id: str | None
    """The source of a poll; None for a decision."""
    decision_id: int | None
    is_undo: bool
    events: Sequence[Event]
    """Already with the moment and the entry IDs to settle."""
    new_ids: Mapping[int, int] = field(default_factory=dict)
    """New IDs by stored IDs; empty if the stored ones ascend already."""


Batch = tuple[Sequence[tuple[datetime, Sequence[Event]]], Sequence[PendingStep]]
"""Steps in order, each with its moment and events; and those of them that are not settled yet."""


class PendingSteps:
    """`pending_steps`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._numbers = EntryNumbers(connection) if connection.has_several_writers else None

    def add_poll(self, source_id: str, at: datetime) -> None:
        """Add a step for the entries and edits of a source at *at*; part of the transaction that stores them."""
        self._db.run(
            "insert into pending_steps (proposed_at, source_id) values (:at, :source)",
            {"at": stamp(at), "source": source_id},
        )

    def add_decision(self, decision_id: int, at: datetime, *, is_undo: bool = False) -> None:
        """Add a step for a decision or its undo; part of the transaction that stores it."""
        self._db.run(
            "insert into pending_steps (proposed_at, decision_id, is_undo) values (:at, :id, :undo)",
            {"at": stamp(at), "id": decision_id, "undo": int(is_undo)},
        )

    def count(self) -> int:
        """Return the number of pending steps."""
        return int(self._db.value("select count(*) from pending_steps"))

    def next(self, after: datetime | None, now: datetime, limit: int) -> list[PendingStep]:
        """Return the next *limit* steps, each with the moment to settle.

        after: the moment of the last processed step, or None
        now:   a moment much later than this comes from a wrong clock
        """
        steps: list[PendingStep] = []
        settled: dict[int, datetime] = {}
        for row in self._db.rows(
            "select * from pending_steps order by proposed_at, step_id limit :limit", {"limit": limit}
        ):
            proposed_at = moment(row["proposed_at"])
            at = proposed_at if proposed_at <= now + TOLERANCE else now
            after = self._free(row, at if after is None else max(at, after + TICK))
            if row["decision_id"] is None:
                events = self._of_poll(row, after)
            else:
                events = self._of_decision(row, after, settled)
                if not row["is_undo"]:
                    settled[row["decision_id"]] = after
            steps.append(
                PendingStep(
                    row["step_id"],
                    after,
                    proposed_at,
                    row["source_id"],
                    row["decision_id"],
                    bool(row["is_undo"]),
                    events,
                )
            )
        return self._numbered(steps)

    def settle(self, steps: Sequence[PendingStep]) -> None:
        """Store the moments of steps and remove them from the list; part of the transaction of the engine's results.

        StoreError if another scorer has processed one of them: the engine's results must not be stored.
        """
        taken = self._db.run_counted(
            f"delete from pending_steps where step_id in (select value from {self._db.dialect.integers('ids')})",
            {"ids": json.dumps([step.step_id for step in steps])},
        )
        if taken != len(steps):
            raise StoreError("another scorer has processed the pending steps; restarting from the store")
        for step in steps:
            if step.moment != step.proposed_at:
                self._move(step)
            if step.new_ids and self._numbers is not None:
                self._numbers.write(step.new_ids)

    def _numbered(self, steps: list[PendingStep]) -> list[PendingStep]:
        """Return *steps* with ascending entry IDs, above all earlier ones."""
        if self._numbers is None:
            return steps
        last = self._numbers.last()
        renumbered: dict[int, int] = {}
        numbered = []
        for step in steps:
            entry_ids = [event.entry_id for event in step.events if isinstance(event, Entry)]
            new_ids: Mapping[int, int] = {}
            if entry_ids and entry_ids[0] <= last:
                new_ids = self._numbers.fresh(entry_ids)
                renumbered |= new_ids
            if entry_ids:
                last = renumbered.get(entry_ids[-1], entry_ids[-1])
            # An edit may be of an entry of an earlier step.
            events = [
                replace(event, entry_id=renumbered.get(event.entry_id, event.entry_id))
                if isinstance(event, (Entry, Edit))
                else event
                for event in step.events
            ]
            numbered.append(replace(step, events=events, new_ids=new_ids) if renumbered else step)
        return numbered

    def _free(self, row: Row, at: datetime) -> datetime:
        """Return *at*, or the next moment that no other pending step of the source has.

        Source and moment identify a poll, so two polls must not share a moment.
        """
        while stamp(at) != row["proposed_at"] and self._db.value(
            "select 1 from pending_steps where proposed_at = :at and source_id = :source",
            {"at": stamp(at), "source": row["source_id"]},
        ):
            at += TICK
        return at

    def _of_poll(self, row: Row, at: datetime) -> list[Event]:
        params = {"source": row["source_id"], "at": row["proposed_at"]}
        arrived = self._db.rows(
            f"""select {AS_ARRIVED} from entries e where e.source_id = :source and e.first_seen_at = :at
            order by e.entry_id""",
            params,
        )
        events: list[Event] = [replace(entry(row), first_seen_at=at) for row in arrived]
        edits = self._db.rows(
            """select x.* from entry_edits x join entries e using (entry_id)
            where x.at = :at and e.source_id = :source order by x.edit_id""",
            params,
        )
        return events + [replace(edit(row), at=at) for row in edits]

    def _of_decision(self, row: Row, at: datetime, settled: dict[int, datetime]) -> list[Event]:
        stored = self._db.row("select * from decisions where decision_id = :id", {"id": row["decision_id"]})
        if stored is None:
            return []
        decided = decision(stored)
        if row["is_undo"]:
            decided_at = settled.get(decided.decision_id, decided.at)
            return [Undo(replace(decided, at=decided_at, undone_at=at), at)]
        return [replace(decided, at=at, undone_at=None)]

    def _move(self, step: PendingStep) -> None:
        """Replace the proposed moment by the settled one."""
        params = {
            "at": stamp(step.moment),
            "proposed": stamp(step.proposed_at),
            "source": step.source_id,
            "id": step.decision_id,
        }
        if step.decision_id is not None:
            column = "undone_at" if step.is_undo else "at"
            self._db.run(f"update decisions set {column} = :at where decision_id = :id", params)
            return
        for statement in (
            "update entries set first_seen_at = :at where source_id = :source and first_seen_at = :proposed",
            """update entry_edits set at = :at where at = :proposed and exists (
            select 1 from entries e where e.entry_id = entry_edits.entry_id and e.source_id = :source)""",
            """update entries set edited_at = :at where source_id = :source and edited_at = :proposed
            and entry_id in (select entry_id from entry_edits where at = :at)""",
        ):
            self._db.run(statement, params)


def next_batch(
    log: EventLog, pending: PendingSteps, watermark: datetime | None, now: datetime, limit: int
) -> Batch | None:
    """Return the next steps after the last processed one, at *watermark*; None without any.

    Settled steps come first: at the start of a rebuild, those are all.
    """
    if settled := log.since(watermark, limit):
        return settled, ()
    steps = pending.next(watermark, now, limit)
    return ([(step.moment, step.events) for step in steps], steps) if steps else None
