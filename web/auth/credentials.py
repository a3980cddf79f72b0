"""Authenticate the operator: the token, sessions, and a limit on guesses.

The token has 256 bits and comes from the environment, or is made at the first start and written into a
file that only its owner can read; the database has its SHA-256. Signing in with it starts a session: a
random ID in a cookie, its digest in the database; it ends after twelve hours without use, or thirty days.
Scripts send the token itself, as a bearer token. Readers never get a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import GroundswellError
from aggregator.model import SignIn
from aggregator.store import Store
from aggregator.store.editorial.sessions import Session
from web.http import clients
from web.http.headers import cookie_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TOKEN_VARIABLE = "GROUNDSWELL_ADMIN_TOKEN"
"""The environment variable with the operator's token."""

log = logging.getLogger(__name__)

MIN_TOKEN_CHARS = 20
"""Least characters of a token from the environment: shorter ones could be guessed."""
MAX_IDLE = timedelta(hours=12)
MAX_SESSION_AGE = timedelta(days=30)
MAX_CLOCK_SKEW = timedelta(minutes=5)
SEEN_EVERY = timedelta(minutes=1)
"""Limits the writes of a session in use."""
TRIES = 5
WINDOW_S = 60.0
_MAX_ADDRESSES = 1_000


def token_file(db: Path) -> Path:
    """Return the path of the file for a generated token."""
    return db.with_name(db.name + ".token")


def make_token(store: Store, db: Path, now: datetime) -> str:
    """Make a new token, end every session, write it to a file next to the database, and return it."""
    token = secrets.token_urlsafe(32)
    _write_token(token_file(db), token)
    store.sessions.set_token(digest(token), now)
    return token


def make_first_token(store: Store, db: Path, now: datetime) -> bool:
    """Make the first token of a site and write it to this machine's disk; return False if there is one.

    If several sites start on one database, one of them makes the token.
    """
    token = secrets.token_urlsafe(32)
    with store.transaction():
        if not store.sessions.set_first_token(digest(token), now):
            return False
        _write_token(token_file(db), token)
    return True


def _write_token(path: Path, token: str) -> None:
    path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise GroundswellError(f"cannot write the operator's token to {path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token + "\n")


def checked(token: str) -> str:
    """Return a token from the environment; GroundswellError if it could be guessed."""
    if token and len(token) < MIN_TOKEN_CHARS:
        raise GroundswellError(
            f"{TOKEN_VARIABLE} has {len(token)} characters; a token of fewer than {MIN_TOKEN_CHARS} can be guessed; "
            "generate one with python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret, hex; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class TooManyTries(Exception):
    """Too many wrong tokens from one address within a minute."""


class Authenticator:
    """Checks tokens, and starts and finds sessions."""

    def __init__(self, token: str = "", *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._fixed_digest = digest(token) if token else ""
        self._ticks = ticks
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def has_token(self, store: Store) -> bool:
        """Return whether anyone can sign in at all."""
        return bool(self._token_digest(store))

    def sign_in(self, store: Store, token: str, address: str, now: datetime) -> str:
        """Return the cookie of a new session, "" for a wrong token; TooManyTries."""
        return self.begin_session(store, now) if self._right(store, token, address) else ""

    def begin_session(self, store: Store, now: datetime) -> str:
        """Return the cookie of a new session; the caller has authenticated the operator."""
        cookie = secrets.token_urlsafe(32)
        store.sessions.begin(
            digest(cookie),
            token_digest=self._token_digest(store),
            form_token=secrets.token_urlsafe(32),
            now=now,
            oldest=now - MAX_IDLE,
        )
        return cookie

    def is_bearer(self, store: Store, environ: WSGIEnvironment) -> bool:
        """Return whether a request carries the token itself; TooManyTries."""
        kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return kind.lower() == "bearer" and self._right(store, token.strip(), environ.get("REMOTE_ADDR", ""))

    def session(
        self, store: Store, environ: WSGIEnvironment, now: datetime, *, https: bool, prefix: str = ""
    ) -> Session | None:
        """Return the session of a request, or None."""
        cookie = cookie_of(environ, https=https, prefix=prefix)
        if not cookie:
            return None
        session = store.sessions.session(digest(cookie), self._token_digest(store))
        if session is None:
            return None
        idle, age = now - session.seen_at, now - session.made_at
        # A clock that was set back by hours must not prolong a session; a little, as between two looks at the clock in
        # one request or between the clocks of two machines, ends none.
        if not (-MAX_CLOCK_SKEW <= idle < MAX_IDLE and -MAX_CLOCK_SKEW <= age < MAX_SESSION_AGE):
            store.sessions.end(session.digest)
            return None
        if now - session.seen_at >= SEEN_EVERY:
            store.sessions.note_use(session.digest, now)
        return session

    def _token_digest(self, store: Store) -> str:
        return self._fixed_digest or store.sessions.token_digest() or ""

    def _right(self, store: Store, token: str, address: str) -> bool:
        """Return whether this is the token; TooManyTries for a wrong one after too many others.

        The right token is always accepted, however many wrong ones came from its address or proxy: otherwise anybody
        could lock the operator out. The token cannot be guessed (`MIN_TOKEN_CHARS`, 256 bits if generated); the limit
        only protects the log and the CPU.
        """
        expected = self._token_digest(store)
        if expected and hmac.compare_digest(digest(token), expected):
            return True
        network = clients.network(address)
        with self._lock:
            wrong = self._wrong.setdefault(network, deque(maxlen=TRIES + 1))
            while wrong and self._ticks() - wrong[0] >= WINDOW_S:
                wrong.popleft()
            wrong.append(self._ticks())
            self._wrong.move_to_end(network)
            while len(self._wrong) > _MAX_ADDRESSES:
                self._wrong.popitem(last=False)
            if len(wrong) > TRIES:
                raise TooManyTries
        return False


def named_by_proxy(settings: SignIn, environ: WSGIEnvironment) -> bool:
    """Return whether a proxy that `sign_in:` trusts sent this request in the name of the operator."""
    if not settings.header or not clients.is_within(environ.get(clients.PEER, ""), settings.proxies):
        return False
    # A repeated header is joined by a comma, and so is not the name of a user.
    user = environ.get(f"HTTP_{settings.header.upper().replace('-', '_')}", "")
    return user in settings.users
