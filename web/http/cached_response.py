"""A finished page as a response: plain, gzipped, or 304.

Knows ETag, Last-Modified, Vary and Content-Encoding. Everything that does not depend on the request is computed once,
so a response from memory only checks three headers of the request. `page_cache` decides how long a page is cached.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.http import parse_accept_header, parse_date, parse_etags, unquote_etag

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]

COMPRESS_FROM = 400
"""Bytes below which gzip saves less than a packet."""

MAX_ACCEPT_CHARS = 200
"""Characters of an Accept-Encoding that are read; no browser sends a longer one."""


_APPENDED = ("", "-gzip", "-br", "-zstd")


@dataclass(frozen=True, slots=True)
class _Form:
    """One of the two encodings of a page, with all its headers."""

    etag: str
    headers: Headers
    unchanged: Headers
    """The headers of a 304."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A page, ready to be sent to any client; made by `reply_of`."""

    digest: str
    changed: datetime
    """When this address first had this content."""
    plain: _Form
    zipped: _Form | None

    @property
    def size(self) -> int:
        """Approximate memory in bytes."""
        return len(self.plain.body) + (len(self.zipped.body) if self.zipped else 0) + 4_000

    def choose(
        self, accept_encoding: str | None, if_none_match: str | None, if_modified_since: str | None
    ) -> tuple[int, Headers, bytes]:
        """Return status, headers and body of the response to a request with these headers; the headers are shared."""
        form = self.zipped
        if form is None or not accept_encoding or not _takes_gzip(accept_encoding[:MAX_ACCEPT_CHARS]):
            form = self.plain
        if self._is_current(form.etag, if_none_match, if_modified_since):
            return 304, form.unchanged, b""
        return 200, form.headers, form.body

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer a request for this page."""
        names = ("HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
        status, headers, body = self.choose(*map(environ.get, names))
        # A copy: middleware may add to it.
        start_response("304 Not Modified" if status == 304 else "200 OK", list(headers))
        return [body]

    def _is_current(self, etag: str, if_none_match: str | None, if_modified_since: str | None) -> bool:
        if if_none_match is not None:
            tags, tag = parse_etags(if_none_match), unquote_etag(etag)[0] or ""
            # A proxy that compresses may append the coding (Apache does), and leave it there in the request.
            return any(tags.contains_weak(tag + coding) for coding in _APPENDED)
        moment = parse_date(if_modified_since)
        return moment is not None and self.changed.replace(microsecond=0) <= moment


def reply_of(headers: Headers, body: bytes, now: datetime, before: Reply | None) -> Reply:
    """Turn a response of the application at *now* into a page for the cache.

    before: the previous page at this address; with the same content its modification date is kept
    """
    digest = hashlib.sha256(body).hexdigest()[:32]
    changed = before.changed if before is not None and before.digest == digest else now
    common = [(name, value) for name, value in headers if name.lower() not in ("content-length", "etag", "vary")]
    common.append(("Last-Modified", format_datetime(changed.astimezone(UTC), usegmt=True)))
    varies = [value for name, value in headers if name.lower() == "vary" and value.lower() != "accept-encoding"]
    common.append(("Vary", ", ".join(["Accept-Encoding", *varies])))
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
    return parse_accept_header(accepted).quality("gzip") > 0
