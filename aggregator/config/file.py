"""Save feeds.yaml: atomically if the file system allows it, in place if the file is a mount point."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from aggregator.errors import ConfigError

_IN_PLACE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}
"""Errors of a folder or mount point that refuses a new file, although the file itself may be writable."""


def save_config(path: Path, text: str) -> None:
    """Write *text* to the feeds.yaml at *path*, as `save_bytes` does."""
    save_bytes(path, text.encode("utf-8"))


def save_bytes(path: Path, data: bytes) -> None:
    """Write *data* to the feeds.yaml at *path*; a symbolic link stays one, and the file keeps its mode.

    The new file replaces the old one atomically, so that no reader sees half of it. A single file that is mounted into
    a container cannot be replaced and is overwritten in place. ConfigError if neither is possible.
    """
    target = path.resolve()
    try:
        _replace(target, data)
    except OSError as error:
        if error.errno not in _IN_PLACE or not target.exists():
            raise _not_written(path, error) from error
        _overwrite(path, target, data)


def keep_copy(path: Path) -> Path | None:
    """Copy feeds.yaml to `feeds.yaml.before` with the permissions of the original; None if that fails."""
    copy = path.with_name(f"{path.name}.before")
    try:
        mode = path.stat().st_mode & 0o777
        write_file(copy, path.read_bytes(), mode)
    except OSError:
        return None
    return copy


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write *data* to *path*, which gets *mode* before the first byte is written; OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _replace(target: Path, data: bytes) -> None:
    if target.exists():
        # A read-only file is not changed, even if its folder would allow replacing it.
        os.close(os.open(target, os.O_WRONLY | os.O_CLOEXEC))
        mode = target.stat().st_mode & 0o777
    else:
        mode = 0o644
    write_file(target, data, mode)


def _overwrite(path: Path, target: Path, data: bytes) -> None:
    try:
        with target.open("r+b", buffering=0) as file:
            before = file.read()
            try:
                _write_all(file.fileno(), data)
            except OSError:
                with suppress(OSError):
                    _write_all(file.fileno(), before)
                raise
    except OSError as error:
        raise _not_written(path, error) from error


def _write_all(handle: int, data: bytes) -> None:
    """Overwrite the content of *handle* with *data*, then truncate it."""
    written = 0
    while written < len(data):
        written += os.pwrite(handle, data[written:], written)
    os.ftruncate(handle, len(data))
    os.fsync(handle)


def _not_written(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be written: {(error.strerror or str(error)).lower()}. Make it writable; in a container, "
        "mount its folder rather than the single file, and not read-only"
    )
