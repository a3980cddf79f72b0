"""The events that the scorer has settled, by their moments: what a rebuild and a restart read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Event, Undo
from aggregator.store.codec import AS_ARRIVED, decision, edit, entry, moment, stamp
from aggregator.store.connection import Connection
from aggregator.store.meaning.embeddings import with_embeddings

_PENDING_POLL = "exists (select 1 from pending_steps p where p.proposed_at = {at} and p.source_id = {source})"
_PENDING_DECISION = """exists (select 1 from pending_steps p
    where p.proposed_at = {at} and p.decision_id = d.decision_id and p.is_undo = {is_undo})"""
_OF_ENTRY = "(select e.source_id from entries e where e.entry_id = x.entry_id)"

_TICK = timedelta(microseconds=1)
_DATED = (
    ("entries", "first_seen_at"),
    ("entry_edits", "at"),
    ("decisions", "at"),
    ("decisions", "undone_at"),
    ("pending_steps", "proposed_at"),
)
_EARLIER_MOMENTS = """select max(first_seen_at) as m from entries where first_seen_at <= :now
    union all select max(at) from entry_edits where at <= :now
    union all select max(at) from decisions where at <= :now
    union all select max(undone_at) from decisions where undone_at <= :now"""


class EventLog:
    """Reads `entries`, `entry_edits` and `decisions`, without what is in `pending_steps`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def since(self, after: datetime | None, steps: int = 100) -> list[tuple[datetime, list[Event]]]:
        """Return the events later than *after*, one group per poll or decision, oldest first, at most *steps* groups.

        An entry has its first title and summary; later changes are `Edit` events at their own times. None: from the
        start.
        """
        moments = [row[0] for row in self._db.rows(self._moments(), {"after": _start(after), "steps": steps})]
        if not moments:
            return []
        groups: dict[str, list[Event]] = {m: [] for m in moments}
        span = {"first": moments[0], "last": moments[-1]}
        pending = _Pending(self._db)
        arrived = self._db.rows(
            f"select {AS_ARRIVED} from entries e where first_seen_at between :first and :last order by entry_id", span
        )
        settled = [entry(row) for row in arrived if (row["first_seen_at"], row["source_id"]) not in pending.polls]
        for embedded in with_embeddings(self._db, settled):
            groups[stamp(embedded.first_seen_at)].append(embedded)
        for row in self._db.rows(
            f"""select x.*, {_OF_ENTRY} as source_id from entry_edits x
            where at between :first and :last order by edit_id""",
            span,
        ):
            if (row["at"], row["source_id"]) not in pending.polls:
                groups[row["at"]].append(edit(row))
        for row in self._db.rows("select * from decisions where at between :first and :last", span):
            if row["decision_id"] not in pending.decisions:
                groups[row["at"]].append(replace(decision(row), undone_at=None))
        for row in self._db.rows("select * from decisions where undone_at between :first and :last", span):
            if row["decision_id"] not in pending.undone:
                groups[row["undone_at"]].append(Undo(decision(row), moment(row["undone_at"])))
        return [(moment(m), events) for m, events in groups.items()]

    def any_since(self, after: datetime | None) -> bool:
        """Return whether a step is pending, or anything settled happened later than *after*."""
        return bool(
            self._db.value(
                """select exists (select 1 from pending_steps)
                or exists (select 1 from entries where first_seen_at > :after)
                or exists (select 1 from entry_edits where at > :after)
                or exists (select 1 from decisions where at > :after or undone_at > :after)""",
                {"after": _start(after)},
            )
        )

    def date_back(self, now: datetime) -> int:
        """Move events dated later than *now*, by a clock that was ahead, to just before it; return the moments moved.

        Their order stays. All that was computed from them must be computed again.
        """
        later = [
            row[0]
            for row in self._db.rows(
                """select first_seen_at as m from entries where first_seen_at > :now
                union select at from entry_edits where at > :now
                union select at from decisions where at > :now
                union select undone_at from decisions where undone_at > :now order by m""",
                {"now": stamp(now)},
            )
        ]
        if not later:
            return 0
        first = now - len(later) * _TICK
        if last := self._db.value(f"select max(m) from ({_EARLIER_MOMENTS}) as moments", {"now": stamp(now)}):
            first = max(first, moment(last) + _TICK)
        moves = [{"wrong": wrong, "at": stamp(first + place * _TICK)} for place, wrong in enumerate(later)]
        for table, column in _DATED:
            self._db.run_many(f"update {table} set {column} = :at where {column} = :wrong", moves)
        # Not by moment, because that has no index.
        self._db.run(
            """update entries set edited_at = (select max(x.at) from entry_edits x where x.entry_id = entries.entry_id)
            where edited_at > :now""",
            {"now": stamp(now)},
        )
        return len(later)

    def _moments(self) -> str:
        """Return the query for the next moments."""
        # Usually nothing is pending; then the moments are read from the indexes alone.
        settled = ("", "", "", "")
        if self._db.value("select exists (select 1 from pending_steps)"):
            settled = (
                f"and not {_PENDING_POLL.format(at='e.first_seen_at', source='e.source_id')}",
                f"and not {_PENDING_POLL.format(at='x.at', source=_OF_ENTRY)}",
                f"and not {_PENDING_DECISION.format(at='d.at', is_undo=0)}",
                f"and not {_PENDING_DECISION.format(at='d.undone_at', is_undo=1)}",
            )
        return f"""select distinct e.first_seen_at as m from entries e where e.first_seen_at > :after {settled[0]}
            union select distinct x.at from entry_edits x where x.at > :after {settled[1]}
            union select d.at from decisions d where d.at > :after {settled[2]}
            union select d.undone_at from decisions d where d.undone_at > :after {settled[3]} order by m limit :steps"""


class _Pending:
    """The rows of `pending_steps`, for lookups."""

    def __init__(self, connection: Connection) -> None:
        self.polls: set[tuple[str, str]] = set()
        self.decisions: set[int] = set()
        self.undone: set[int] = set()
        for row in connection.rows("select proposed_at, source_id, decision_id, is_undo from pending_steps"):
            if row["decision_id"] is None:
                self.polls.add((row["proposed_at"], row["source_id"]))
            else:
                (self.undone if row["is_undo"] else self.decisions).add(row["decision_id"])


def _start(after: datetime | None) -> str:
    return "" if after is None else stamp(after)
