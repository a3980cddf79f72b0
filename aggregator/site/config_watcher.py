"""Apply feeds.yaml whenever it is saved, and keep the last valid configuration.

    ConfigWatch     in the worker: applies the file whenever it was saved
    StandInWatch    in the site: does so while no worker runs
    AppliedConfig   in separate pollers: reads what the scorer applied

Knows whether the file changed and what was last applied. Leaves the rules of the file to `reader` and remembering to
the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from aggregator.config import parse_config, read_config
from aggregator.config.values.basic import AnyVariables
from aggregator.errors import ConfigError, StoreError
from aggregator.model import Config, PollLimits, Source
from aggregator.polling.schedule import rescheduled
from aggregator.site.database import is_written, open_as_only_writer, open_store
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
        """Return the configuration to start with: the file's, else the last valid one.

        Raises ConfigError when the file is not valid and none was ever applied here.
        """
        self._seen = _look(self._path)
        try:
            return self._apply(now)
        except ConfigError as error:
            last_valid = self._store.config_edits.valid_text()
            if last_valid is None:
                raise
            log.error("%s; the last valid configuration stays in use", error.public)
            config = parse_config(last_valid, name=self._path.name, env=self._env)
            self._store.feeds.sync(config.sources, now)
            return config

    def check(self, now: datetime) -> Config | None:
        """Return the new configuration when the file was saved and is valid, else None.

        Where the database cannot be written, the file counts as not seen yet: it is applied once that is possible.
        """
        look = _look(self._path)
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
                log.error("%s cannot be applied yet: the database cannot be written (%s)", self._path.name, error)
            return None
        self._seen = look
        log.info("%s applied: %d sources", self._path.name, len(config.sources))
        return config

    def _apply(self, now: datetime) -> Config:
        text = ""
        try:
            text = _saved(self._path)
            config = parse_config(text, name=self._path.name, env=self._env)
        except ConfigError as error:
            # Anybody may read the error on the sources page: it quotes no value, and no path of this machine.
            message = error.public.replace(str(self._path), self._path.name)
            with self._store.transaction():
                self._store.config_edits.save(text, message, now)
                self._store.state.next_edition()
            raise
        limits_before = self._poll_limits_before(text)
        with self._store.transaction():
            self._store.config_edits.save(text, None, now)
            self._store.state.keep_id_base(config.site.url)
            self._store.feeds.sync(config.sources, now)
            self._reschedule(
                source for source in config.sources if limits_before.get(source.id) not in (None, source.poll)
            )
            self._store.state.next_edition()
        return config

    def _poll_limits_before(self, text: str) -> dict[str, PollLimits]:
        """Return the limits of each source that were applied before *text*; {} if that is what was applied."""
        applied = self._store.config_edits.valid_text()
        if applied is None or applied == text:
            return {}
        try:
            config = parse_config(applied, env=AnyVariables())
        except ConfigError:  # an earlier version of this program applied it
            return {}
        return {source.id: source.poll for source in config.sources}

    def _reschedule(self, sources: Iterable[Source]) -> None:
        """Bring the next polls of *sources*, whose limits changed, in line with the new limits."""
        feeds = self._store.feeds
        states = [(source, state) for source in sources if (state := feeds.state(source.id)) is not None]
        feeds.reschedule(rescheduled(state, source.poll) for source, state in states)


class AppliedConfig:
    """What the scorer applied last, for processes without a feeds.yaml.

    env: gives the variables that it names
    """

    def __init__(self, store: Store, env: Mapping[str, str]) -> None:
        self._store = store
        self._env = env
        self._seen: int | None = None

    def check(self) -> Config | None:
        """Return the configuration where another was applied since the last look, else None.

        Raises ConfigError at the first look; later the last one stays in use.
        """
        newest = self._store.config_edits.valid_id()
        if newest == self._seen:
            return None
        text = self._store.config_edits.valid_text()
        assert text is not None
        is_first, self._seen = self._seen is None, newest
        try:
            return parse_config(text, env=self._env)
        except ConfigError as error:
            if is_first:
                raise
            log.error("%s; the last valid configuration stays in use", error.public)
            return None


class StandInWatch:
    """Applies feeds.yaml in the place of a worker, for a site that runs alone or whose worker is down.

    It takes the worker's lock for as long as that takes, so that both never apply the file at once.
    """

    def __init__(self, path: Path, database: Path) -> None:
        self._path = path
        self._database = database
        self._seen: tuple[int, int, int] | None = None

    def step(self, now: datetime) -> bool:
        """Apply the file where it was saved since, and no worker does so; return whether that was the case."""
        look = _look(self._path)
        if look is None or look == self._seen or is_written(self._database):
            return False
        try:
            text = _saved(self._path)
        except ConfigError:
            text = ""
        try:
            with open_store(self._database) as store:
                if text == store.config_edits.latest_text():
                    self._seen = look
                    return False
                with open_as_only_writer(self._database) as writing:
                    # The values of variables in requests do not matter here: the worker, which polls, has them.
                    ConfigWatch(self._path, writing, AnyVariables()).start(now)
        except ConfigError as error:
            log.error("%s", error.public)
        except (StoreError, StoreFault):
            return False  # a worker starts, or the database cannot be written now: looked at again
        self._seen = look
        return True


def _saved(path: Path) -> str:
    """Return the text of the file at *path*; ConfigError if there is none, or if reading could wait forever."""
    if path.is_fifo() or path.is_char_device() or path.is_socket():
        raise ConfigError(f"{path} cannot be read: it is a pipe, a socket or a device, and not a file")
    return read_config(path)


def _look(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when the file at *path* is saved; None if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    # An editor that writes a new file and renames it keeps neither inode nor time.
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
