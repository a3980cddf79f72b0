"""One worker a database: a lock file beside it, held as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from aggregator.errors import DatabaseInUseError, StoreError


class WorkerLock:
    """Held by whatever writes entries and stories; the kernel lets go when the process ends, however it ends.

    Raises DatabaseInUseError when another process holds it, StoreError when the
    file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._database = database
        self._file: int | None = None

    def __enter__(self) -> WorkerLock:
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot make the lock file {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip()
            os.close(self._file)
            self._file = None
            raise DatabaseInUseError(
                f"another worker{f' (process {holder})' if holder else ''} is using {self._database}; "
                "stop it first, or give this one another --db"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode("ascii"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
