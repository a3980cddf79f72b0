"""Cache pages: a thin WSGI layer in front of Flask.

A page is rendered once per edition and then answered from memory. The view decides in its `CacheHints` whether and how
long a response is cached; the default is not at all. A busy page is rendered again in the background while readers
still get the previous one, and no page is rendered twice at a time. Private responses are neither cached nor served
from the cache. The key is scheme, host, path and the query parameters that the view reads. `cached_response` answers
from a cached page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aggregator.model import Clock
from web.http.cached_response import Headers, Reply, reply_of
from web.http.hints import WHOLE_EDITION, CacheHints, hints_of, put_hints
from web.http.readable_feeds import readable
from web.http.work_queue import quick_switching

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_Key = tuple[str, str, str, str]
"""Scheme, host, path and query."""

IS_ASYNC = "groundswell.is_async"
"""Set in an environment by a layer that awaits `CacheHints.waits_for`."""

MAX_BYTES = 16_000_000
"""Bytes of all pages together, some 400 of 40 kB. Even light traffic fills it within minutes."""
MAX_WAIT = 10
"""Factor on the time for which a stale page is served, while it is being rendered again."""
WAIT_S = 2.0
"""How long a request waits for another one that renders the same page, before rendering it too."""
MAX_PAGE_BYTES = 2_000_000


class Answer(NamedTuple):
    """The response of a WSGI application."""

    status: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """A cached page."""

    edition: int
    rendered_at: datetime
    until: datetime | None
    reply: Reply
    story_id: int | None
    shown: tuple[int, ...]

    def fresh(self, edition: int, now: datetime) -> bool:
        """Return whether the page is still valid at *now*, in an edition."""
        # If the clock was set back, the page is not kept for the time in between.
        return self.edition == edition and self.rendered_at <= now and (self.until is None or now < self.until)


class Addresses(Protocol):
    """Normalizes the addresses of requests."""

    def canonical(self, path: str, query: str) -> tuple[str, str]:
        """Return path (without that of site.url) and query (without parameters that the view does not read)."""

    def is_costly(self, path: str, query: str) -> bool:
        """Return whether a response takes a lot of work."""


class AsWritten:
    """Leaves addresses unchanged."""

    def canonical(self, path: str, query: str) -> tuple[str, str]:
        """Return both unchanged."""
        return path, query

    def is_costly(self, path: str, query: str) -> bool:
        """No address is costly."""
        return False


class PageCache:
    """WSGI: answers GET and HEAD from memory if possible.

    edition:   reads the edition number, None if that is not possible
    looked_at: counts the views of a story; saw: counts the impressions of a list
    private:   whether a request with a cookie is the operator's
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        clock: Clock,
        edition: Callable[[], int | None],
        looked_at: Callable[[int, WSGIEnvironment, datetime], None],
        saw: Callable[[tuple[int, ...], WSGIEnvironment, datetime], None] = lambda *_: None,
        private: Callable[[WSGIEnvironment], bool] = lambda environ: False,
        addresses: Addresses | None = None,
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
        self._addresses = addresses or AsWritten()
        self._edition_every_s = edition_every_s
        self._max_bytes = max_bytes
        self._ticks = ticks
        self._lock = threading.Lock()
        self._stale_s = stale_s
        self._pages: OrderedDict[_Key, Page] = OrderedDict()
        self._fresh_at: dict[_Key, float] = {}
        self._making: dict[_Key, threading.Event] = {}
        self._wanted: SimpleQueue[tuple[_Key, WSGIEnvironment]] = SimpleQueue()
        self._maker: threading.Thread | None = None
        self._bytes = 0
        self._edition = 0
        self._edition_read_at = float("-inf")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response = readable(environ, start_response)
        now = self._clock()
        put_hints(environ, CacheHints(now, is_async=environ.get(IS_ASYNC, False)))
        method = environ["REQUEST_METHOD"]
        path, query = self._addresses.canonical(environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
        environ["PATH_INFO"] = path
        if method not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        if "HTTP_COOKIE" in environ:
            if self._private(environ):
                return self._app(environ, start_response)
            # Another cookie, or that of an ended session: the page is the public one.
            del environ["HTTP_COOKIE"]
        environ["QUERY_STRING"] = query
        # The host is part of the key, so that a page is never given under a name it was refused for; and the scheme,
        # because absolute addresses and the headers for HTTPS depend on it.
        key = (environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), path, query)
        page = self._page(key, environ, now)
        if isinstance(page, Answer):
            start_response(page.status, _with_length(page.headers, page.body))
            return [b"" if method == "HEAD" else page.body]
        if method == "GET":
            self.count(page, environ, now)
        body = page.reply.answer(environ, start_response)
        return [b""] if method == "HEAD" else body

    # For an event loop, which must not wait: only what is in memory.

    def peek(self, scheme: str, host: str, path: str, query: str) -> Page | None:
        """Return the cached page of an address, None if there is none that can be used without waiting.

        A page that has just become stale is returned once more while it is rendered again in the background.
        """
        ticks = self._ticks()
        if ticks - self._edition_read_at >= self._stale_s:
            return None
        if not path.isascii():
            path = path.encode("utf-8", "replace").decode("latin-1")
        path, query = self._addresses.canonical(path, query)
        key = (scheme, host, path, query)
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            self._pages.move_to_end(key)
        if not page.fresh(self._edition, self._clock()):
            return page if key in self._making and self._may_serve_stale(key) else None
        self._fresh_at[key] = ticks
        return page

    def count(self, page: Page, environ: WSGIEnvironment, now: datetime | None = None) -> None:
        """Count a visit of a page."""
        if page.story_id is not None:
            self._looked_at(page.story_id, environ, now or self._clock())
        if page.shown:
            self._saw(page.shown, environ, now or self._clock())

    def is_costly(self, path: str, query: str) -> bool:
        """Return whether a response takes a lot of work."""
        return self._addresses.is_costly(path, query)

    def edition_due(self) -> bool:
        """Return whether it is time to check for changes."""
        return self._ticks() - self._edition_read_at >= self._edition_every_s

    def _page(self, key: _Key, environ: WSGIEnvironment, now: datetime) -> Page | Answer:
        """Return the page at an address, or the application's response if that may not be cached."""
        if self.edition_due():
            self.read_edition()
        edition = self._edition
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
        if page is not None and page.fresh(edition, now):
            self._fresh_at[key] = self._ticks()
            return page
        if page is not None and self._may_serve_stale(key):
            # A busy page: requests get the old one until the new one is rendered, and none waits.
            self._make_aside(key, environ)
            return page
        if (shared := self._await_rendering(key, page)) is not None:
            return shared
        mine = self._begin(key)
        try:
            environ["REQUEST_METHOD"] = "GET"
            answer = wsgi_answer(self._app, environ)
            rendered = self._store_page(key, hints_of(environ), answer, edition, page)
        finally:
            if mine:
                self._end(key)
        if rendered is None and page is not None and answer.status.startswith("503"):
            return page  # the last page is better than an error
        return rendered or answer

    def _store_page(
        self,
        key: _Key,
        hints: CacheHints,
        answer: Answer,
        edition: int,
        before: Page | None,
    ) -> Page | None:
        """Cache and return a response of the application, None if it may not be cached."""
        keep = hints.keep_for
        if not answer.status.startswith("200") or not keep or len(answer.body) > MAX_PAGE_BYTES:
            return None
        now = hints.now
        page = Page(
            edition=edition,
            rendered_at=now,
            until=None if keep == WHOLE_EDITION else now + keep,
            reply=reply_of(answer.headers, answer.body, now, None if before is None else before.reply),
            story_id=hints.story_id,
            shown=hints.shown,
        )
        self._keep(key, page)
        return page

    def _may_serve_stale(self, key: _Key) -> bool:
        """Return whether a stale page is still served, which takes longer while it is being rendered again."""
        since = self._ticks() - self._fresh_at.get(key, float("-inf"))
        return since < self._stale_s * (MAX_WAIT if key in self._making else 1)

    def _make_aside(self, key: _Key, environ: WSGIEnvironment) -> None:
        """Render a page again in another thread, one at a time per page."""
        if not self._begin(key):
            return
        with self._lock:
            # Started by the first request, because threads do not survive a fork.
            if self._maker is None:
                self._maker = threading.Thread(target=self._make_all, name="pages", daemon=True)
                self._maker.start()
        self._wanted.put((key, {**environ, "REQUEST_METHOD": "GET"}))

    def _begin(self, key: _Key) -> bool:
        """Mark a page as being rendered; return False if it is already."""
        with self._lock:
            return self._making.setdefault(key, finished := threading.Event()) is finished

    def _end(self, key: _Key) -> None:
        with self._lock:
            finished = self._making.pop(key)
        finished.set()

    def _await_rendering(self, key: _Key, before: Page | None) -> Page | None:
        """Wait for the request that renders this page, and return the page; None if there is none, or it failed."""
        with self._lock:
            finished = self._making.get(key)
        if finished is None or not finished.wait(WAIT_S):
            return None
        with self._lock:
            page = self._pages.get(key)
        return page if page is not before else None

    def _make_all(self) -> None:
        while True:
            key, environ = self._wanted.get()
            try:
                hints = put_hints(environ, CacheHints(self._clock()))
                if self.edition_due():
                    self.read_edition()
                edition = self._edition
                answer = wsgi_answer(self._app, environ)
                if self._store_page(key, hints, answer, edition, self._pages.get(key)) is None:
                    self._fresh_at.pop(key, None)
            except Exception:
                # The application handles its own errors; the next request renders again.
                log.exception("a page could not be rendered in the background: %r", key[1])
                self._fresh_at.pop(key, None)
            finally:
                self._end(key)

    def read_edition(self) -> None:
        """Check for changes."""
        self._edition_read_at = self._ticks()
        edition = self._read_edition()
        if edition is not None:
            self._edition = edition

    def _keep(self, key: _Key, page: Page) -> None:
        with self._lock:
            before = self._pages.pop(key, None)
            self._bytes += page.reply.size - (before.reply.size if before else 0)
            self._pages[key] = page
            self._fresh_at[key] = self._ticks()
            while self._bytes > self._max_bytes and len(self._pages) > 1:
                gone, oldest = self._pages.popitem(last=False)
                self._fresh_at.pop(gone, None)
                self._bytes -= oldest.reply.size


def wsgi_answer(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Return the response of a WSGI application."""
    status: str = "500 Internal Server Error"
    headers: Headers = []

    def start_response(status_line: str, fields: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        nonlocal status, headers
        status, headers = status_line, list(fields)
        return lambda data: None

    with quick_switching:
        answer = app(environ, start_response)
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
    return Answer(status, headers, body)


def _with_length(headers: Headers, body: bytes) -> Headers:
    return [*((k, v) for k, v in headers if k.lower() != "content-length"), ("Content-Length", str(len(body)))]
