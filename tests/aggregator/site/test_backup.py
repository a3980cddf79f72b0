"""A backup is one file that restores a site; any other file is refused and left unchanged."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import COMMANDS
from aggregator.cli.options import Front
from aggregator.errors import NewerDatabaseError, StoreError
from aggregator.model import Backups, Source
from aggregator.site.backup import (
    Contents,
    back_up,
    back_up_on_schedule,
    remove_leftovers,
    restore,
    rotate,
    scheduled_name,
    token_file,
    verify,
)
from aggregator.site.last_backup import LastBackup, last_backup, note_failed
from aggregator.store import Store
from aggregator.store.sqlite.copies import models_folder

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
FEEDS = "sources:\n  - {id: wire, url: 'https://wire.example/feed?key=secret'}\n"
MODEL = b'{"format": "groundswell model"}' * 100


class Site:
    """A site in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db, self.feeds = folder / "news.db", folder / "feeds.yaml"
        self.copy = folder / "copy.db"

    def fill(self) -> Site:
        self.feeds.write_text(FEEDS)
        with Store.open(self.db) as store:
            store.feeds.sync([Source("wire", "Wire", "https://wire.example/feed", "news")], NOON)
            store.sessions.set_token(digest("first token"), NOON)
            store.sessions.begin("cookie", token_digest=digest("first token"), form_token="f", now=NOON, oldest=NOON)
            store.state.set("note", "as backed up")
        models_folder(self.db).mkdir()
        (models_folder(self.db) / "current").write_text("relevance-1.json\n")
        (models_folder(self.db) / "relevance-1.json").write_bytes(MODEL)
        return self

    def backed_up(self) -> Site:
        back_up(self.db, self.feeds, self.copy)
        return self

    def note(self) -> str | None:
        with Store.open(self.db) as store:
            return store.state.get("note")

    def token_digest(self) -> str | None:
        with Store.open(self.db) as store:
            return store.sessions.token_digest()

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).fill().backed_up()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_site_comes_back_on_another_machine_from_one_file(site: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "elsewhere")
    other.folder.mkdir()
    done = restore(site.copy, other.db, other.feeds, NOON)
    assert done.replaced == ()
    assert (done.models, done.has_config) == (2, True)
    assert other.note() == "as backed up"
    assert other.feeds.read_text() == FEEDS
    assert (models_folder(other.db) / "relevance-1.json").read_bytes() == MODEL
    assert "that of the copy" in done.token
    assert other.token_digest() == digest("first token")
    assert {mode(path) for path in (site.copy, other.db, other.feeds)} == {0o600}
    with sqlite3.connect(other.db) as raw:
        assert raw.execute("select count(*) from sessions").fetchone() == (0,)
        assert raw.execute("select 1 from sqlite_schema where name = 'sqlar'").fetchone() is None
    raw.close()


def test_a_restore_keeps_the_replaced_files_and_only_reads_the_copy(site: Site) -> None:
    before = site.copy.read_bytes()
    site.feeds.write_text("sources: []\n")
    (models_folder(site.db) / "relevance-2.json").write_bytes(b"{}")
    with Store.open(site.db) as store:
        store.state.set("note", "later")
    done = restore(site.copy, site.db, site.feeds, NOON)
    assert site.note() == "as backed up"
    assert site.feeds.read_text() == FEEDS
    assert sorted(path.name for path in models_folder(site.db).iterdir()) == ["current", "relevance-1.json"]
    assert [path.name for path in done.replaced] == [
        "news.db.before-20261117T120000",
        "news.db.models.before-20261117T120000",
        "feeds.yaml.before-20261117T120000",
    ]
    assert done.replaced[2].read_text() == "sources: []\n"
    with Store.open(done.replaced[0]) as store:
        assert store.state.get("note") == "later"
    assert site.copy.read_bytes() == before
    assert not list(site.folder.glob(".*"))


def test_a_token_that_was_rotated_away_does_not_come_back(site: Site) -> None:
    with Store.open(site.db) as store:
        store.sessions.set_token(digest("second token"), NOON)
    done = restore(site.copy, site.db, site.feeds, NOON)
    assert site.token_digest() == digest("second token")
    assert "stays the one in use, not the copy's" in done.token


@pytest.mark.parametrize("damage", [b"", b"no database" * 500, None])
def test_restore_works_where_the_database_does_not_open(site: Site, damage: bytes | None) -> None:
    original = site.db.read_bytes()
    site.db.write_bytes(original[:20_000] + b"\xff" * 30_000 if damage is None else damage)
    broken = site.db.read_bytes()
    token_file(site.db).write_text("second token\n")
    done = restore(site.copy, site.db, site.feeds, NOON)
    assert site.note() == "as backed up"
    assert site.token_digest() == digest("second token")
    if damage is None:
        assert done.replaced[0].read_bytes()[:20_000] == broken[:20_000]
    elif damage:
        assert done.replaced[0].read_bytes() == broken


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a database" * 100)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("create table a (b)")
    raw.close()


def _damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40_000:120_000] = b"\xff" * 80_000
    path.write_bytes(data)


def _unindexed(path: Path) -> None:
    """Add a row to a table and not to its index, which is what a flipped bit in either amounts to."""
    name = "sources_by_test"
    with sqlite3.connect(path) as raw:
        raw.execute(f"create index {name} on sources (name)")
        index = raw.execute("select * from sqlite_schema where name = ?", (name,)).fetchone()
        raw.execute("pragma writable_schema=on")
        raw.execute("delete from sqlite_schema where name = ?", (name,))
    raw.close()
    with sqlite3.connect(path) as raw:
        raw.execute("insert into sources values ('a', 'A', '', '', '', 0, 1, null)")
        raw.execute("pragma writable_schema=on")
        raw.execute("insert into sqlite_schema values (?, ?, ?, ?, ?)", index)
    raw.close()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60_000])


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('groundswell', '9999_x', '')"
        )
    raw.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_empty, "is empty"),
        (_text, "is not a SQLite database"),
        (_foreign, "is a database of another program"),
        (_damaged, "is damaged"),
        (_unindexed, "is damaged"),
        (_cut, "is damaged"),
        (_newer, "newer version"),
    ],
)
def test_a_file_that_is_not_a_backup_is_refused_and_nothing_changes(
    site: Site, spoil: Callable[[Path], None], message: str
) -> None:
    if spoil is _foreign:
        site.copy.unlink()
    spoil(site.copy)
    before = site.files()
    with pytest.raises(StoreError, match=message) as caught:
        restore(site.copy, site.db, site.feeds, NOON)
    assert str(site.copy) in str(caught.value)
    assert ".restoring" not in str(caught.value)
    assert site.files() == before
    if spoil is _newer:
        assert isinstance(caught.value, NewerDatabaseError)


def test_a_copy_by_cp_is_read_with_its_journal(site: Site, tmp_path: Path) -> None:
    with Store.open(site.db) as store:
        store.state.set("note", "only in the journal")
        plain = tmp_path / "plain.db"
        for ending in ("", "-wal"):
            Path(f"{plain}{ending}").write_bytes(Path(f"{site.db}{ending}").read_bytes())
    restore(plain, site.db, None, NOON)
    assert site.note() == "only in the journal"


def test_no_file_of_an_archive_is_written_outside_the_models(site: Site, tmp_path: Path) -> None:
    with Store.open(site.db) as store:
        evil = {f"models/{name}": b"x" for name in ("../../up", "..", ".hidden", "a/b")} | {"/etc/x": b"x", "x": b"x"}
        store.copy_to(tmp_path / "evil.db", evil)
    other = Site(tmp_path / "elsewhere")
    other.folder.mkdir()
    restore(tmp_path / "evil.db", other.db, other.feeds, NOON)
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in other.folder.iterdir()} == {"news.db"}


def test_a_backup_is_verified_by_restoring_it(site: Site) -> None:
    contents = verify(site.copy)
    assert (contents.entries, contents.stories, contents.models, contents.has_config) == (0, 0, 2, True)
    assert site.note() == "as backed up"
    assert not list(site.folder.glob(".*"))
    _damaged(site.copy)
    with pytest.raises(StoreError, match="is damaged"):
        verify(site.copy)


def test_a_backup_never_overwrites_and_leaves_nothing_half_done(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="exists"):
        back_up(site.db, site.feeds, site.copy)
    monkeypatch.setattr("aggregator.store.sqlite.copies.os.replace", _refuse)
    with pytest.raises(StoreError, match=r"cannot write the copy .*No space left"):
        back_up(site.db, site.feeds, tmp_path / "second.db")
    assert not list(tmp_path.glob("*second*"))


def _refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_rotation_keeps_the_newest_backups_and_other_files(tmp_path: Path) -> None:
    names = [scheduled_name(NOON.replace(day=day)) for day in range(1, 10)]
    for name in (*names, "groundswell-monday.db", "notes.txt"):
        (tmp_path / name).write_text("")
    gone = rotate(tmp_path, 3)
    assert [path.name for path in gone] == names[:-3]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*names[-3:], "groundswell-monday.db", "notes.txt"]
    )


# Scheduled backups


def test_a_scheduled_backup_is_proved_and_old_ones_go(site: Site) -> None:
    settings = Backups(folder="copies", keep=2)
    written = [back_up_on_schedule(site.db, site.feeds, settings, NOON.replace(day=day))[0] for day in (1, 2, 3)]
    assert [path.parent for path in written] == [site.folder / "copies"] * 3
    assert mode(site.folder / "copies") == 0o700
    assert sorted((site.folder / "copies").iterdir()) == written[1:]


def test_a_backup_that_cannot_be_restored_costs_no_older_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Backups(folder="copies", keep=1)
    first, _ = back_up_on_schedule(site.db, site.feeds, settings, NOON)

    def damaged(copy: Path) -> None:
        raise StoreError(f"{copy} is damaged")

    monkeypatch.setattr("aggregator.site.backup.verify", damaged)
    with pytest.raises(StoreError, match="is damaged"):
        back_up_on_schedule(site.db, site.feeds, settings, NOON.replace(day=18))
    assert list((site.folder / "copies").iterdir()) == [first]


def test_a_scheduled_backup_gets_its_name_when_it_is_proved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    proved = verify

    def look_first(copy: Path) -> Contents:
        assert not list((site.folder / "copies").glob("groundswell*"))
        assert mode(copy) == 0o600
        return proved(copy)

    monkeypatch.setattr("aggregator.site.backup.verify", look_first)
    written, _ = back_up_on_schedule(site.db, site.feeds, Backups(folder="copies"), NOON)
    assert list((site.folder / "copies").iterdir()) == [written]


def test_what_a_killed_backup_left_goes_after_a_day(tmp_path: Path) -> None:
    left = [".groundswell-20261115T030000.db.unproved", "..groundswell-20261115T030000.db.unproved.part"]
    others = ["groundswell-20261115T030000.db", ".groundswell-notes", ".groundswell-20261117T110000.dump.part"]
    for name in (*left, *others):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, 2 * ((NOON - timedelta(days=2)).timestamp(),))
    os.utime(tmp_path / others[2], 2 * ((NOON - timedelta(hours=1)).timestamp(),))  # may still be in use
    folder = tmp_path / ".groundswell-verify-abc"
    folder.mkdir()
    (folder / "groundswell.db").write_text("")
    os.utime(folder, 2 * ((NOON - timedelta(days=2)).timestamp(),))
    remove_leftovers(tmp_path, NOON)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


# feeds.yaml that cannot simply be replaced


def test_a_mounted_feeds_yaml_is_restored_in_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.feeds.write_text("sources: []\n")
    place, replace = site.feeds.stat().st_ino, os.replace

    def refuse_mount(source: str, target: Path) -> None:
        if Path(target) == site.feeds:
            raise OSError(errno.EBUSY, "Device or resource busy")
        replace(source, target)

    monkeypatch.setattr("aggregator.config.file.os.replace", refuse_mount)
    restore(site.copy, site.db, site.feeds, NOON)
    assert site.feeds.read_text() == FEEDS
    assert site.feeds.stat().st_ino == place


def test_a_folder_that_takes_no_feeds_yaml_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.feeds.unlink()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("aggregator.config.file.tempfile.mkstemp", refuse)
    with pytest.raises(StoreError, match=r"the database was restored, and feeds.yaml was not: .*Read-only file system"):
        restore(site.copy, site.db, site.feeds, NOON)


# The commands


def run(site: Site, *args: str) -> Result:
    command = next(command for command in COMMANDS if command.name == args[0])
    more = ["--db", str(site.db), "--feeds", str(site.feeds)]
    return CliRunner().invoke(command, [*args[1:], *more], obj=Front(lambda: NOON, {}), catch_exceptions=True)


def test_the_commands_say_what_was_copied_and_what_became_of_the_token(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "monday.db"
    result = run(site, "backup", str(target), "--verify")
    assert result.exit_code == 0, result.output
    assert "restored and checked: 0 entries, 0 stories, feeds.yaml, 2 model files" in result.output
    done = run(site, "restore", str(target))
    assert done.exit_code == 0, done.output
    assert f"the previous version is kept as {site.db}.before-" in done.output
    assert "the operator's token is the one in use; whoever was signed in is signed out" in done.output
    assert isinstance(run(site, "restore", str(tmp_path / "feeds.yaml")).exception, StoreError)
    os.mkfifo(tmp_path / "pipe.db")
    assert "is a pipe or a device" in str(run(site, "restore", str(tmp_path / "pipe.db")).exception)


def test_without_a_name_the_command_does_what_the_worker_does(site: Site) -> None:
    assert "does not set `backup.folder`" in str(run(site, "backup").exception)
    site.feeds.write_text(FEEDS + "backup: {folder: copies, keep: 3}\n")
    done = run(site, "backup")
    assert done.exit_code == 0, done.output
    [copy] = (site.folder / "copies").iterdir()
    assert f"{copy}: " in done.output.replace("\n", "")
    assert "restored and checked" in done.output
    assert f"last backup: {copy}: " in run(site, "check").output.replace("\n", "")


def test_the_check_says_why_the_last_backup_failed(site: Site) -> None:
    with Store.open(site.db) as store:
        store.state.set("backup_message", "cannot write backups/groundswell-x.db: No space left on device")
        assert last_backup(store) == LastBackup(error="cannot write backups/groundswell-x.db: No space left on device")
        store.state.set("backup_message", "backups/groundswell-x.db: 2.0 MB, restored and checked: 5 entries")
        assert last_backup(store) is None, "stored by 0.1 in words; the next backup is within a day"
        note_failed(store, "the disk is full")
    assert "last backup: the disk is full\n" in run(site, "check").output
