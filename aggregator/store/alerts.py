"""Alert messages, sent and waiting, the start of each rule, and the operator's alarms.

`web.alerts` decides what to send, and sends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.model.alarms import Alarm, AlarmKind
from aggregator.store.codec import moment, moment_or_none, stamp, stamp_or_none
from aggregator.store.connection import Connection, Row, upsert
from aggregator.translatable import read_back, stored

OPERATOR = ""
"""The rule of messages to the operator."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to one target, before it is stored."""

    rule: str
    subject: str
    step: int
    target: str
    service: str
    content: Mapping[str, Any]
    story_id: int | None = None
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message to one target."""

    message_id: int
    rule: str
    subject: str
    step: int
    target: str
    service: str
    story_id: int | None
    sources: int
    content: Mapping[str, Any]
    made_at: datetime
    due_at: datetime | None
    attempts: int
    outcome: str
    """`sent`, `failed`, `unknown` (the program ended while sending), or "" while it waits."""
    outcome_message: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm that has begun and not ended."""

    subject: str
    alarm: Alarm | None
    """None for one of a version before 0.2, which stored a sentence."""
    message: str
    began_at: datetime


class AlertMessages:
    """`alert_messages` and `alert_rules`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def rule_since(self, name: str, query: str, now: datetime) -> datetime:
        """Return the start of a rule with this query: *now* if it is new or its query changed."""
        row = self._db.row("select query, since from alert_rules where name = :name", {"name": name})
        if row is not None and row["query"] == query:
            return moment(row["since"])
        self._db.run(
            upsert("alert_rules", ("name",), ("query", "since")),
            {"name": name, "query": query, "since": stamp(now)},
        )
        return now

    def add(self, messages: Iterable[NewMessage], now: datetime, due_at: datetime | None = None) -> int:
        """Store messages to send, each once, and all or none; return how many are new.

        A subject with a message is settled for its rule, so a part of them would leave out the other targets for good.
        """
        with self._db.transaction():
            return sum(self._add(new, now, due_at or now) for new in messages)

    def _add(self, new: NewMessage, now: datetime, due_at: datetime) -> int:
        return self._db.run_counted(
            """insert into alert_messages (rule, subject, step, target, service, story_id, sources,
            content, made_at, due_at) values (:rule, :subject, :step, :target, :service, :story_id, :sources,
            :content, :made_at, :due_at) on conflict do nothing""",
            {
                "rule": new.rule,
                "subject": new.subject,
                "step": new.step,
                "target": new.target,
                "service": new.service,
                "story_id": new.story_id,
                "sources": new.sources,
                "content": json.dumps(new.content, ensure_ascii=False),
                "made_at": stamp(now),
                "due_at": stamp(due_at),
            },
        )

    def about_story(self, rule: str, story_id: int) -> dict[int, int]:
        """Return the independent sources at each message of a rule about a story, by step.

        Messages about stories that merged into this one count too.
        """
        rows = self._db.rows(
            """select step, max(sources) as sources from alert_messages where rule = :rule and (story_id = :id
            or story_id in (select story_id from stories where merged_into = :id)) group by step""",
            {"rule": rule, "id": story_id},
        )
        return {row["step"]: row["sources"] for row in rows}

    def exists(self, rule: str, subject: str) -> bool:
        """Return whether a rule has made a message about a subject."""
        query = "select 1 from alert_messages where rule = :rule and subject = :subject limit 1"
        return self._db.value(query, {"rule": rule, "subject": subject}) is not None

    def made_since(self, rule: str, since: datetime) -> int:
        """Return about how many subjects a rule has made messages since a moment."""
        return int(
            self._db.value(
                """select count(*) from (select distinct subject, step from alert_messages
                where rule = :rule and made_at > :since) as subjects""",
                {"rule": rule, "since": stamp(since)},
            )
        )

    def due(self, now: datetime, rule: str | None = None, limit: int = 20) -> list[Message]:
        """Return the messages to send now, the oldest first; with *rule*, only those of one rule."""
        only = "and rule = :rule" if rule is not None else ""
        rows = self._db.rows(
            f"""select * from alert_messages where due_at is not null and due_at <= :now {only}
            order by due_at, message_id limit :limit""",
            {"now": stamp(now), "limit": limit} | ({"rule": rule} if rule is not None else {}),
        )
        return [_message(row) for row in rows]

    def message(self, message_id: int) -> Message | None:
        """Return a message, or None."""
        row = self._db.row("select * from alert_messages where message_id = :id", {"id": message_id})
        return None if row is None else _message(row)

    def claim(self, message_id: int) -> bool:
        """Mark a message as being sent; False if another process is sending it already.

        Until it is settled, its outcome is unknown.
        """
        claimed = self._db.run_counted(
            """update alert_messages set sending = 1, due_at = null, attempts = attempts + 1
            where message_id = :id and due_at is not null""",
            {"id": message_id},
        )
        return claimed > 0

    def settle(
        self, message_id: int, outcome: str, message: str, now: datetime, again_at: datetime | None = None
    ) -> None:
        """Store the outcome of sending a message; with *again_at*, it is sent again then."""
        self._db.run(
            """update alert_messages set sending = 0, outcome = :outcome, outcome_message = :message,
            due_at = :again, settled_at = :settled where message_id = :id""",
            {
                "id": message_id,
                "outcome": "" if again_at else outcome,
                "message": stored(message),
                "again": stamp_or_none(again_at),
                "settled": None if again_at else stamp(now),
            },
        )

    def settle_interrupted(self, message: str, now: datetime, message_id: int | None = None) -> int:
        """Settle messages whose sending was interrupted: they may have arrived, so they are not sent again.

        message_id: only this message
        """
        only = "" if message_id is None else "and message_id = :id"
        return self._db.run_counted(
            f"""update alert_messages set sending = 0, outcome = 'unknown', outcome_message = :message,
            settled_at = :now where sending = 1 {only}""",
            {"message": stored(message), "now": stamp(now)} | ({} if message_id is None else {"id": message_id}),
        )

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of messages by rule and outcome ("" while waiting)."""
        rows = self._db.rows("select rule, outcome, count(*) as messages from alert_messages group by rule, outcome")
        return {(row["rule"], row["outcome"]): row["messages"] for row in rows}

    def newest(self, limit: int) -> list[Message]:
        """Return the newest messages."""
        rows = self._db.rows("select * from alert_messages order by message_id desc limit :limit", {"limit": limit})
        return [_message(row) for row in rows]

    def forget(self, before: datetime) -> None:
        """Drop messages that were settled before a moment."""
        self._db.run("delete from alert_messages where settled_at < :before", {"before": stamp(before)})


class Alarms:
    """`alarms`: active and ended ones."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def standing(self) -> list[StandingAlarm]:
        """Return the active alarms, oldest first."""
        rows = self._db.rows("select * from alarms where ended_at is null order by began_at, subject")
        return [StandingAlarm(row["subject"], _alarm(row), row["message"], moment(row["began_at"])) for row in rows]

    def begun_since(self, since: datetime) -> set[str]:
        """Return the subjects of alarms that began at or after a moment, active or not."""
        rows = self._db.rows("select subject from alarms where began_at >= :since", {"since": stamp(since)})
        return {row["subject"] for row in rows}

    def begin(self, subject: str, alarm: Alarm, now: datetime) -> None:
        """Start an alarm."""
        columns = ("message", "began_at", "ended_at", "what", "details")
        self._db.run(
            upsert("alarms", ("subject",), columns),
            {
                "subject": subject,
                "message": ": ".join([alarm.kind.value, *map(str, alarm.values.values())]),
                "began_at": stamp(now),
                "ended_at": None,
                "what": alarm.kind.value,
                "details": json.dumps(alarm.values, ensure_ascii=False),
            },
        )

    def end(self, subject: str, now: datetime) -> None:
        """End an alarm."""
        self._db.run(
            "update alarms set ended_at = :now where subject = :subject", {"subject": subject, "now": stamp(now)}
        )


def _alarm(row: Row) -> Alarm | None:
    """Return the alarm of a row, None if this version has no text for its kind."""
    if row["what"] not in {kind.value for kind in AlarmKind}:
        return None
    return Alarm(AlarmKind(row["what"]), json.loads(row["details"] or "{}"))


def _message(row: Row) -> Message:
    return Message(
        message_id=row["message_id"],
        rule=row["rule"],
        subject=row["subject"],
        step=row["step"],
        target=row["target"],
        service=row["service"],
        story_id=row["story_id"],
        sources=row["sources"],
        content=json.loads(row["content"]),
        made_at=moment(row["made_at"]),
        due_at=moment_or_none(row["due_at"]),
        attempts=row["attempts"],
        outcome=row["outcome"],
        outcome_message=read_back(row["outcome_message"]),
        settled_at=moment_or_none(row["settled_at"]),
    )
