"""A cache of fetched pictures.

`web.media.picture_proxy` fetches and checks them.
"""

from __future__ import annotations

import logging
import os
import threading
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

MAX_BYTES = 300_000_000
"""Bytes of all pictures together."""
THINNED_SHARE = 0.9
"""Share of the limit that stays after a cleanup: removing several at a time costs less than one by one."""


class KeptPictures(ABC):
    """Pictures by name, up to a number of bytes; the oldest are removed first. Thread-safe."""

    @abstractmethod
    def get(self, name: str) -> bytes | None:
        """Return a picture, or None."""

    @abstractmethod
    def names(self) -> list[tuple[str, datetime]]:
        """Return the names of all pictures with the time of each, oldest first."""

    @abstractmethod
    def keep(self, name: str, data: bytes, now: datetime) -> None:
        """Store a picture. A failure is only logged, since the next reader fetches it again."""


class PictureFolder(KeptPictures):
    """Pictures as files of a folder, which the first one makes.

    max_bytes: of all files together
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None

    def get(self, name: str) -> bytes | None:
        """Return a picture."""
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def names(self) -> list[tuple[str, datetime]]:
        """Return the names of all files, without unfinished ones."""
        if not self._folder.is_dir():
            return []
        files = [(entry.stat().st_mtime, entry.name) for entry in os.scandir(self._folder)]
        return [(name, datetime.fromtimestamp(at, UTC)) for at, name in sorted(files) if not name.endswith(".part")]

    def keep(self, name: str, data: bytes, now: datetime) -> None:
        """Write a file; its time of change is the file system's."""
        path = self._folder / name
        with self._lock:
            try:
                self._folder.mkdir(exist_ok=True)
                temporary = path.with_suffix(".part")
                temporary.write_bytes(data)
                os.replace(temporary, path)
                self._bytes = (self._size() if self._bytes is None else self._bytes) + len(data)
                if self._bytes > self._max_bytes:
                    self._thin()
            except OSError as error:
                log.warning("a picture cannot be kept: %s", error)

    def _size(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))

    def _thin(self) -> None:
        files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder))
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= self._max_bytes * THINNED_SHARE:
                break
            os.unlink(path)
            total -= size
        self._bytes = total


class NoPictures(KeptPictures):
    """No pictures, for a database in memory."""

    def get(self, name: str) -> bytes | None:
        """Return None."""
        return None

    def names(self) -> list[tuple[str, datetime]]:
        """Return nothing."""
        return []

    def keep(self, name: str, data: bytes, now: datetime) -> None:
        """Do nothing."""
