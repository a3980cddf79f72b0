"""Keep the running configuration what feeds.yaml says, or the last that had no fault.

Knows whether the file changed and what was last applied. Leaves the rules of the
file to `config` and remembering to `store`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from aggregator.config import parse_config, read_config
from aggregator.errors import ConfigError
from aggregator.model import Config
from aggregator.store import Store, StoreFault

log = logging.getLogger(__name__)


class ConfigWatch:
    """Applies feeds.yaml at the start and whenever it was saved."""

    def __init__(self, path: Path, store: Store, env: Mapping[str, str]) -> None:
        self._path = path
        self._store = store
        self._env = env
        self._seen: tuple[int, int, int] | None = None
        self._waiting: tuple[int, int, int] | None = None

    def start(self, now: datetime) -> Config:
        """Return the configuration to start with: the file's, else the last good one.

        Raises ConfigError when the file is faulty and none was ever applied here.
        """
        self._seen = self._look()
        try:
            return self._apply(now)
        except ConfigError as fault:
            last_good = self._store.state.config_text()
            if last_good is None:
                raise
            log.error("%s; the last valid configuration stays in use", fault.public)
            config = parse_config(last_good, name=self._path.name, env=self._env)
            self._store.feeds.sync(config.sources, now)
            return config

    def check(self, now: datetime) -> Config | None:
        """Return the new configuration when the file was saved and is valid, else None.

        Where the database cannot be written, the file counts as not seen yet: it is applied once that is possible.
        """
        look = self._look()
        if look == self._seen:
            return None
        try:
            config = self._apply(now)
        except ConfigError as error:
            self._seen = look
            log.error("%s; the last valid configuration stays in use", error.public)
            return None
        except StoreFault as error:
            if self._waiting != look:
                self._waiting = look
                log.error("%s waits to be applied: the database cannot be written (%s)", self._path.name, error)
            return None
        self._seen = look
        log.info("%s applied: %d sources", self._path.name, len(config.sources))
        return config

    def _apply(self, now: datetime) -> Config:
        text = ""
        try:
            text = read_config(self._path)
            config = parse_config(text, name=self._path.name, env=self._env)
        except ConfigError as fault:
            # Anybody may read the error on the sources page: it quotes no value, and no path of this machine.
            message = fault.public.replace(str(self._path), self._path.name)
            with self._store.transaction():
                self._store.state.save_config(text, message, now)
                self._store.state.next_edition()
            raise
        with self._store.transaction():
            self._store.state.save_config(text, None, now)
            self._store.feeds.sync(config.sources, now)
            self._store.state.next_edition()
        return config

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        # An editor that writes a new file and renames it keeps neither inode nor time.
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
