"""Model files and pictures in tables: every machine that uses the database reads the same ones."""

from __future__ import annotations

import logging
from datetime import datetime

from aggregator.errors import StoreFault
from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection, upsert
from aggregator.store.files.models import ModelFiles
from aggregator.store.files.pictures import MAX_BYTES, THINNED_SHARE, KeptPictures

log = logging.getLogger(__name__)


class ModelTable(ModelFiles):
    """Model files as rows of `model_files`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def names(self) -> list[str]:
        """Return the names of all files."""
        return [row["name"] for row in self._db.rows("select name from model_files order by name")]

    def read(self, name: str) -> str | None:
        """Return the text of a file."""
        text: str | None = self._db.value("select content from model_files where name = :name", {"name": name})
        return text

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        self._db.run(upsert("model_files", ("name",), ("content",)), {"name": name, "content": text})

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._db.run("delete from model_files where name = :name", {"name": name})

    def label(self, name: str) -> str:
        """Return the name of a file."""
        return f"{name} (in the database)"


class PictureTable(KeptPictures):
    """Pictures as rows of `pictures`.

    max_bytes: of all pictures together
    """

    def __init__(self, connection: Connection, max_bytes: int = MAX_BYTES) -> None:
        self._db = connection
        self._max_bytes = max_bytes

    def get(self, name: str) -> bytes | None:
        """Return a picture."""
        data: bytes | None = self._db.value("select data from pictures where name = :name", {"name": name})
        return data

    def names(self) -> list[tuple[str, datetime]]:
        """Return the names of all pictures and when each was kept."""
        rows = self._db.rows("select name, kept_at from pictures order by kept_at, name")
        return [(row["name"], moment(row["kept_at"])) for row in rows]

    def keep(self, name: str, data: bytes, now: datetime) -> None:
        """Keep a picture; the oldest go where there are too many bytes."""
        row = {"name": name, "kept_at": stamp(now), "bytes": len(data), "data": data}
        try:
            self._db.run(upsert("pictures", ("name",), ("kept_at", "bytes", "data")), row)
            if self._db.value("select sum(bytes) from pictures") > self._max_bytes:
                self._thin()
        except StoreFault as error:
            log.warning("a picture cannot be kept: %s", error)

    def _thin(self) -> None:
        self._db.run(
            """delete from pictures where name in (
                select name from (
                    select name, sum(bytes) over (order by kept_at desc, name) as total from pictures
                ) as kept where total > :most
            )""",
            {"most": int(self._max_bytes * THINNED_SHARE)},
        )
