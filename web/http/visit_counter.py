"""Count impressions and views of stories by person, anonymously.

A person is a hash of address and user agent with a salt that stays in memory for one day, and even that is not stored.
The hash is Python's own: SipHash, with a key that is new in each process.
The memory only has hashes of person and story, so that nobody is counted twice a day, and the stories that one person
read cannot be determined. Bots and prefetches are excluded by their own headers. A background thread writes counts in
batches, so counting never delays or fails a request.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.model import Impression, place_of
from aggregator.site.database import open_store
from aggregator.store import Store, StoreFault
from web.http import clients

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

WRITE_EVERY_S = 10.0
MAX_SEEN = 200_000
"""Views and impressions that are kept per day, about 100 bytes each; further visitors are not counted."""
MAX_LISTS = 20_000
"""Lists that are kept per day, about 100 bytes each; with lively feeds each list has new contents every minute."""
MAX_PEOPLE_PER_NETWORK = 20
"""People of one address (IPv4) or /64 (IPv6) that are counted in a day. A household or office is more than one reader;
one script with a thousand user agents is not a thousand. Behind a proxy, start with --proxies: else all readers have
its address."""
MAX_PENDING = 10_000
"""Stories with pending counts while the database cannot be written."""

# Names of crawlers, feed readers, libraries and link previews.
_BOT = re.compile(
    r"bot|crawl|spider|slurp|feed|rss|reader|fetch|scan|monitor|preview|archive|headless|lighthouse|facebookexternal"
    r"|embed|curl|wget|python|httpx|aiohttp|java/|okhttp|go-http|libwww|perl|ruby|php|node|axios|scrapy|uptime|pingdom",
    re.IGNORECASE,
)

MAX_AGENT_CHARS = 400
"""Characters of a user agent that are checked for a bot."""


def is_person(environ: WSGIEnvironment) -> bool:
    """Return whether a request seems to come from a person who opens a page."""
    agent = environ.get("HTTP_USER_AGENT", "")
    if not agent or _is_bot(agent[:MAX_AGENT_CHARS]):
        return False
    purpose = " ".join(environ.get(name, "") for name in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")).lower()
    return "prefetch" not in purpose and "prerender" not in purpose and "preview" not in purpose


@lru_cache(maxsize=1024)
def _is_bot(agent: str) -> bool:
    return _BOT.search(agent) is not None


class VisitCounter:
    """Views and impressions since the last write, and hashes of today's."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        every_s: float = WRITE_EVERY_S,
        salt: Callable[[], bytes] = lambda: secrets.token_bytes(32),
        max_lists: int = MAX_LISTS,
    ) -> None:
        self._open_store = open_store
        self._every_s = every_s
        self._new_salt = salt
        self._max_lists = max_lists
        self._salt = b""
        self._day: date | None = None
        self._seen: set[int] = set()
        self._shown: dict[int, int] = {}
        """The first position of each impression, by the hash of person and story."""
        self._people: dict[int, set[int]] = {}
        """Today's people by network, both as hashes."""
        self._lists: set[int] = set()
        """Lists that were counted, by the hash of person and stories: most people come back before a list changes."""
        self._views: Counter[tuple[date, int]] = Counter()
        self._places: dict[tuple[date, int, int], list[int]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def into(cls, db: Path) -> VisitCounter:
        """Return a counter that writes to the database at *db*."""
        return cls(lambda: open_store(db))

    def looked_at(self, story_id: int, environ: WSGIEnvironment, now: datetime) -> None:
        """Count a view of a story, once per person and day, and a click if a list showed it that day."""
        if not is_person(environ):
            return
        with self._lock:
            day = self._turn(now)
            person = self._person(environ)
            if person is None:
                return
            mark = hash((person, story_id))
            if mark in self._seen or len(self._seen) >= MAX_SEEN:
                return
            self._seen.add(mark)
            if len(self._views) < MAX_PENDING or (day, story_id) in self._views:
                self._views[day, story_id] += 1
            if (place := self._shown.get(mark)) is not None:
                self._count(day, story_id, place, opened=True)
            self._start()

    def saw(self, story_ids: tuple[int, ...], environ: WSGIEnvironment, now: datetime) -> None:
        """Count impressions of these stories, in order: once per person and day, at the first position."""
        if not is_person(environ):
            return
        with self._lock:
            day = self._turn(now)
            person = self._person(environ)
            if person is None:
                return
            list_key = hash((person, story_ids))
            if list_key in self._lists or len(self._shown) >= MAX_SEEN:
                return
            if len(self._lists) >= self._max_lists:
                # They only save work: `_shown` decides what counts.
                self._lists.clear()
            self._lists.add(list_key)
            for position, story_id in enumerate(story_ids, start=1):
                mark = hash((person, story_id))
                # A person who has read it already did not come from this list.
                if mark not in self._shown and mark not in self._seen:
                    self._shown[mark] = place = place_of(position)
                    self._count(day, story_id, place, opened=False)
            self._start()

    def _turn(self, now: datetime) -> date:
        day = now.date()
        if day != self._day:
            self._day, self._salt = day, self._new_salt()
            self._seen.clear()
            self._shown.clear()
            self._lists.clear()
            self._people.clear()
        return day

    def _person(self, environ: WSGIEnvironment) -> int | None:
        """Return the hash of a person; None above the limit of the network."""
        address = environ.get("REMOTE_ADDR", "")
        person = hash((self._salt, address, environ.get("HTTP_USER_AGENT", "")))
        network = hash((self._salt, clients.network(address)))
        people = self._people.get(network)
        if people is None:
            if len(self._people) >= MAX_SEEN:
                return None
            people = self._people[network] = set()
        if person not in people:
            if len(people) >= MAX_PEOPLE_PER_NETWORK:
                return None
            people.add(person)
        return person

    def _count(self, day: date, story_id: int, place: int, *, opened: bool) -> None:
        counts = self._places.get((day, story_id, place))
        if counts is None:
            if len(self._places) >= MAX_PENDING:
                return
            counts = self._places[day, story_id, place] = [0, 0]
        counts[opened] += 1

    def _start(self) -> None:
        # Started by the first reader, because threads do not survive a fork.
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="views", daemon=True)
            self._thread.start()

    def flush(self) -> bool:
        """Write pending counts; return whether none are left. Unwritten counts are kept."""
        with self._lock:
            views, self._views = self._views, Counter()
            places, self._places = self._places, {}
        if not views and not places:
            return True
        try:
            with self._open_store() as store, store.transaction():
                for day in sorted({key[0] for key in views} | {key[0] for key in places}):
                    store.feedback.add_views({story: n for (d, story), n in views.items() if d == day}, day)
                    shown = (Impression(s, p, *counts) for (d, s, p), counts in sorted(places.items()) if d == day)
                    store.feedback.add_impressions(shown, day)
        except (StoreFault, StoreError, OSError) as error:
            log.warning("%d views are waiting to be written: %s", sum(views.values()), error)
            with self._lock:
                views.update(self._views)
                self._views = Counter(dict(list(views.items())[:MAX_PENDING]))
                for key, (people, opened) in self._places.items():
                    total = places.setdefault(key, [0, 0])
                    total[:] = [total[0] + people, total[1] + opened]
                self._places = dict(list(places.items())[:MAX_PENDING])
            return False
        return True

    def close(self) -> None:
        """Stop the thread and write the remaining counts."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)
        self.flush()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.flush()
