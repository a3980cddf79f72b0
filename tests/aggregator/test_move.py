"""`groundswell move`, with a replacement for ssh that runs commands on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.store import Store
from aggregator.store.lock import WorkerLock
from groundswell.cli import cli

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEEDS = "categories: [{id: ai, name: AI}]\nsources: [{id: wire, url: 'https://wire.example/feed', category: ai}]\n"
ROOT = Path(__file__).resolve().parents[2]

Move = Callable[..., Result]


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Return a function that runs the command for a small site; ssh records its host and runs the command here."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ssh").write_text(
        f'#!/bin/sh\necho "$2" >> {tmp_path}/hosts\n[ "$2" = away ] && exit 255\nexec sh -c "$3"\n'
    )
    program = f'#!/bin/sh\nexec env PYTHONPATH={ROOT} {sys.executable} -m groundswell "$@"\n'
    (tools / "groundswell").write_text(program)
    for tool in tools.iterdir():
        tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    here = tmp_path / "here"
    here.mkdir()
    (here / "feeds.yaml").write_text(FEEDS)
    with Store.open(here / "news.db") as store:
        store.sessions.set_token("digest", NOON)

    def call(target: str) -> Result:
        options = ["--feeds", str(here / "feeds.yaml"), "--db", str(here / "news.db")]
        return CliRunner().invoke(cli, ["move", target, *options])

    return call


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_site_is_complete_on_the_other_machine(move: Move, tmp_path: Path) -> None:
    there = tmp_path / "it's there"
    done = move(f"new:{there}")
    assert done.exit_code == 0, done.output
    assert f"moved to new:{there}" in done.output
    assert (there / "feeds.yaml").read_text() == FEEDS
    with Store.open(there / "groundswell.db") as store:
        assert store.sessions.token_digest() == "digest"
    assert files(there) == ["feeds.yaml", "groundswell.db"]
    assert files(tmp_path / "here") == ["feeds.yaml", "news.db"]
    assert set((tmp_path / "hosts").read_text().split()) == {"new"}


def test_a_folder_in_the_home_folder_can_have_a_tilde(
    move: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)  # where a session of ssh begins
    assert move("new:~/site").exit_code == 0
    assert [path.name for path in home.iterdir()] == ["site"]


def test_the_only_file_with_the_token_is_named(move: Move, tmp_path: Path) -> None:
    assert "only this machine has it in a file" not in move(f"new:{tmp_path / 'one'}").output
    (tmp_path / "here" / "news.db.token").write_text("secret")
    done = move(f"new:{tmp_path / 'other'}")
    assert "the operator's token stays the same; only this machine has it in a file" in done.output
    assert "news.db.token" in done.output
    assert "secret" not in done.output


def test_a_machine_that_does_not_answer_changes_nothing(move: Move, tmp_path: Path) -> None:
    done = move("away:site")
    assert isinstance(done.exception, Exception)
    assert "away could not receive the site" in str(done.exception)
    assert (tmp_path / "here" / "news.db").exists()


def test_a_running_site_is_not_moved(move: Move, tmp_path: Path) -> None:
    with WorkerLock(tmp_path / "here" / "news.db"):
        done = move(f"new:{tmp_path / 'there'}")
    assert done.exit_code
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("target", ["new", ":folder", "new:", "-oProxyCommand=x:folder"])
def test_a_target_names_host_and_folder(move: Move, target: str) -> None:
    done = CliRunner().invoke(cli, ["move", "--", target])
    assert done.exit_code == 2
    assert "write HOST:FOLDER" in done.output
