"""The operator's token, sessions, and the audit log.

Stores digests only: neither the token nor a cookie can be read from a database or its copies. The caller makes and
compares secrets, and decides how long a session lasts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.model.actions import ActionKind
from aggregator.store.codec import moment, moment_or_none, stamp
from aggregator.store.connection import Connection, Row, upsert


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the operator."""

    digest: str
    form_token: str
    made_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the operator."""

    action_id: int
    at: datetime
    kind: str
    """vote, decision, sources, rules, models, tokens, sign in or database."""
    what: str
    """One of `ActionKind`; "" if a version before 0.2 stored a sentence."""
    values: Mapping[str, str | int]
    message: str
    """That sentence."""
    story_id: int | None
    undo: Mapping[str, Any] | None
    """How to undo it, in the format of the module that did it; None if it cannot be undone."""
    undone_at: datetime | None
    """None if it was not undone."""


class Sessions:
    """`operator` and `sessions`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def token_digest(self) -> str | None:
        """Return the SHA-256 of the operator's token, or None before the first one."""
        value: str | None = self._db.value("select token_digest from operator")
        return value

    def set_token(self, digest: str, at: datetime) -> None:
        """Store the digest of a new token, and end every session."""
        with self._db.transaction():
            self._db.run(
                upsert("operator", ("one",), ("token_digest", "made_at")),
                {"one": 1, "token_digest": digest, "made_at": stamp(at)},
            )
            self.end_all()

    def set_first_token(self, digest: str, at: datetime) -> bool:
        """Store the digest of the first token; return False if there is one, even if several sites start at once."""
        row = {"digest": digest, "at": stamp(at)}
        return bool(
            self._db.run_counted(
                """insert into operator (one, token_digest, made_at) values (1, :digest, :at)
                on conflict (one) do nothing""",
                row,
            )
        )

    def begin(self, digest: str, *, token_digest: str, form_token: str, now: datetime, oldest: datetime) -> None:
        """Store a new session, and delete those not used since *oldest*."""
        with self._db.transaction():
            self._db.run("delete from sessions where seen_at < :oldest", {"oldest": stamp(oldest)})
            self._db.run(
                """insert into sessions (session_digest, token_digest, form_token, made_at, seen_at)
                values (:digest, :token, :form, :now, :now)""",
                {"digest": digest, "token": token_digest, "form": form_token, "now": stamp(now)},
            )

    def session(self, digest: str, token_digest: str) -> Session | None:
        """Return the session with that digest if it was opened with the current token, else None."""
        row = self._db.row(
            "select * from sessions where session_digest = :digest and token_digest = :token",
            {"digest": digest, "token": token_digest},
        )
        if row is None:
            return None
        return Session(digest, row["form_token"], moment(row["made_at"]), moment(row["seen_at"]))

    def note_use(self, digest: str, now: datetime) -> None:
        """Note that a session is in use."""
        self._db.run(
            "update sessions set seen_at = :now where session_digest = :digest", {"digest": digest, "now": stamp(now)}
        )

    def end(self, digest: str) -> None:
        """End a session."""
        self._db.run("delete from sessions where session_digest = :digest", {"digest": digest})

    def end_all(self) -> None:
        """End every session."""
        self._db.run("delete from sessions")


class Actions:
    """`actions`: the audit log."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def note(
        self,
        kind: str,
        what: ActionKind,
        at: datetime,
        values: Mapping[str, str | int] | None = None,
        *,
        story_id: int | None = None,
        undo: Mapping[str, Any] | None = None,
    ) -> int:
        """Log an action of the operator, in the transaction that performs it; return its number.

        values: the values in its text, such as a headline
        """
        values = values or {}
        return self._db.insert(
            "actions",
            {
                "at": stamp(at),
                "kind": kind,
                # For a site of the previous version on the same database.
                "words": ": ".join([what.value, *map(str, values.values())]),
                "what": what.value,
                "details": _json(values),
                "story_id": story_id,
                "undo": "" if undo is None else _json(undo),
            },
            "action_id",
        )

    def get(self, action_id: int) -> Action | None:
        """Return an action, or None."""
        row = self._db.row("select * from actions where action_id = :id", {"id": action_id})
        return None if row is None else _action(row)

    def standing(self, undo: Mapping[str, Any]) -> int | None:
        """Return the action with exactly this undo that was not undone yet, or None."""
        value: int | None = self._db.value(
            "select action_id from actions where undo = :undo and undone_at is null", {"undo": _json(undo)}
        )
        return value

    def undone(self, action_id: int, at: datetime) -> None:
        """Mark an action as undone, in the transaction that undoes it."""
        self._db.run("update actions set undone_at = :at where action_id = :id", {"id": action_id, "at": stamp(at)})

    def newest(self, limit: int, *, before: int | None = None, story_id: int | None = None) -> list[Action]:
        """Return the last actions, newest first; *before* an action, of a story."""
        rows = self._db.rows(
            """select * from actions where (cast(:before as integer) is null or action_id < :before)
            and (cast(:story as integer) is null or story_id = :story) order by action_id desc limit :limit""",
            {"before": before, "story": story_id, "limit": limit},
        )
        return [_action(row) for row in rows]


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _action(row: Row) -> Action:
    return Action(
        row["action_id"],
        moment(row["at"]),
        row["kind"],
        row["what"],
        json.loads(row["details"]) if row["details"] else {},
        row["words"],
        row["story_id"],
        json.loads(row["undo"]) if row["undo"] else None,
        moment_or_none(row["undone_at"]),
    )
