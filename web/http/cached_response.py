"""A finished page as it is answered: plain, gzipped, or with the word that whoever asks has it already.

Knows ETag, Last-Modified, Vary and Content-Encoding. All that does not depend on who asks is made once, when the page
is: an answer from memory is little more than looking at three headers of the request. Leaves how long a page is kept
to `cache`, and what every answer carries to `guard`.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]

COMPRESS_FROM = 400
"""Bytes below which gzip saves less than a packet."""

LONGEST_ACCEPT = 200
"""Characters of an Accept-Encoding that is read; no browser sends a longer one, and it gets the page plain."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One of the two forms of a page, with all its headers."""

    etag: str
    headers: Headers
    unchanged: Headers
    """Those of a 304."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A page, ready to be given to anybody; made by `reply_of`."""

    digest: str
    changed: datetime
    """When this content was first given at this address."""
    plain: _Form
    zipped: _Form | None

    @property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        return len(self.plain.body) + (len(self.zipped.body) if self.zipped else 0) + 4_000

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer a request for this page."""
        form = self.zipped
        if form is None or not _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")[:LONGEST_ACCEPT]):
            form = self.plain
        # A list of its own: whoever stands in front may add to it.
        if self._is_known(form.etag, environ):
            start_response("304 Not Modified", list(form.unchanged))
            return [b""]
        start_response("200 OK", list(form.headers))
        return [form.body]

    def _is_known(self, etag: str, environ: WSGIEnvironment) -> bool:
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None:
            return known.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]
        since = environ.get("HTTP_IF_MODIFIED_SINCE")
        if not since:
            return False
        try:
            moment = parsedate_to_datetime(since)
        except (ValueError, TypeError, OverflowError):
            return False
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return self.changed.replace(microsecond=0) <= moment


def reply_of(headers: Headers, body: bytes, now: datetime, before: Reply | None) -> Reply:
    """Make of what the application answered at *now* what is given to all who ask.

    before: what was given at this address until now; with the same content it has not changed since
    """
    digest = hashlib.sha256(body).hexdigest()[:32]
    changed = before.changed if before is not None and before.digest == digest else now
    common = [(name, value) for name, value in headers if name.lower() not in ("content-length", "etag", "vary")]
    common.append(("Last-Modified", format_datetime(changed.astimezone(UTC), usegmt=True)))
    common.append(("Vary", "Accept-Encoding"))
    zipped = None
    if len(body) >= COMPRESS_FROM:
        etag = f'"{digest}-gzip"'
        zipped = _form(etag, common, gzip.compress(body, 6, mtime=0), [("Content-Encoding", "gzip")])
    return Reply(digest, changed, _form(f'"{digest}"', common, body, []), zipped)


def _form(etag: str, common: Headers, body: bytes, coded: Headers) -> _Form:
    headers = [*common, ("ETag", etag)]
    unchanged = [(name, value) for name, value in headers if name.lower() != "content-type"]
    return _Form(etag, [*headers, *coded, ("Content-Length", str(len(body)))], unchanged, body)


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, params = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return params.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
