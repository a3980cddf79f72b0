"""Model files are stored completely, by name, in either database."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.errors import ModelFileError, StoreError
from aggregator.store import Store
from aggregator.store.files.models import ModelFiles, ModelFolder
from tests.aggregator.store.conftest import OpenStore


@pytest.fixture(params=["folder", "store"])
def models(request: pytest.FixtureRequest, tmp_path: Path, new_store: OpenStore) -> ModelFiles:
    """Return an empty model store: in a database, and in the folder beside a database file."""
    if request.param == "folder":
        return Store.open(tmp_path / "news.db").models
    return new_store().models


def test_a_file_reads_back_as_written_and_is_replaced_atomically(models: ModelFiles) -> None:
    models.write("b.json", "older")
    models.write("a.json", "{}")
    models.write("b.json", '{"word": "芯片"}\n')

    assert models.names() == ["a.json", "b.json"]
    assert models.read("b.json") == '{"word": "芯片"}\n'


def test_a_file_that_is_not_there_is_none_and_can_be_removed(models: ModelFiles) -> None:
    models.remove("a.json")

    assert (models.read("a.json"), models.names()) == (None, [])


def test_a_removed_file_is_gone(models: ModelFiles) -> None:
    models.write("a.json", "{}")
    models.remove("a.json")

    assert models.names() == []


def test_a_name_leads_nowhere_else_than_into_the_folder(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "models")
    folder.write("../secret", "text")

    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_a_binary_or_unwritable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelFileError, match=r"a\.json cannot be read"):
        ModelFolder(tmp_path).read("a.json")
    with pytest.raises(StoreError, match=r"a\.json cannot be written"):
        ModelFolder(tmp_path / "a.json").write("a.json", "{}")
