"""Proxy pictures of entries: fetched once, checked, and cached.

Recognises pictures that are safe for browsers by signature and stated size, without decoding. Fetches run on an event
loop in their own thread, one per picture and a few at a time, so that a slow server does not block rendering threads.
`aggregator.fetch` makes the requests with its address checks and limits.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO

import filetype
import imagesize

from aggregator.fetch import Client, access, fetch, user_agent
from aggregator.model import Config, Fetched
from aggregator.store.files.pictures import KeptPictures
from aggregator.text.urls import host

log = logging.getLogger(__name__)

MAX_BYTES = 6_000_000
"""Bytes of one picture: press photographs are below 2 MB."""
MAX_SIDE, MAX_PIXELS = 12_000, 60_000_000
"""Most pixels: a few kilobytes can decode to more than a phone's memory."""
MIN_SIDE = 8
"""Least pixels of a side: smaller ones are tracking pixels."""
TIMEOUT = timedelta(seconds=10)
MAX_FETCHES = 16
"""Concurrent fetches from all servers together."""
MAX_FETCHES_PER_HOST = 4
MISS_LASTS = timedelta(minutes=15)
"""How long a failed picture is not requested again."""
MAX_MISSES = 5_000
TYPES = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/apng": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/avif": "image/avif",
}
"""The types that are passed on to browsers. SVG is excluded: it is a document with scripts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Type and size of a picture, from its bytes."""

    mime: str
    width: int
    height: int


def kind_of(data: bytes) -> Kind | None:
    """Return type and size of *data*: JPEG, PNG, GIF, WebP or AVIF within the limits; None for everything else."""
    try:
        mime = TYPES.get(filetype.guess_mime(data[:4096]) or "")
        width, height = imagesize.get(BytesIO(data)) if mime else (-1, -1)
    except Exception:
        # These parsers read bytes of unknown origin: data that crashes them is not a picture.
        return None
    if mime is None or min(width, height) < MIN_SIDE:
        return None
    return Kind(mime, width, height) if max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS else None


class NoTurn(Exception):
    """The limit of concurrent fetches is reached; the picture is available later."""


class PictureProxy:
    """The cache of pictures, with fetching of missing ones.

    cache:         opens the cache, in any thread
    private_hosts: hosts of the local network that may be fetched from; none but in tests
    """

    def __init__(
        self,
        cache: Callable[[], AbstractContextManager[KeptPictures]],
        *,
        private_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._cache = cache
        self._private_hosts = private_hosts
        self._lock = threading.Lock()
        self._missed: OrderedDict[str, datetime] = OrderedDict()
        self._running: dict[str, Future[None]] = {}
        self._hosts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def get(self, url: str) -> tuple[bytes, Kind] | None:
        """Return the cached picture at *url*, or None."""
        with self._cache() as cache:
            data = cache.get(_name(url))
        kind = None if data is None else kind_of(data)
        return None if data is None or kind is None else (data, kind)

    def is_missed(self, url: str, now: datetime) -> bool:
        """Return whether fetching the picture failed a short while ago."""
        missed = self._missed.get(_name(url))
        return missed is not None and timedelta() <= now - missed < MISS_LASTS

    def fetch(
        self, url: str, config: Config, now: datetime, private_hosts: frozenset[str] = frozenset()
    ) -> Future[None]:
        """Fetch a picture; return a future that ends with success or failure. NoTurn if too many are being fetched.

        private_hosts: hosts of the local network that this picture may come from
        """
        name, server = _name(url), host(url)
        with self._lock:
            running = self._running.get(name)
            if running is not None:
                return running
            if len(self._running) >= MAX_FETCHES or self._hosts[server] >= MAX_FETCHES_PER_HOST:
                raise NoTurn
            # Started by the first picture, because threads do not survive a fork.
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="pictures", daemon=True)
                self._thread.start()
            self._hosts[server] += 1
            work = self._fetched(url, name, server, config, now, self._private_hosts | private_hosts)
            future = self._running[name] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future

    async def _fetched(
        self, url: str, name: str, server: str, config: Config, now: datetime, private_hosts: frozenset[str]
    ) -> None:
        try:
            data = await _fetch(url, config, now, private_hosts)
            if kind_of(data) is None:
                self._miss(name, now)
            else:
                with self._cache() as cache:
                    cache.keep(name, data, now)
        except Exception:
            log.exception("a picture could not be fetched")
            self._miss(name, now)
        finally:
            with self._lock:
                self._running.pop(name, None)
                self._hosts[server] -= 1
                if self._hosts[server] <= 0:
                    del self._hosts[server]

    def _miss(self, name: str, now: datetime) -> None:
        with self._lock:
            self._missed[name] = now
            self._missed.move_to_end(name)
            while len(self._missed) > MAX_MISSES:
                self._missed.popitem(last=False)

    def close(self) -> None:
        """Cancel running fetches."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1)
            self._loop = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and cancel its remaining tasks."""
    loop.run_forever()
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks))
    loop.close()


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:40]


async def _fetch(url: str, config: Config, now: datetime, private_hosts: frozenset[str]) -> bytes:
    limits = replace(config.limits, feed_bytes=MAX_BYTES, fetch=TIMEOUT)
    # The feed names the picture, so it must not reach private hosts other than its own server.
    way = replace(access.of_others(config), private_hosts=private_hosts)
    async with Client(limits) as client:
        outcome = await fetch(client, url, limits=limits, now=now, user_agent=user_agent(config.site.url), access=way)
    return outcome.body if isinstance(outcome, Fetched) else b""
