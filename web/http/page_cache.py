"""Keep finished pages: a thin WSGI layer in front of Flask.

A page is rendered once an edition and answered from memory. Whether and for how long an answer may be kept, the
view behind says in the environment (`KEEP`); by itself nothing is kept. A page that is asked for all the time is made
anew aside, while everybody still gets the one of a moment ago; no page is made twice at a time. What is private is
neither answered from here nor kept. Knows no page and no story; leaves how a finished page is answered to `reply`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from aggregator.model import Clock
from web.http.cached_response import Headers, Reply, reply_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

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
PATIENCE = 10
"""So many times longer than else a page of a moment ago is given while its successor is being made."""
WAIT_S = 2.0
"""So long whoever has nothing else to get waits for one who is making the page already, before making it too."""
MAX_PAGE_BYTES = 2_000_000


class _Answer(NamedTuple):
    """What the application said."""

    status: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Page:
    edition: int
    made: datetime
    until: datetime | None
    reply: Reply
    story_id: int | None
    shown: tuple[int, ...]

    def fresh(self, edition: int, now: datetime) -> bool:
        # A clock that was set back does not keep a page for the time in between.
        return self.edition == edition and self.made <= now and (self.until is None or now < self.until)


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
        self._making: dict[_Key, threading.Event] = {}
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
        page = self._page(key, environ)
        if isinstance(page, _Answer):
            start_response(page.status, _with_length(page.headers, page.body))
            return [b"" if method == "HEAD" else page.body]
        if method == "GET" and page.story_id is not None:
            self._looked_at(page.story_id, environ, now)
        if method == "GET" and page.shown:
            self._saw(page.shown, environ, now)
        body = page.reply.answer(environ, start_response)
        return [b""] if method == "HEAD" else body

    def _page(self, key: _Key, environ: WSGIEnvironment) -> _Page | _Answer:
        """Return the page at an address, or what the application answers where that may not be kept."""
        edition = self._current_edition()
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
        if page is not None and page.fresh(edition, environ[NOW]):
            self._fresh_at[key] = self._ticks()
            return page
        if page is not None and self._still_given(key):
            # Asked for all the time: nobody waits, everybody has the page of a moment ago until the new one is made.
            self._make_aside(key, environ)
            return page
        if (came := self._made_by_another(key, page)) is not None:
            return came
        mine = self._begin(key)
        try:
            answer = _run(self._app, environ)
            made = self._made(key, environ, answer, edition, page)
        finally:
            if mine:
                self._end(key)
        if made is None and page is not None and answer.status.startswith("503"):
            return page  # what was last read is better than an apology
        return made or answer

    def _made(
        self,
        key: _Key,
        environ: WSGIEnvironment,
        answer: _Answer,
        edition: int,
        before: _Page | None,
    ) -> _Page | None:
        """Keep what the application answered and return it, None where it may not be kept."""
        keep: timedelta | None = environ.get(KEEP)
        if not answer.status.startswith("200") or not keep or len(answer.body) > MAX_PAGE_BYTES:
            return None
        now = environ[NOW]
        page = _Page(
            edition=edition,
            made=now,
            until=None if keep == WHOLE_EDITION else now + keep,
            reply=reply_of(answer.headers, answer.body, now, None if before is None else before.reply),
            story_id=environ.get(STORY),
            shown=environ.get(SHOWN, ()),
        )
        self._keep(key, page)
        return page

    def _still_given(self, key: _Key) -> bool:
        """Return whether everybody gets the page of a moment ago; longer where its successor is being made."""
        since = self._ticks() - self._fresh_at.get(key, float("-inf"))
        return since < self._stale_s * (PATIENCE if key in self._making else 1)

    def _make_aside(self, key: _Key, environ: WSGIEnvironment) -> None:
        """Let a thread of its own make a page anew, once at a time."""
        if not self._begin(key):
            return
        with self._lock:
            # Started by the first request and not before: a process that forks later has no thread to lose.
            if self._maker is None:
                self._maker = threading.Thread(target=self._make_all, name="pages", daemon=True)
                self._maker.start()
        self._wanted.put((key, dict(environ)))

    def _begin(self, key: _Key) -> bool:
        """Say that a page is being made; False where somebody does already."""
        with self._lock:
            return self._making.setdefault(key, made := threading.Event()) is made

    def _end(self, key: _Key) -> None:
        with self._lock:
            made = self._making.pop(key)
        made.set()

    def _made_by_another(self, key: _Key, before: _Page | None) -> _Page | None:
        """Wait for whoever is making a page, and return it; None where nobody is, or nothing came of it."""
        with self._lock:
            made = self._making.get(key)
        if made is None or not made.wait(WAIT_S):
            return None
        with self._lock:
            page = self._pages.get(key)
        return page if page is not before else None

    def _make_all(self) -> None:
        while True:
            key, environ = self._wanted.get()
            try:
                environ[NOW] = self._clock()
                edition = self._current_edition()
                if self._made(key, environ, _run(self._app, environ), edition, self._pages.get(key)) is None:
                    self._fresh_at.pop(key, None)
            except Exception:
                # The application answers for its own faults; whoever asks next sees what this was.
                log.exception("a page could not be made aside: %r", key[1])
                self._fresh_at.pop(key, None)
            finally:
                self._end(key)

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
            self._bytes += page.reply.size - (before.reply.size if before else 0)
            self._pages[key] = page
            self._fresh_at[key] = self._ticks()
            while self._bytes > self._max_bytes and len(self._pages) > 1:
                gone, oldest = self._pages.popitem(last=False)
                self._fresh_at.pop(gone, None)
                self._bytes -= oldest.reply.size


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> _Answer:
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
    return _Answer(given[0], list(given[1]), body)


def _with_length(headers: Headers, body: bytes) -> Headers:
    return [*((k, v) for k, v in headers if k.lower() != "content-length"), ("Content-Length", str(len(body)))]
