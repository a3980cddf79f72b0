"""`groundswell backup` and `restore` with PostgreSQL: a dump holds the whole site and fills an empty database."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psycopg
import pytest
from click.testing import CliRunner, Result

from aggregator.cli.options import Front
from aggregator.config import load_config
from aggregator.errors import NewerDatabaseError, StoreError
from aggregator.model import Backups
from aggregator.site import server_backup
from aggregator.site.backup import scheduled_name
from aggregator.site.last_backup import last_backup, summary
from aggregator.store import Store
from aggregator.store.postgres import dumps
from groundswell.background.work import LongWork
from groundswell.cli import cli
from groundswell.processes import CommandFailedError
from tests.aggregator.store.test_store import NOON, SOURCE
from tests.feedserver import FeedServer
from tests.postgres.cluster import Cluster
from tests.postgres.test_commands import configure

pytestmark = pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed")

FEEDS = "sources:\n  - {id: wire, url: 'https://wire.example/feed?key=secret'}\n"
T = TypeVar("T")
DERIVED = ("pictures", "sessions", "pollers", "poll_shards")


@pytest.fixture
def url(postgres: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database, named in the environment, and an empty working folder."""
    address = postgres.emptied_database()
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.chdir(tmp_path)
    return address


@pytest.fixture
def site(url: str) -> str:
    """The same with a few rows."""
    with Store.connect(url) as store:
        store.feeds.sync([SOURCE], NOON)
        store.config_edits.save(FEEDS, None, NOON)
        store.models.write("relevance-1.json", "{}")
        store.sessions.set_token(hashlib.sha256(b"token").hexdigest(), NOON)
        store.sessions.begin("cookie", token_digest="d", form_token="f", now=NOON, oldest=NOON)
        store.state.set("note", "line\nbreak \\. and \t tab \N{SNOWMAN}")
        store.job_queue().defer("train")
    return url


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, [*arguments], obj=Front(lambda: NOON))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, StoreError), result.exception
    return result


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, except those that a dump leaves out."""
    with psycopg.connect(url) as raw:
        names = [
            row[0]
            for row in raw.execute(
                "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'jobs')"
            ).fetchall()
        ]
        return {
            name: sorted(raw.execute(f"select * from {name}").fetchall(), key=repr)
            for name in names
            if name.removeprefix("public.") not in DERIVED
        }


def test_a_site_comes_back_in_an_empty_database(
    site: str, postgres: Cluster, tmp_path: Path, feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, feed_server)
    assert run("poll", "--once").exit_code == 0
    assert run("update").exit_code == 0
    copy = tmp_path / "monday.dump"
    result = run("backup", str(copy))
    assert "read back and checked: 2 entries, 2 stories, feeds.yaml, 1 model file" in result.output, result
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*"))
    before = contents(site)
    assert before["jobs.procrastinate_jobs"]
    config = (tmp_path / "feeds.yaml").read_text()
    (tmp_path / "feeds.yaml").write_text("sources: []\n")

    other = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", other)
    done = run("restore", str(copy))
    assert done.exit_code == 0, done
    assert "the operator's token is that of the copy" in done.output
    assert contents(other) == before
    assert (tmp_path / "feeds.yaml").read_text() == config
    assert [path.read_text() for path in tmp_path.glob("feeds.yaml.before-*")] == ["sources: []\n"]
    with psycopg.connect(other) as raw:
        assert raw.execute("select count(*) from sessions").fetchone() == (0,)
    # Sequences and the site continue where they were.
    assert run("poll", "--once").exit_code == 0
    assert "2 entries, 2 stories, no errors" in run("check").output


def test_a_database_that_is_not_empty_is_left_alone(site: str, tmp_path: Path) -> None:
    copy = tmp_path / "monday.dump"
    assert run("backup", str(copy)).exit_code == 0
    before = contents(site)
    assert "is not empty" in str(run("restore", str(copy)).exception)
    assert contents(site) == before


def test_a_manual_dump_is_restored_without_the_state_of_running_processes(
    site: str, postgres: Cluster, tmp_path: Path
) -> None:
    with Store.connect(site) as store:
        store.poll_leases("elsewhere").renew()
    subprocess.run(["pg_dump", "--format=custom", f"--file={tmp_path / 'by-hand'}", f"--dbname={site}"], check=True)
    other = postgres.new_database()
    server_backup.restore(other, tmp_path / "by-hand", None, NOON)
    with psycopg.connect(other) as raw:
        for table in DERIVED:
            assert raw.execute(f"select count(*) from {table}").fetchone() == (0,), table


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20_000])


def _spoiled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3_000] = os.urandom(3_000)
    path.write_bytes(data)


def _text(path: Path) -> None:
    path.write_text("not a dump" * 100)


def _of_sqlite(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(1_000))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_cut_off, "is damaged"),
        (_spoiled, "is damaged"),
        (_text, "is not a dump of PostgreSQL"),
        (_of_sqlite, "backup of a SQLite site"),
    ],
)
def test_an_incomplete_dump_is_refused_and_nothing_changes(
    site: str, postgres: Cluster, tmp_path: Path, spoil: object, message: str
) -> None:
    with Store.connect(site) as store:
        store.models.write("relevance-2.json", os.urandom(60_000).hex())
    copy = tmp_path / "monday.dump"
    dumps.write(site, copy)
    assert callable(spoil)
    spoil(copy)
    other = postgres.new_database()
    with pytest.raises(StoreError, match=message):
        server_backup.restore(other, copy, tmp_path / "feeds.yaml", NOON)
    assert contents(other) == {}
    assert not (tmp_path / "feeds.yaml").exists()


def test_the_dump_of_another_program_is_refused(postgres: Cluster, tmp_path: Path) -> None:
    foreign = postgres.new_database()
    with psycopg.connect(foreign) as raw:
        raw.execute("create table entries (a int)")
    copy = tmp_path / "foreign.dump"
    subprocess.run(["pg_dump", "--format=custom", f"--file={copy}", f"--dbname={foreign}"], check=True)
    with pytest.raises(StoreError, match="another program"):
        server_backup.restore(postgres.new_database(), copy, None, NOON)


def test_a_sqlite_site_says_where_a_dump_belongs(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "monday.dump"
    assert run("backup", str(copy)).exit_code == 0
    monkeypatch.delenv("DATABASE_URL")
    assert "set DATABASE_URL to an empty database" in str(run("restore", str(copy)).exception)


def test_scheduled_backups_rotate_and_a_failed_one_costs_no_older_one(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "feeds.yaml").write_text(FEEDS + "backup: {folder: copies, keep: 2}\n")
    done = run("backup")
    assert done.exit_code == 0, done
    [first] = (tmp_path / "copies").iterdir()
    first.rename(first.with_name(scheduled_name(NOON, "dump")))
    settings = Backups(folder="copies", keep=2)
    feeds = tmp_path / "feeds.yaml"
    written = [
        server_backup.back_up_on_schedule(site, feeds, settings, NOON + timedelta(days=day))[0] for day in (1, 2)
    ]
    assert sorted((tmp_path / "copies").iterdir()) == written
    # The dump lacks a row that was in the snapshot.
    count = dumps._rows_of
    monkeypatch.setattr(dumps, "_rows_of", lambda *args: {**count(*args), "public.state": 1_000})
    with pytest.raises(StoreError, match=r"of 1000 rows of public\.state"):
        server_backup.back_up_on_schedule(site, feeds, settings, NOON + timedelta(days=3))
    assert sorted((tmp_path / "copies").iterdir()) == written


def test_a_dump_gets_its_name_when_it_was_read_back(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = dumps.read

    def look_first(dump: Path, name: Path | None = None) -> dumps.RowCounts:
        assert not (tmp_path / "copy.dump").exists()
        return read(dump, name)

    monkeypatch.setattr(dumps, "read", look_first)
    server_backup.back_up(site, tmp_path / "copy.dump")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.dump"]


def test_a_dump_of_a_newer_version_is_refused_and_nothing_changes(site: str, postgres: Cluster, tmp_path: Path) -> None:
    with psycopg.connect(site) as raw:
        raw.execute("insert into migrations (name, applied_at, expands) values ('9000_of_tomorrow', now(), 1)")
    dumps.write(site, tmp_path / "expands.dump")
    with psycopg.connect(site) as raw:
        raw.execute("update migrations set expands = 0 where name = '9000_of_tomorrow'")
    subprocess.run(
        ["pg_dump", "--format=custom", f"--file={tmp_path / 'contracts.dump'}", f"--dbname={site}"], check=True
    )
    with psycopg.connect(site) as raw:  # other tests use this database
        raw.execute("delete from migrations where name = '9000_of_tomorrow'")
    other = postgres.new_database()
    with pytest.raises(NewerDatabaseError, match=r"contracts\.dump was written by a newer version .*9000_of_tomorrow"):
        server_backup.restore(other, tmp_path / "contracts.dump", None, NOON)
    assert contents(other) == {}
    server_backup.restore(other, tmp_path / "expands.dump", None, NOON)
    assert contents(other)


def test_the_reason_why_the_server_refuses_a_dump_is_named(site: str, postgres: Cluster, tmp_path: Path) -> None:
    dumps.write(site, tmp_path / "copy.dump")
    other = postgres.new_database()
    with psycopg.connect(other) as raw:
        raw.execute("create view entries as select 1 as entry_id")
    with pytest.raises(StoreError, match=r'was not restored: .*relation "entries" already exists'):
        server_backup.restore(other, tmp_path / "copy.dump", None, NOON)
    assert contents(other) == {}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the kernel ends children on Linux only")
def test_a_killed_backup_leaves_no_pg_dump_at_work(site: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_dump").write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid.part\nmv {tmp_path}/pid.part {tmp_path}/pid\nexec sleep 300\n"
    )
    (programs / "pg_dump").chmod(0o755)
    backing_up = subprocess.Popen(
        [sys.executable, "-m", "groundswell", "backup", "copy.dump"],
        cwd=tmp_path,
        env={
            **os.environ,
            "DATABASE_URL": site,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        },
    )
    try:
        pid = int(until("pg_dump", lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    finally:
        backing_up.kill()
        backing_up.wait()
    until("its end", lambda: not is_alive(pid))


def until(what: str, condition: Callable[[], T]) -> T:
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.05)
    return value


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_dump_is_one_snapshot_of_a_database_that_is_written_to(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_program = dumps._run

    def write_first(*args: str, failed: str) -> None:
        with Store.connect(site) as store:
            store.state.set("later", "after the rows were counted")
        run_program(*args, failed=failed)

    monkeypatch.setattr(dumps, "_run", write_first)
    server_backup.back_up(site, tmp_path / "copy.dump")


def test_no_command_line_shows_the_password(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def refuse(command: tuple[str, ...], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        seen.extend([*command, f"PGPASSWORD={env.get('PGPASSWORD')}"])
        return subprocess.CompletedProcess(command, 1, b"", b"pg_dump: error: disk full\nmore")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(StoreError, match=r"copy\.dump: disk full$"):
        dumps.write(site.replace("groundswell@", f"groundswell:{quote('s3 cret')}@"), tmp_path / "copy.dump")
    assert seen.pop() == "PGPASSWORD=s3 cret"
    assert not any("s3" in part for part in seen)
    assert not list(tmp_path.iterdir())
    seen.clear()
    with pytest.raises(StoreError, match=r"holds `sslpassword`, which pg_dump would show .*pg_service\.conf"):
        dumps.write(f"{site}&sslpassword=s3", tmp_path / "copy.dump")
    assert not seen


def test_check_names_what_backups_need(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "feeds.yaml").write_text(FEEDS + "backup: {folder: copies}\n")
    assert run("check").exit_code == 0
    older = subprocess.CompletedProcess[str]([], 0, "pg_dump (PostgreSQL) 9.6.1", "")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", lambda *_, **__: older)
        assert "pg_dump 9 is older than the server" in run("check").output
    monkeypatch.setattr(shutil, "which", lambda name: None)
    checked = run("check")
    assert checked.exit_code == 1
    assert "`backup`: pg_dump is not installed on this machine; install PostgreSQL's client programs" in checked.output
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    assert run("check").exit_code == 0


@pytest.mark.long
def test_the_worker_says_on_which_machine_the_backup_is(site: str, tmp_path: Path) -> None:
    feeds, db = tmp_path / "feeds.yaml", tmp_path / "news.db"
    feeds.write_text(FEEDS + "backup: {folder: copies}\n")
    config = load_config(feeds, env={})
    with Store.connect(site) as store:
        work = LongWork(feeds, db, store, lambda: NOON)
        asyncio.run(work.run("backup", config))
        [copy] = (tmp_path / "copies").iterdir()
        made = last_backup(store)
        assert made is not None
        message = summary(made)
        assert message.startswith(f"{platform.node()}: {copy}: ")
        assert "read back and checked" in message
        shutil.rmtree(copy.parent)
        copy.parent.write_text("")  # in the place of the folder
        with pytest.raises(CommandFailedError):
            asyncio.run(work.run("backup", config))
        failed = last_backup(store)
        assert failed is not None
        assert failed.machine == platform.node()
        assert "cannot create the folder" in failed.error
