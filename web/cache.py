"""Keep finished pages: a thin WSGI layer in front of Flask.

A page is rendered once an edition, compressed once, and answered from memory with a strong ETag;
who has it already gets a 304. Whether and for how long an answer may be kept, the view behind says
in the environment (`KEEP`); by itself nothing is kept. A page that is asked for all the time is made anew
aside, while everybody still gets the one of a moment ago. What is private is neither answered from here nor
kept. Knows no page and no story.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from aggregator.model import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
_Key = tuple[str, str, str]

NOW = "groundswell.now"
"""The moment of the request: the clock is read here, once."""
KEEP = "groundswell.keep"
"""How long the answer may be kept within its edition (timedelta); `WHOLE_EDITION` for all of it."""
STORY = "groundswell.story"
"""The id of the story that is shown, for counting who looked at it."""
SHOWN = "groundswell.shown"
"""The ids of the stories that a list shows, in its order, for counting how many people saw them where."""
WHOLE_EDITION = timedelta.max

MAX_BYTES = 32_000_000
MAX_PAGE_BYTES = 2_000_000
COMPRESS_FROM = 400
"""Bytes below which gzip saves less than a packet."""


@dataclass(frozen=True, slots=True)
class _Page:
    edition: int
    made: datetime
    until: datetime | None
    digest: str
    changed: datetime
    """When this content was first given at this address."""
    headers: Headers
    body: bytes
    zipped: bytes | None
    story_id: int | None
    shown: tuple[int, ...]

    def fresh(self, edition: int, now: datetime) -> bool:
        # A clock that was set back does not keep a page for the time in between.
        return self.edition == edition and self.made <= now and (self.until is None or now < self.until)

    @property
    def size(self) -> int:
        return len(self.body) + len(self.zipped or b"") + 2_000


class PageCache:
    """WSGI: answers GET and HEAD from memory where it may."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        clock: Clock,
        edition: Callable[[], int | None],
        looked_at: Callable[[int, WSGIEnvironment, datetime], None],
        saw: Callable[[tuple[int, ...], WSGIEnvironment, datetime], None] = lambda *_: None,
        private: Callable[[WSGIEnvironment], bool] = lambda environ: False,
        edition_every_s: float = 0.5,
        stale_s: float = 0.0,
        max_bytes: int = MAX_BYTES,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._clock = clock
        self._read_edition = edition
        self._looked_at = looked_at
        self._saw = saw
        self._private = private
        self._edition_every_s = edition_every_s
        self._max_bytes = max_bytes
        self._ticks = ticks
        self._lock = threading.Lock()
        self._stale_s = stale_s
        self._pages: OrderedDict[_Key, _Page] = OrderedDict()
        self._fresh_at: dict[_Key, float] = {}
        self._making: set[_Key] = set()
        self._wanted: SimpleQueue[tuple[_Key, WSGIEnvironment]] = SimpleQueue()
        self._maker: threading.Thread | None = None
        self._bytes = 0
        self._edition = 0
        self._edition_read_at = float("-inf")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[NOW] = now = self._clock()
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD") or self._private(environ):
            return self._app(environ, start_response)
        # The host is part of the key, so that a page is never given under a name it was refused for.
        key = (environ.get("HTTP_HOST", ""), environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
        edition = self._current_edition()
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
        if page is not None and page.fresh(edition, now):
            self._fresh_at[key] = self._ticks()
        elif page is not None and self._ticks() - self._fresh_at.get(key, float("-inf")) < self._stale_s:
            # Asked for all the time: nobody waits, everybody has the page of a moment ago until the new one is made.
            self._make_aside(key, environ)
        else:
            status, headers, body = _run(self._app, environ)
            made = self._made(key, environ, status, headers, body, edition, page)
            if made is not None:
                page = made
            elif page is None or not status.startswith("503"):
                start_response(status, _with_length(headers, body))
                return [b"" if method == "HEAD" else body]
            # else: what was last read is better than an apology.
        if method == "GET" and page.story_id is not None:
            self._looked_at(page.story_id, environ, now)
        if method == "GET" and page.shown:
            self._saw(page.shown, environ, now)
        answer = _answer(page, environ, start_response)
        return [b""] if method == "HEAD" else answer

    def _made(
        self,
        key: _Key,
        environ: WSGIEnvironment,
        status: str,
        headers: Headers,
        body: bytes,
        edition: int,
        before: _Page | None,
    ) -> _Page | None:
        """Keep what the application answered and return it, None where it may not be kept."""
        keep: timedelta | None = environ.get(KEEP)
        if not status.startswith("200") or not keep or len(body) > MAX_PAGE_BYTES:
            return None
        page = _page(headers, body, environ, edition, environ[NOW], keep, before)
        self._keep(key, page)
        return page

    def _make_aside(self, key: _Key, environ: WSGIEnvironment) -> None:
        """Let a thread of its own make a page anew, once at a time."""
        with self._lock:
            if key in self._making:
                return
            self._making.add(key)
            # Started by the first request and not before: a process that forks later has no thread to lose.
            if self._maker is None:
                self._maker = threading.Thread(target=self._make_all, name="pages", daemon=True)
                self._maker.start()
        self._wanted.put((key, dict(environ)))

    def _make_all(self) -> None:
        while True:
            key, environ = self._wanted.get()
            try:
                environ[NOW] = self._clock()
                edition = self._current_edition()
                if self._made(key, environ, *_run(self._app, environ), edition, self._pages.get(key)) is None:
                    self._fresh_at.pop(key, None)
            except Exception:
                # The application answers for its own faults; whoever asks next sees what this was.
                log.exception("a page could not be made aside: %r", key[1])
                self._fresh_at.pop(key, None)
            finally:
                with self._lock:
                    self._making.discard(key)

    def _current_edition(self) -> int:
        moment = self._ticks()
        if moment - self._edition_read_at >= self._edition_every_s:
            self._edition_read_at = moment
            edition = self._read_edition()
            if edition is not None:
                self._edition = edition
        return self._edition

    def _keep(self, key: _Key, page: _Page) -> None:
        with self._lock:
            before = self._pages.pop(key, None)
            self._bytes += page.size - (before.size if before else 0)
            self._pages[key] = page
            self._fresh_at[key] = self._ticks()
            while self._bytes > self._max_bytes and len(self._pages) > 1:
                gone, oldest = self._pages.popitem(last=False)
                self._fresh_at.pop(gone, None)
                self._bytes -= oldest.size


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
    """Return what the application answers, asked as by GET."""
    given: list[Any] = ["500 Internal Server Error", []]

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        given[:] = [status, headers]
        return lambda data: None

    environ["REQUEST_METHOD"] = "GET"
    answer = app(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return given[0], list(given[1]), body


def _page(
    headers: Headers,
    body: bytes,
    environ: WSGIEnvironment,
    edition: int,
    now: datetime,
    keep: timedelta,
    before: _Page | None,
) -> _Page:
    digest = hashlib.sha256(body).hexdigest()[:32]
    zipped = gzip.compress(body, 6, mtime=0) if len(body) >= COMPRESS_FROM else None
    return _Page(
        edition=edition,
        made=now,
        until=None if keep == WHOLE_EDITION else now + keep,
        digest=digest,
        changed=before.changed if before is not None and before.digest == digest else now,
        headers=[(name, value) for name, value in headers if name.lower() not in ("content-length", "etag", "vary")],
        body=body,
        zipped=zipped,
        story_id=environ.get(STORY),
        shown=environ.get(SHOWN, ()),
    )


def _answer(page: _Page, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    zipped = page.zipped if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else None
    etag = f'"{page.digest}{"-gzip" if zipped is not None else ""}"'
    headers = [
        *page.headers,
        ("ETag", etag),
        ("Last-Modified", format_datetime(page.changed.astimezone(UTC), usegmt=True)),
        ("Vary", "Accept-Encoding"),
    ]
    if _has_it(page, etag, environ):
        start_response("304 Not Modified", [(k, v) for k, v in headers if k.lower() != "content-type"])
        return [b""]
    body = page.body if zipped is None else zipped
    if zipped is not None:
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    start_response("200 OK", headers)
    return [body]


def _has_it(page: _Page, etag: str, environ: WSGIEnvironment) -> bool:
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
    return page.changed.replace(microsecond=0) <= moment


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, params = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return params.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _with_length(headers: Headers, body: bytes) -> Headers:
    return [*((k, v) for k, v in headers if k.lower() != "content-length"), ("Content-Length", str(len(body)))]
