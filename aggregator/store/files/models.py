"""Where the files of learned models are kept. Leaves what stands in them to `scoring.learning.model_store`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from aggregator.errors import ModelFileError, StoreError
from aggregator.store.files.replace import replace_with


class ModelFiles(ABC):
    """Small text files by name. A name has no folder."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files, sorted."""

    @abstractmethod
    def read(self, name: str) -> str | None:
        """Return the text of a file, or None where there is none; ModelFileError where it cannot be read."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write a file; readers see the old text or the new one. StoreError where it cannot be written."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is not an error."""

    @abstractmethod
    def label(self, name: str) -> str:
        """Return what messages call a file."""


class ModelFolder(ModelFiles):
    """Model files in a folder, which the first write makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all files, without those that are being written."""
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
        """Write a file, whole or not at all."""
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
        """Keep a file."""
        self._texts[name] = text

    def remove(self, name: str) -> None:
        """Forget a file."""
        self._texts.pop(name, None)

    def label(self, name: str) -> str:
        """Return the name of a file."""
        return name
