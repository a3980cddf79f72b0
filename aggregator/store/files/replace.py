"""Replace a file atomically."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

_PART = ".part."


def replace_with(path: Path, text: str) -> None:
    """Write *text* to *path* so that a crash leaves the old file or the new one.

    A temporary file that a crash left behind is removed by the next write to that folder.
    """
    _sweep(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PART)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sweep(folder: Path) -> None:
    """Remove abandoned temporary files: a writer locks its file, and the lock ends with the process."""
    for part in folder.glob(f"{_PART}*"):
        with contextlib.suppress(OSError), part.open() as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
