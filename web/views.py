"""Count the people who look at a story, without knowing who they are.

A person is a hash of address and user agent under a salt that lives in memory for one day, so no
count can be traced back and nobody is counted twice a day. Bots and prefetches are left out by what
they say of themselves. Numbers are written in batches by a thread of their own: counting never slows
a request and never fails one.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.store import Store, StoreFault

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

WRITE_EVERY_S = 10.0
MAX_SEEN = 200_000
"""Visits that are remembered in a day (16 bytes each, and Python's overhead); beyond, nobody is counted anew."""
MAX_PENDING = 10_000
"""Stories whose counts wait for a database that cannot be written."""

# What crawlers, feed readers, libraries and link previews call themselves.
_BOT = re.compile(
    r"bot|crawl|spider|slurp|feed|rss|reader|fetch|scan|monitor|preview|archive|headless|lighthouse|facebookexternal"
    r"|embed|curl|wget|python|httpx|aiohttp|java/|okhttp|go-http|libwww|perl|ruby|php|node|axios|scrapy|uptime|pingdom",
    re.IGNORECASE,
)


def is_person(environ: WSGIEnvironment) -> bool:
    """Return whether a request looks like a person who opens a page."""
    agent = environ.get("HTTP_USER_AGENT", "")
    if not agent or _BOT.search(agent):
        return False
    purpose = " ".join(environ.get(name, "") for name in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")).lower()
    return "prefetch" not in purpose and "prerender" not in purpose and "preview" not in purpose


class Views:
    """Who looked at what since the last write, and a hash of everyone who did today."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        every_s: float = WRITE_EVERY_S,
        salt: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        self._open_store = open_store
        self._every_s = every_s
        self._new_salt = salt
        self._salt = b""
        self._day: date | None = None
        self._seen: set[bytes] = set()
        self._pending: Counter[tuple[date, int]] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def into(cls, db: Path) -> Views:
        """Return a counter that writes to the database at *db*."""
        return cls(lambda: Store.open(db))

    def looked_at(self, story_id: int, environ: WSGIEnvironment, now: datetime) -> None:
        """Count a request for a story, once a person and day."""
        if not is_person(environ):
            return
        day = now.date()
        with self._lock:
            if day != self._day:
                self._day, self._salt = day, self._new_salt()
                self._seen.clear()
            who = f"{story_id}\n{environ.get('REMOTE_ADDR', '')}\n{environ.get('HTTP_USER_AGENT', '')}"
            mark = hashlib.blake2b(who.encode("utf-8", "replace"), key=self._salt, digest_size=12).digest()
            if mark in self._seen or len(self._seen) >= MAX_SEEN:
                return
            self._seen.add(mark)
            if len(self._pending) < MAX_PENDING or (day, story_id) in self._pending:
                self._pending[day, story_id] += 1
            # Started by the first reader and not before: a process that forks later has no thread to lose.
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="views", daemon=True)
                self._thread.start()

    def flush(self) -> bool:
        """Write what is pending; return whether nothing is left. What cannot be written is kept."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return True
        try:
            with self._open_store() as store, store.transaction():
                for day in sorted({day for day, _ in pending}):
                    store.feedback.add_views({story: n for (d, story), n in pending.items() if d == day}, day)
        except (StoreFault, StoreError, OSError) as error:
            log.warning("%d views wait to be written: %s", sum(pending.values()), error)
            with self._lock:
                pending.update(self._pending)
                self._pending = Counter(dict(list(pending.items())[:MAX_PENDING]))
            return False
        return True

    def close(self) -> None:
        """Stop the thread and write what is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)
        self.flush()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.flush()
