"""feeds.yaml on disk: replaced atomically, or written in place if it is a mount point, and readable by no one else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from aggregator.config.file import keep_copy, save_config
from aggregator.errors import ConfigError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text("sources: []\n")
    path.chmod(0o640)
    return path


def test_a_saved_file_is_another_file_with_the_same_mode(feeds: Path) -> None:
    inode = feeds.stat().st_ino
    save_config(feeds, "sources: [] # ö\n")
    assert feeds.read_text(encoding="utf-8") == "sources: [] # ö\n"
    assert feeds.stat().st_ino != inode
    assert mode(feeds) == 0o640
    assert os.listdir(feeds.parent) == ["feeds.yaml"]


def test_a_link_stays_a_link(feeds: Path) -> None:
    link = feeds.with_name("link.yaml")
    link.symlink_to(feeds)
    save_config(link, "sources:\n")
    assert link.is_symlink()
    assert feeds.read_text() == "sources:\n"


@pytest.mark.parametrize("reason", [errno.EBUSY, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("text", ["", "short\n", "sources: []\n" * 1000])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    feeds: Path, monkeypatch: pytest.MonkeyPatch, reason: int, text: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "replace", refuse)
    inode = feeds.stat().st_ino
    save_config(feeds, text)
    assert feeds.read_text() == text
    assert (feeds.stat().st_ino, mode(feeds)) == (inode, 0o640)
    assert os.listdir(feeds.parent) == ["feeds.yaml"]


def test_a_disk_that_fills_up_while_writing_in_place_leaves_the_old_text(
    feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        # The first is the file that should have replaced it, the second the text written in place.
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written: no space left on device"):
        save_config(feeds, "sources: [] # longer than before\n")
    assert feeds.read_text() == "sources: []\n"


def test_a_read_only_file_is_one_sentence(feeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: str, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "open", lambda *_, **__: refuse("", os.O_RDWR))
    with pytest.raises(
        ConfigError, match=r"feeds\.yaml cannot be written: read-only file system\. .* mount its folder"
    ):
        save_config(feeds, "x")


def test_a_copy_is_as_tight_as_the_file(feeds: Path) -> None:
    feeds.chmod(0o600)
    (feeds.parent / "feeds.yaml.before").write_text("from an earlier version")
    copy = keep_copy(feeds)
    assert copy == feeds.with_name("feeds.yaml.before")
    assert copy.read_text() == "sources: []\n"
    assert mode(copy) == 0o600
    assert keep_copy(feeds.with_name("missing.yaml")) is None
