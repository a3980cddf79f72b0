"""Back up a site into one file, and restore it.

    back_up   database + feeds.yaml + models -> one file, by rename, and verified by restoring it
    restore   that file -> a database next to the old one, checked -> replaces it by rename; the old one is kept
    rotate    keep the newest backups of a folder

Knows which files belong to a site. Caches (pictures, which are fetched again) are left out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from aggregator.config.file import save_bytes, write_file
from aggregator.errors import ConfigError, NewerDatabaseError, StoreError
from aggregator.model import Backups
from aggregator.store import Store, StoreFault
from aggregator.store.codec import stamp
from aggregator.store.sqlite import copies

FEEDS = "feeds.yaml"
MODELS = "models"
"""Names in the archive: the configuration, and the folder of models."""

MAX_FILE_BYTES = 50_000_000
"""A model has less than one megabyte; larger files do not belong there."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = "groundswell-%Y%m%dT%H%M%S"
_LEFTOVER = re.compile(r"\.+groundswell-(\d{8}T\d{6}\.|verify-)")
"""Matches the names of unfinished files and folders of scheduled backups."""
_LEFTOVER_AGE = timedelta(days=1)
"""Far longer than a backup may take."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a backup."""

    entries: int
    stories: int
    models: int
    has_config: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore."""

    replaced: tuple[Path, ...]
    """Where the replaced files are now."""
    models: int
    has_config: bool
    token: str
    """A message about the operator's token."""


def token_file(db: Path) -> Path:
    """Return the path of the operator's token file, which only the operator can read."""
    return db.with_name(f"{db.name}.token")


def back_up(db: Path, feeds: Path, target: Path) -> None:
    """Write a backup of the site with the database *db* to *target* while the site runs.

    Without a file at *feeds* the last applied configuration is included. StoreError if it cannot be written.
    """
    with Store.open(db) as store:
        files = dict(_files_of(copies.models_folder(db)))
        config = _read(feeds) if feeds.exists() else (store.config_edits.valid_text() or "").encode()
        if config:
            files[FEEDS] = config
        store.copy_to(target, files)


def verify(copy: Path) -> Contents:
    """Restore *copy* into a folder that is thrown away; return what came back, StoreError if anything is wrong."""
    with tempfile.TemporaryDirectory(prefix=".groundswell-verify-", dir=copy.absolute().parent) as folder:
        db, feeds = Path(folder) / "groundswell.db", Path(folder) / FEEDS
        done = restore(copy, db, feeds, _NEVER)
        with Store.open(db) as store:
            return Contents(
                store.entries.count(), store.stories.count(), done.models, done.has_config, copy.stat().st_size
            )


def restore(copy: Path, db: Path, feeds: Path | None, at: datetime) -> Restored:
    """Put the site in *copy* in the place of the one at *db*; the caller holds the worker's lock.

    feeds: where the configuration goes; None leaves it alone
    at:    names what is kept of the site that was there

    The database that was there need not open. *copy* is only read. StoreError if it is no backup or is damaged:
    then nothing has changed.
    """
    part = db.with_name(f".{db.name}.restoring")
    try:
        files = copies.take_in(copy, part)
        _check(copy, part)
        token, sentence = _token(db, part)
        if token is not None:
            copies.set_token(part, token)
        replaced = []
        if db.exists():
            replaced.append(_free_name(db, at))
            copies.salvage(db, replaced[0])
        copies.replace(part, db)
    finally:
        copies.discard(part)
    models = {name: data for name, data in files.items() if _is_model(name)}
    if models and (old := _replace_models(copies.models_folder(db), models, at)):
        replaced.append(old)
    config = files.get(FEEDS) if feeds is not None else None
    if feeds is not None and config is not None:
        replaced += place_config(feeds, config, at)
    return Restored(tuple(replaced), len(models), config is not None, sentence)


def place_config(feeds: Path, config: bytes, at: datetime) -> list[Path]:
    """Write *config* to *feeds*; return the path of the file that was there and differs, if any.

    Called after the database was restored: StoreError, which says so, where *feeds* cannot be written.
    """
    try:
        if not feeds.exists():
            write_file(feeds.resolve(), config, 0o600)
            return []
        before, mode = _read(feeds), feeds.stat().st_mode & 0o777
        if before == config:
            return []
        old = _free_name(feeds, at)
        write_file(old, before, mode)
        save_bytes(feeds, config)
    except OSError as error:
        raise _not_placed(f"{feeds.parent} cannot be written: {error.strerror}") from error
    except ConfigError as error:
        raise _not_placed(str(error)) from error
    return [old]


def _not_placed(reason: str) -> StoreError:
    return StoreError(f"the database was restored, and feeds.yaml was not: {reason}")


def _check(copy: Path, part: Path) -> None:
    """Bring *part*, made of *copy*, to the present schema, and raise StoreError if it is damaged."""
    try:
        with Store.open(part) as store:
            if errors := store.faults():
                raise StoreError(errors[0])
            store.release_journal()
    except NewerDatabaseError as error:
        raise NewerDatabaseError(str(error).replace(str(part), str(copy))) from error
    except (StoreError, StoreFault) as error:
        reason = str(error).replace(str(part), str(copy))
        raise StoreError(f"{copy} is damaged and was not restored: {reason}") from error


def back_up_on_schedule(db: Path, feeds: Path, settings: Backups, at: datetime) -> tuple[Path, Contents]:
    """Make a scheduled backup, verify it by restoring it, and remove old ones; return it.

    The new one gets its name only when it is proved: one that cannot be restored is removed, and every older one stays.
    StoreError if that fails, or if no folder is set.
    """
    folder = folder_of(feeds, settings)
    remove_leftovers(folder, at)
    target = folder / scheduled_name(at)
    unproved = target.with_name(f".{target.name}.unproved")
    try:
        back_up(db, feeds, unproved)
        contents = verify(unproved)
        os.replace(unproved, target)
    except OSError as error:
        raise StoreError(f"cannot write the backup {target}: {error.strerror}") from error
    finally:
        unproved.unlink(missing_ok=True)
    rotate(folder, settings.keep)
    return target, contents


def folder_of(feeds: Path, settings: Backups) -> Path:
    """Return the folder of scheduled backups, which exists then; StoreError where none is set or it cannot be made."""
    if not settings.folder:
        raise StoreError(f"{feeds} does not set `backup.folder`; set it, or name a file: `groundswell backup FILE`")
    folder = feeds.absolute().parent / settings.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create the folder {folder}: {error.strerror}") from error
    return folder


def scheduled_name(at: datetime, ending: str = "db") -> str:
    """Return the file name of the scheduled backup of that moment."""
    return f"{at:{_NAME}}.{ending}"


def rotate(folder: Path, keep: int, ending: str = "db") -> list[Path]:
    """Remove all but the newest *keep* scheduled backups in *folder*; other files stay. Return what went."""
    backups = sorted(folder.glob(f"groundswell-[0-9]*T[0-9]*.{ending}"))
    expired = backups[:-keep]
    for path in expired:
        path.unlink(missing_ok=True)
    return expired


def remove_leftovers(folder: Path, at: datetime) -> None:
    """Remove what scheduled backups that were killed left in *folder* a day or longer before *at*."""
    for path in folder.iterdir():
        if not _LEFTOVER.match(path.name):
            continue
        with suppress(OSError):  # it is gone meanwhile
            if at - datetime.fromtimestamp(path.stat().st_mtime, UTC) < _LEFTOVER_AGE:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _token(db: Path, part: Path) -> tuple[copies.Token | None, str]:
    """Return the token that is to open the restored site, None for the copy's own, and a sentence on it."""
    own = copies.token_of(part)
    here = copies.token_of(db)
    if here is None and token_file(db).exists():
        with suppress(OSError):
            secret = token_file(db).read_text(encoding="ascii", errors="replace").strip()
            digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
            here = copies.Token(digest, stamp(datetime.fromtimestamp(token_file(db).stat().st_mtime).astimezone()))
    signed_out = "whoever was signed in is signed out"
    if here is not None:
        which = (
            "is the one in use" if own is None or own.digest == here.digest else "stays the one in use, not the copy's"
        )
        return here, f"the operator's token {which}; {signed_out}"
    if own is not None:
        return None, f"the operator's token is that of the copy; `groundswell rotate-token` makes another; {signed_out}"
    return None, "there is no operator's token yet; the first start makes one"


def _files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the models in *folder* by their names in the archive."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        if path.is_file() and _is_model(f"{MODELS}/{path.name}") and path.stat().st_size <= MAX_FILE_BYTES:
            yield f"{MODELS}/{path.name}", _read(path)


def _is_model(name: str) -> bool:
    """Return whether an archive's *name* is that of a model: no path of its maker's choice is written to."""
    path = PurePosixPath(name)
    return len(path.parts) == 2 and path.parts[0] == MODELS and not path.name.startswith(".") and "\\" not in name


def _replace_models(folder: Path, models: dict[str, bytes], at: datetime) -> Path | None:
    """Put *models* in the place of *folder*, by rename; return where the old ones are, None if nothing went."""
    before = dict(_files_of(folder))
    if before == models:
        return None
    part = folder.with_name(f".{folder.name}.restoring")
    part.mkdir(exist_ok=True)
    for old in part.iterdir():
        old.unlink()
    for name, data in models.items():
        write_file(part / PurePosixPath(name).name, data, 0o644)
    moved = None
    if folder.exists():
        moved = _free_name(folder, at)
        os.replace(folder, moved)
    os.replace(part, folder)
    return moved


def _free_name(path: Path, at: datetime) -> Path:
    """Return an unused name next to *path*."""
    name = f"{path.name}.before-{at:%Y%m%dT%H%M%S}"
    candidate, number = path.with_name(name), 2
    while candidate.exists():
        candidate, number = path.with_name(f"{name}-{number}"), number + 1
    return candidate


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
