"""Tokens of reader apps and scripts: the operator creates and revokes them, and an app sends one as its password.

A token has 192 bits; the database has its SHA-256. It either reads and marks stories, or posts entries.
`web.api.reader` has the protocol of the apps.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime

from aggregator.errors import GroundswellError
from aggregator.model.actions import ActionKind
from aggregator.store import Store
from aggregator.store.readers.tokens import ReaderToken
from aggregator.translatable import Translatable
from web.auth.credentials import TRIES, WINDOW_S, TooManyTries, digest
from web.auth.rate_limit import RateLimit
from web.http import clients

READER_API = "/api/greader.php"
"""Where reader apps send their tokens."""
MAX_TOKENS = 100
MAX_NAME_CHARS = 100
REQUESTS_PER_MINUTE = 600
"""Limit of one token. A first synchronisation requests some hundred pages of stories."""


class TooManyRequests(Exception):
    """A token was used more often than `REQUESTS_PER_MINUTE`."""


def make_reader_token(
    store: Store,
    name: str,
    now: datetime,
    *,
    reader: str = "",
    score_in_title: bool = False,
    min_score: int = 0,
    may_post: bool = False,
) -> tuple[str, ReaderToken]:
    """Make a token for an app; return it with its record. GroundswellError if it cannot be made.

    reader:   the owner of the marks; "" for the reader that tokens share by default
    may_post: the token is for a script that posts entries, and cannot read
    """
    name, reader = (" ".join(text.split())[:MAX_NAME_CHARS] for text in (name, reader))
    if not name:
        raise GroundswellError(Translatable("a token needs a name, such as that of the app"))
    valid = sum(token.revoked_at is None for token in store.reader_tokens.all())
    if valid >= MAX_TOKENS:
        raise GroundswellError(
            Translatable("there are %(n)s tokens already; revoke those that are no longer used", n=valid)
        )
    secret = secrets.token_urlsafe(24)
    with store.transaction():
        record = store.reader_tokens.add(
            name,
            digest(secret),
            now,
            reader=reader or "default",
            score_in_title=score_in_title,
            min_score=min(max(min_score, 0), 100),
            may_post=may_post,
        )
        store.actions.note("tokens", ActionKind.TOKEN_MADE, now, {"name": record.name})
    return secret, record


def revoke_reader_token(store: Store, token_id: int, now: datetime) -> ReaderToken:
    """Revoke a token and return its record; GroundswellError for an unknown one."""
    record = store.reader_tokens.get(token_id)
    if record is None:
        raise GroundswellError(
            Translatable("there is no token %(id)s; `groundswell token list` shows them", id=str(token_id))
        )
    if record.revoked_at is not None:
        raise GroundswellError(
            Translatable("token %(id)s was revoked on %(day)s", id=str(token_id), day=record.revoked_at)
        )
    with store.transaction():
        store.reader_tokens.revoke(token_id, now)
        store.actions.note("tokens", ActionKind.TOKEN_REVOKED, now, {"name": record.name})
    return record


class ReaderAuthenticator:
    """Authenticates tokens, with limits on guesses and requests."""

    def __init__(self, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._wrong = RateLimit(TRIES, WINDOW_S, ticks=ticks)
        self._requests = RateLimit(REQUESTS_PER_MINUTE, 60.0, ticks=ticks)

    def token(
        self, store: Store, secret: str, address: str, now: datetime, *, may_post: bool = False
    ) -> ReaderToken | None:
        """Return the record of a valid token, None for a wrong one or one for another purpose.

        Raises TooManyTries after too many wrong ones from that network, and TooManyRequests if the token is used too
        often. A valid token is always recognized, so that nobody can lock out a reader by guessing.
        """
        record = store.reader_tokens.valid(digest(secret)) if secret else None
        if record is None or record.may_post != may_post:
            if not self._wrong.allows(clients.network(address)):
                raise TooManyTries
            return None
        if not self._requests.allows(str(record.token_id)):
            raise TooManyRequests
        store.reader_tokens.used(record, now)
        return record
