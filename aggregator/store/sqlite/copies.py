"""Copies of the database: written next to it and renamed, read without being changed.

A copy is a database with one table more, `sqlar`, in the format of SQLite's own archives (`sqlite3 -A -t -f COPY`
lists it). It contains the files that belong to a site. Leaves which files those are to `aggregator.site.backup`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import StoreError

JOURNALS = ("-wal", "-shm", "-journal")
"""The files that SQLite keeps next to a database."""

_HEADER = b"SQLite format 3\0"
_DUMP = b"PGDMP"
_ARCHIVE = "create table sqlar (name text primary key, mode int, mtime int, sz int, data blob)"

PRIVATE = 0o600
"""Mode of files that contain every seen feeds.yaml, with its passwords: the database and its copies."""


def models_folder(database: Path) -> Path:
    """Return the folder of the models of a database, next to it."""
    return database.with_name(f"{database.name}.models")


def pictures_folder(database: Path) -> Path:
    """Return the folder of the pictures of a database, next to it."""
    return database.with_name(f"{database.name}.pictures")


def make_private(path: Path) -> None:
    """Make an empty file at *path* that only its owner can read; SQLite gives its mode to the journal next to it.

    A file that is there keeps its mode unless everybody may read it, as versions before 0.2.0 left it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
    except FileExistsError:
        for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
            with suppress(OSError):  # another user's, or a read-only file system
                mode = name.stat().st_mode
                if stat.S_ISREG(mode) and mode & 0o007:
                    name.chmod(PRIVATE)


@dataclass(frozen=True, slots=True)
class Token:
    """The operator's token as a database knows it: its SHA-256, and when it was made."""

    digest: str
    made_at: str


def write_copy(raw: sqlite3.Connection, target: Path, files: Mapping[str, bytes]) -> None:
    """Copy the database behind *raw* to *target* while others go on using it; *files* go along, by name.

    *target* appears when it is whole. StoreError if it exists or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists; choose another name, or remove it first")
    part = _part(target)
    _remove(part)
    try:
        make_private(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            raw.backup(copy)
            copy.execute("pragma journal_mode=delete")  # one file, without a separate journal
            copy.execute("begin")
            copy.execute("drop table if exists sqlar")
            copy.execute(_ARCHIVE)
            copy.executemany("insert into sqlar values (?, ?, 0, ?, ?)", [_row(*file) for file in files.items()])
            copy.execute("commit")
        os.replace(part, target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot write the copy {target}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        _remove(part)


def take_in(copy: Path, part: Path) -> dict[str, bytes]:
    """Copy *copy*, with a journal next to it, to *part*, and return the files in it; *copy* is not changed.

    *part* is then a database of this program, of this or an earlier version, without an archive and with no session.
    StoreError if *copy* is empty, no database, or another program's.
    """
    with copy.open("rb") as file:
        beginning = file.read(len(_HEADER))
    if not beginning:
        raise StoreError(f"{copy} is empty and was not restored")
    if beginning.startswith(_DUMP):
        raise StoreError(f"{copy} is a dump of PostgreSQL; set DATABASE_URL to an empty database to restore it there")
    if beginning != _HEADER:
        raise StoreError(f"{copy} is not a SQLite database and was not restored")
    _remove(part)
    make_private(part)
    for ending in ("", "-wal"):
        source = copy.with_name(copy.name + ending)
        if source.exists():
            with source.open("rb") as read, part.with_name(part.name + ending).open("wb") as written:
                shutil.copyfileobj(read, written, 1 << 20)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as raw:
            if not _is_ours(raw):
                raise StoreError(f"{copy} is a database of another program and was not restored")
            raw.execute("pragma journal_mode=delete")
            files = _files(raw)
            raw.execute("drop table if exists sqlar")
            if _has_table(raw, "sessions"):
                raw.execute("delete from sessions")
            return files
    except sqlite3.Error as error:
        raise StoreError(f"{copy} is damaged and was not restored: {error}") from error


def token_of(path: Path) -> Token | None:
    """Return the operator's token that the database at *path* knows; None without one, or where it does not open."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            row = raw.execute("select token_digest, made_at from operator").fetchone()
    except sqlite3.Error:
        return None
    return Token(*row) if row else None


def set_token(path: Path, token: Token) -> None:
    """Let the database at *path*, which is of the present schema, know *token* alone."""
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "insert or replace into operator (one, token_digest, made_at) values (1, ?, ?)",
            (token.digest, token.made_at),
        )


def salvage(path: Path, target: Path) -> None:
    """Copy the database at *path* to *target*: page by page if it opens, else its files as they are."""
    try:
        make_private(target)
        with closing(sqlite3.connect(path, timeout=10)) as raw, closing(sqlite3.connect(target)) as copy:
            raw.backup(copy)
        return
    except sqlite3.Error:
        _remove(target)
    for ending in ("", *JOURNALS):
        source = path.with_name(path.name + ending)
        if source.exists():
            shutil.copy2(source, target.with_name(target.name + ending))


def replace(part: Path, path: Path) -> None:
    """Put the database *part*, which has no journal, in the place of the one at *path*.

    The journal of the old one goes first: SQLite would apply it to the new one.
    """
    for ending in JOURNALS:
        path.with_name(path.name + ending).unlink(missing_ok=True)
    os.replace(part, path)


def discard(part: Path) -> None:
    """Remove what was made of a copy that is not used."""
    _remove(part)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _remove(path: Path) -> None:
    for ending in ("", *JOURNALS):
        with suppress(OSError):
            path.with_name(path.name + ending).unlink()


def _is_ours(raw: sqlite3.Connection) -> bool:
    return _has_table(raw, "_sqlite_migrations") and _has_table(raw, "entries") and _has_table(raw, "sources")


def _has_table(raw: sqlite3.Connection, name: str) -> bool:
    return raw.execute("select 1 from sqlite_schema where type = 'table' and name = ?", (name,)).fetchone() is not None


def _row(name: str, data: bytes) -> tuple[str, int, int, bytes]:
    packed = zlib.compress(data)
    return name, 0o100600, len(data), packed if len(packed) < len(data) else data


def _files(raw: sqlite3.Connection) -> dict[str, bytes]:
    if not _has_table(raw, "sqlar"):
        return {}
    rows = raw.execute("select name, sz, data from sqlar order by name")
    return {name: data if len(data) == size else zlib.decompress(data) for name, size, data in rows}
