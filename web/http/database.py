"""Access the store for the site: one connection per thread, and the current configuration.

The site starts and responds whatever the state of the database: each connection is opened when it is first needed, and
an unusable database raises `Unreadable`, with a message for the page.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.config import parse_config
from aggregator.config.values.basic import AnyVariables
from aggregator.errors import ConfigError, ReadOnlyFault, StoreError
from aggregator.model import Config, Site
from aggregator.site.database import open_store
from aggregator.store import Store, StoreFault
from aggregator.store.files.pictures import KeptPictures

EMPTY = Config(site=Site(), categories=(), sources=())
RETRY_S = 2.0
"""Pause after a failed attempt to open the database: opening a locked one waits for ten seconds, and a few such
requests would block every thread."""

CACHE_BYTES = 4_000_000
"""Cache of each connection: with 16 MB in a dozen threads the site's memory would grow for an hour. The system caches
the file for all of them."""


class Unreadable(Exception):
    """The database cannot be read now; the message says why."""


class ReadOnly(Unreadable):
    """The database can only be read, because it is a replica, and a request tried to change it."""


@dataclass
class _OpenConnection:
    store: Store
    inode: int


class Reading:
    """The database as the site sees it."""

    def __init__(
        self, db: Path, fallback: Config | None = None, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self.db = db
        self._ticks = ticks
        self._fallback = fallback or EMPTY
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[Store] = []
        self._failed_at = float("-inf")
        self._failed_words = ""
        self._config: tuple[str, Config] = ("", self._fallback)
        self._prefix_of: Config | None = None
        self._prefix = ""

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Yield this thread's store; Unreadable for any error of the database inside, ReadOnly for a refused write."""
        connection = self._connected()
        try:
            yield connection.store
        except ReadOnlyFault as error:
            raise ReadOnly(str(error)) from error
        except StoreFault as error:
            self._drop(connection)
            raise Unreadable(str(error)) from error

    @contextmanager
    def pictures(self) -> Iterator[KeptPictures]:
        """Yield the cached pictures; see `store`."""
        with self.store() as store:
            yield store.pictures

    def config(self) -> Config:
        """Return the current configuration, or the last known one if it cannot be read."""
        try:
            with self.store() as store:
                text = store.config_edits.valid_text()
        except Unreadable:
            return self._config[1]
        if text is None:
            return self._fallback
        cached_text, config = self._config
        if text == cached_text:
            return config
        try:
            config = parse_config(text, env=AnyVariables())
        except ConfigError:
            # Written by a version with other keys; the last one is better than none.
            return config
        self._config = (text, config)
        return config

    def known_config(self) -> Config:
        """Return the last known configuration, without reading the database."""
        return self._config[1]

    def prefix(self) -> str:
        """Return the path of site.url without a slash at its end, "" for none, as last read."""
        config = self._config[1]
        if self._prefix_of is not config:
            self._prefix, self._prefix_of = urlsplit(config.site.url).path.rstrip("/"), config
        return self._prefix

    def edition(self) -> int | None:
        """Return the edition number, or None if it cannot be read."""
        try:
            self.config()
            with self.store() as store:
                return store.state.edition()
        except Unreadable:
            return None

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            stores, self._open = self._open, []
        for store in stores:
            store.close()

    def _connected(self) -> _OpenConnection:
        connection: _OpenConnection | None = getattr(self._local, "connection", None)
        inode = self._inode()
        if connection is not None and connection.inode == inode:
            return connection
        if connection is not None:
            # After a restore or removal, the open file is no longer the one at the path.
            self._drop(connection)
        if self._ticks() - self._failed_at < RETRY_S:
            raise Unreadable(self._failed_words)
        try:
            store = open_store(self.db)
            store.limit_cache(CACHE_BYTES)
        except (StoreError, StoreFault, OSError) as error:
            self._failed_at, self._failed_words = self._ticks(), str(error)
            raise Unreadable(str(error)) from error
        connection = _OpenConnection(store, self._inode())
        self._local.connection = connection
        with self._lock:
            self._open.append(store)
        return connection

    def _inode(self) -> int:
        try:
            return os.stat(self.db).st_ino
        except OSError:
            return 0

    def _drop(self, connection: _OpenConnection) -> None:
        self._local.connection = None
        with self._lock:
            if connection.store in self._open:
                self._open.remove(connection.store)
        connection.store.close()
