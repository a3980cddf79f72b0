"""A cache of embeddings by text, in a small SQLite file of its own.

Whatever is wrong with the file, everything works without it, only slower: it is then empty and stores nothing. The
same applies without a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

MAX_TEXTS = 1_000_000
"""About 450 MB; when there are more, the older half goes."""

BUSY_TIMEOUT_S = 10.0


class EmbeddingCache:
    """Embeddings as bytes by encoder and text. Several processes may use one file."""

    def __init__(self, path: Path | None, max_texts: int = MAX_TEXTS) -> None:
        self._path = path
        self._max_texts = max_texts
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        with self._tolerant():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            # What a power cut takes is made again.
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = off")
            self._db.execute(
                "create table if not exists embeddings (number integer primary key, text_hash blob not null unique,"
                " embedding blob not null)"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._tolerant():
            if self._db is not None:
                count, newest = self._db.execute("select count(*), max(number) from embeddings").fetchone()
                if count > self._max_texts:
                    self._db.execute("delete from embeddings where number <= ?", (newest - self._max_texts // 2,))
        self._forget()

    def get(self, encoder: str, texts: Sequence[str]) -> dict[str, bytes]:
        """Return what is known of *texts*."""
        cached: dict[str, bytes] = {}
        with self._tolerant():
            if self._db is not None:
                for text in texts:
                    row = self._db.execute(
                        "select embedding from embeddings where text_hash = ?", (_hash(encoder, text),)
                    ).fetchone()
                    if row is not None:
                        cached[text] = row[0]
        return cached

    def add(self, encoder: str, embeddings: Mapping[str, bytes]) -> None:
        """Remember embeddings by their text, b"" for none."""
        with self._tolerant():
            if self._db is not None:
                self._db.execute("begin immediate")
                self._db.executemany(
                    "insert or ignore into embeddings (text_hash, embedding) values (?, ?)",
                    [(_hash(encoder, text), value) for text, value in embeddings.items()],
                )
                self._db.execute("commit")

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            log.warning("%s is not used as a cache of embeddings: %s", self._path, error)
            self._forget()

    def _forget(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()


def _hash(encoder: str, text: str) -> bytes:
    return hashlib.blake2b(f"{encoder}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()
