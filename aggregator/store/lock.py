"""One worker per database: a lock file next to it, locked until the process ends.

Readers can check whether a worker is running that cannot write, and why.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from aggregator.errors import DatabaseInUseError, StoreError

PATIENCE_S = 2
FULL_BYTES = 100_000
"""Less free space counts as none: a transaction of polls takes as much."""


class WorkerLock:
    """The lock of a process that writes entries and stories; the kernel releases it when the process ends.

    Raises DatabaseInUseError when another process holds it, StoreError when the file cannot be created.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._database = database
        self._file: int | None = None

    def __enter__(self) -> WorkerLock:
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot create the lock file {self._path}: {error.strerror}") from error
        if not self._taken():
            holder = os.read(self._file, 20).decode("ascii", "replace").strip()
            os.close(self._file)
            self._file = None
            raise DatabaseInUseError(
                f"another worker{f' (process {holder})' if holder else ''} is using {self._database}; "
                "stop it first, or give this one another --db"
            )
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode("ascii"))
        return self

    def _taken(self) -> bool:
        """Take the lock; with patience, since a site without a worker holds it while it applies feeds.yaml."""
        assert self._file is not None
        for _ in range(PATIENCE_S * 50):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return True
        return False

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_held(database: Path) -> bool:
    """Return whether a worker holds the lock, without writing anything."""
    try:
        file = os.open(database.with_name(database.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def lock_problem(database: Path) -> str:
    """Return what prevents writing in the database's folder, "" for nothing."""
    try:
        disk = os.statvfs(database.parent)
    except OSError as error:
        return f"its folder cannot be looked at ({error.strerror})"
    if disk.f_flag & os.ST_RDONLY:
        return "the file system is read-only"
    return "the disk is full" if disk.f_bavail * disk.f_frsize < FULL_BYTES else ""
