"""Model files in tables: every machine that uses the database reads the same ones."""

from __future__ import annotations

from aggregator.store.connection import Connection, upsert
from aggregator.store.files.models import ModelFiles


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
