"""A model file is complete, of this version and with matching content, or it is refused with a message."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from aggregator.errors import ModelFileError
from scoring.relevance.model_file import ModelFile, read, write

FILE = ModelFile(
    kind="relevance",
    name="2026-06-20 abcd1234",
    window=("2026-06-01T00:00:00+00:00", "2026-06-19T00:00:00+00:00"),
    measures={"auc": 0.9},
    provenance={"labels": 300},
    content={"word": [1.5, "芯片"]},
    versions={"python": "3.11"},
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write(tmp_path / "m.json", FILE)

    assert read(tmp_path / "m.json", "relevance") == FILE


def test_writing_leaves_nothing_else_behind_and_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "m.json", FILE)
    before = (tmp_path / "m.json").read_bytes()
    write(tmp_path / "m.json", FILE)

    assert (tmp_path / "m.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_a_half_that_a_crash_left_is_removed_but_not_one_that_is_being_written(tmp_path: Path) -> None:
    left, written = tmp_path / ".part.left", tmp_path / ".part.written"
    left.write_text('{"format"')
    with written.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        write(tmp_path / "m.json", FILE)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".part.written", "m.json"]


def changed(**parts: object) -> str:
    """Return a file with other *parts* and the old digest."""
    data = {"format": "groundswell model", "version": 1, "sha256": "0"}
    return json.dumps(data | parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is broken"),
        ('{"format": "groundswell mo', "is broken"),
        ("[" * 100_000, "is broken"),
        ("[]", "is not a model file"),
        ('{"format": "something"}', "is not a model file"),
        (changed(version=2), "has version 2, this program reads 1"),
        (changed(), "is damaged"),
        (changed(version=None), "has version None"),
    ],
)
def test_a_file_that_is_not_a_model_is_refused_with_a_message(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ModelFileError, match=expected) as caught:
        read(path, "relevance")

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [1, 50, 200])
def test_a_file_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "m.json"
    write(path, FILE)
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(ModelFileError):
        # A missing final newline alone is not damage.
        read(path, "relevance") if cut > 1 else read(tmp_path / "none.json", "relevance")


def test_a_changed_number_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    write(path, FILE)
    path.write_text(path.read_text("utf-8").replace("1.5", "9.5"), "utf-8")

    with pytest.raises(ModelFileError, match="damaged"):
        read(path, "relevance")


def test_binary_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(b"\xff\xfe\x00pickle")

    with pytest.raises(ModelFileError, match="cannot be read"):
        read(path, "relevance")


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "m.json", FILE)

    with pytest.raises(ModelFileError, match="'relevance' model where 'prior' was expected"):
        read(tmp_path / "m.json", "prior")
