"""Storage of model files, whose content is up to `scoring.learning.model_store`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from aggregator.errors import ModelFileError, StoreError
from aggregator.store.files.replace import replace_with


class ModelFiles(ABC):
    """Small text files by name, without folders."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files, sorted."""

    @abstractmethod
    def read(self, name: str) -> str | None:
        """Return the text of a file, or None; ModelFileError if it cannot be read."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write a file atomically; StoreError if it cannot be written."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; a missing one is not an error."""

    @abstractmethod
    def label(self, name: str) -> str:
        """Return the name of a file in messages."""


class ModelFolder(ModelFiles):
    """Model files in a folder, which the first write makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all files, without unfinished ones."""
        return sorted(path.name for path in self._folder.glob("*") if not path.name.startswith("."))

    def read(self, name: str) -> str | None:
        """Return the text of a file."""
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelFileError(f"{self.label(name)} cannot be read: {error}") from error

    def write(self, name: str, text: str) -> None:
        """Write a file atomically."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_with(self._path(name), text)
        except OSError as error:
            raise StoreError(f"{self.label(name)} cannot be written: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._path(name).unlink(missing_ok=True)

    def label(self, name: str) -> str:
        """Return the path of a file."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / Path(name).name


class ModelsInMemory(ModelFiles):
    """The models of a database in memory, which end with it."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def names(self) -> list[str]:
        """Return the names of all files."""
        return sorted(self._texts)

    def read(self, name: str) -> str | None:
        """Return the text of a file."""
        return self._texts.get(name)

    def write(self, name: str, text: str) -> None:
        """Store a file."""
        self._texts[name] = text

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._texts.pop(name, None)

    def label(self, name: str) -> str:
        """Return the name of a file."""
        return name
