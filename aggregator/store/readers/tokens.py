"""Tokens of reader apps. Keeps digests only; making and comparing secrets is for `web.auth.reader_tokens`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, moment_or_none, stamp
from aggregator.store.connection import Connection, Row

_USED_EVERY = timedelta(minutes=5)
"""So that reading does not write at every request."""


@dataclass(frozen=True, slots=True)
class ReaderToken:
    """A token that the operator gave to an app."""

    token_id: int
    name: str
    reader: str
    """Whose marks: tokens of one reader share what is read and starred."""
    score_in_title: bool
    min_score: int
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    """None: it is valid."""
    may_post: bool = False
    """It may post entries, and nothing else."""


class ReaderTokens:
    """`api_tokens`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(
        self,
        name: str,
        digest: str,
        now: datetime,
        *,
        reader: str,
        score_in_title: bool,
        min_score: int,
        may_post: bool = False,
    ) -> ReaderToken:
        """Keep the digest of a new token, and return the token's record."""
        token_id = self._db.insert(
            "api_tokens",
            {
                "name": name,
                "reader": reader,
                "token_digest": digest,
                "score_in_title": int(score_in_title),
                "min_score": min_score,
                "made_at": stamp(now),
                "may_post": int(may_post),
            },
            "token_id",
        )
        return ReaderToken(token_id, name, reader, score_in_title, min_score, now, None, None, may_post)

    def all(self) -> list[ReaderToken]:
        """Return every token, the newest first; revoked ones too."""
        return [_token(row) for row in self._db.rows("select * from api_tokens order by token_id desc")]

    def get(self, token_id: int) -> ReaderToken | None:
        """Return a token, or None."""
        row = self._db.row("select * from api_tokens where token_id = :id", {"id": token_id})
        return None if row is None else _token(row)

    def valid(self, digest: str) -> ReaderToken | None:
        """Return the token of that digest unless it is revoked."""
        row = self._db.row(
            "select * from api_tokens where token_digest = :digest and revoked_at is null", {"digest": digest}
        )
        return None if row is None else _token(row)

    def used(self, token: ReaderToken, now: datetime) -> None:
        """Note that a token is in use, every few minutes."""
        if token.used_at is None or not timedelta() <= now - token.used_at < _USED_EVERY:
            self._db.run(
                "update api_tokens set used_at = :now where token_id = :id", {"id": token.token_id, "now": stamp(now)}
            )

    def revoke(self, token_id: int, now: datetime) -> None:
        """End a token; one that is revoked already keeps its date."""
        self._db.run(
            "update api_tokens set revoked_at = :now where token_id = :id and revoked_at is null",
            {"id": token_id, "now": stamp(now)},
        )


def _token(row: Row) -> ReaderToken:
    return ReaderToken(
        row["token_id"],
        row["name"],
        row["reader"],
        bool(row["score_in_title"]),
        row["min_score"],
        moment(row["made_at"]),
        moment_or_none(row["used_at"]),
        moment_or_none(row["revoked_at"]),
        bool(row["may_post"]),
    )
