"""A transfer copies every row, however often it is interrupted, or refuses and changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from aggregator.cli.migrate_to import migrate_to
from aggregator.errors import DatabaseInUseError, StoreError
from aggregator.store import Store
from aggregator.store.postgres.tables import PostgresTables
from aggregator.store.sqlite.connection import SqliteConnection
from aggregator.store.sqlite.tables import SqliteTables
from aggregator.store.transfer import to_postgres
from aggregator.store.transfer.to_postgres import Transferred, transfer
from tests.aggregator.store.test_store import NOON, OTHER, SOURCE, arrival
from tests.postgres.cluster import Cluster
from tests.scoring.updater.test_updater import filled, updater
from tests.scoring.world import decide, newsroom, publish

KILL = """
import os, signal, sys
from pathlib import Path
from aggregator.store.transfer import to_postgres
to_postgres.CHUNK_ROWS = 20
def progress(name, done, total):
    if done >= 60:
        os.kill(os.getpid(), signal.SIGKILL)
to_postgres.transfer(Path(sys.argv[1]), sys.argv[2], progress)
"""


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.emptied_database()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A small database with entries, an edit, an embedding and a model."""
    path = tmp_path / "news.db"
    with Store.open(path) as store:
        store.feeds.sync([SOURCE, OTHER], NOON)
        with store.transaction():
            ids = store.entries.add(SOURCE.id, [arrival(f"entry {number}") for number in range(90)], NOON)
            store.entries.edit(ids[3], arrival("entry 3", title="Another title"), NOON + timedelta(hours=1))
        store.embeddings.add("words", {ids[4]: b"\x00\x01\xff"}, placed=True)
        store.sessions.set_token("digest", NOON)
        store.models.write("relevance-1.json", "{}")
        store.models.write("current", "relevance-1.json\n")
        store.pictures.keep("a" * 40, b"\x89PNG", NOON)
    return path


def copied(db: Path, url: str, progress: to_postgres.Progress = lambda name, done, total: None) -> Transferred:
    return transfer(db, url, progress)


def assert_equal(db: Path, url: str) -> None:
    """Compare every row of every table, with the test's own statements."""
    source = SqliteConnection.open(db)
    with psycopg.connect(url) as raw:
        for table in SqliteTables(source).tables():
            query = f"select {', '.join(table.columns)} from {table.name}"
            expected = sorted(map(tuple, source.rows(query)), key=repr)
            assert sorted(raw.execute(query).fetchall(), key=repr) == expected, table.name
    source.close()


def test_a_complete_site_is_copied_and_continues(tmp_path: Path, url: str) -> None:
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        running = updater(filled(store))
        for number, poll in enumerate(newsroom(11)[:4]):
            publish(store, poll)
            running.run(poll[0])
            if number == 2:
                decide(store, number, poll[0])
                running.run(poll[0])
        expected = [story.headline for story in store.stories.each()]
        newest = max(entry.entry_id for entry in store.entries.each())

    done = copied(db, url)

    assert_equal(db, url)
    assert done.copied == sum(done.rows.values())
    assert len(done.rows) > 35
    with Store.connect(url) as store:
        assert [story.headline for story in store.stories.each()] == expected
        source_id = next(iter(store.entries.each())).source_id
        assert store.entries.add(source_id, [arrival("one more")], NOON) == [newest + 1]
        assert store.faults() == []


def test_models_pictures_and_token_go_along(db: Path, url: str) -> None:
    done = copied(db, url)

    assert (done.models, done.pictures) == (1, 1)
    with Store.connect(url) as store:
        assert store.models.read("current") == "relevance-1.json\n"
        assert store.pictures.get("a" * 40) == b"\x89PNG"
        assert store.sessions.token_digest() == "digest"


def test_a_killed_transfer_resumes_where_it_stopped(db: Path, url: str) -> None:
    child = subprocess.run([sys.executable, "-c", KILL, str(db), url], check=False)
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(StoreError, match=r"holds only a part of .*news\.db; run `groundswell migrate-to` again"):
        Store.connect(url)

    done = copied(db, url)

    assert 0 < done.copied < sum(done.rows.values())
    assert_equal(db, url)


def stop_after(rows: int) -> to_postgres.Progress:
    """Return a progress callback that interrupts the transfer after that many rows."""

    def progress(name: str, done: int, total: int) -> None:
        if done >= rows:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("rows", [1, 45, 97])
def test_what_changed_since_an_interruption_is_copied_again(
    db: Path, url: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_postgres, "CHUNK_ROWS", 20)
    with pytest.raises(KeyboardInterrupt):
        copied(db, url, stop_after(rows))
    with Store.open(db) as store:
        store.entries.add(OTHER.id, [arrival("later")], NOON + timedelta(days=3))
        store.entries.edit(50, arrival("entry 49", title="Changed since"), NOON + timedelta(days=2))
        store.state.set("note", "changed since")
        # Removed with its edit and its embedding.
        store._connection.run("update entries set first_seen_at = '2020' where entry_id < 20")
        assert store.entries.prune(NOON - timedelta(days=300)) == 19

    copied(db, url)

    assert_equal(db, url)
    with Store.connect(url) as store:
        assert store.faults() == []


def test_entry_numbers_are_never_reused(db: Path, url: str) -> None:
    with Store.open(db) as store:
        store._connection.run("delete from entry_embeddings")
        store._connection.run("delete from entry_edits")
        store.entries.prune(NOON + timedelta(days=1))

    copied(db, url)

    with Store.connect(url) as store:
        assert store.entries.add(SOURCE.id, [arrival("one more")], NOON) == [91]


def test_writes_during_the_transfer_are_copied_too(db: Path, url: str) -> None:
    left = [3]

    def progress(name: str, done: int, total: int) -> None:
        if left[0] and name == "Comparing":
            left[0] -= 1
            with Store.open(db) as store:
                store.state.set("note", f"written with {left[0]} left")

    copied(db, url, progress)

    assert_equal(db, url)


def test_a_source_that_is_never_still_is_an_error(db: Path, url: str) -> None:
    numbers = iter(range(10_000))

    def progress(name: str, done: int, total: int) -> None:
        with Store.open(db) as store:
            store.state.set("note", str(next(numbers)))

    with pytest.raises(StoreError, match="the source database keeps changing"):
        copied(db, url, progress)


def test_a_character_that_postgresql_refuses_is_replaced_and_counted(db: Path, url: str) -> None:
    with Store.open(db) as store:
        store.state.set("note", "a\0b")

    assert copied(db, url).replaced == 1
    with Store.connect(url) as store:
        assert store.state.get("note") == "a\N{REPLACEMENT CHARACTER}b"


def test_a_database_that_holds_a_site_is_refused_and_stays(db: Path, url: str) -> None:
    with Store.connect(url) as store:
        store.feeds.sync([OTHER], NOON)

    with pytest.raises(StoreError, match="already holds a site"):
        copied(db, url)

    with Store.connect(url) as store:
        assert store.entries.count() == 0


def test_a_transfer_that_is_done_is_not_done_again(db: Path, url: str) -> None:
    copied(db, url)
    with pytest.raises(StoreError, match="already holds a site"):
        copied(db, url)


def test_an_unfinished_transfer_of_another_database_is_refused(db: Path, url: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        copied(db, url, stop_after(3))
    with pytest.raises(StoreError, match=r"unfinished transfer of .*news\.db"):
        copied(tmp_path / "other.db", url)


def test_tables_of_another_program_are_left_alone(db: Path, postgres: Cluster) -> None:
    url = postgres.new_database()
    with psycopg.connect(url) as raw:
        raw.execute("create table invoices (number int)")
    with pytest.raises(StoreError, match=r"tables of another program \(invoices\)"):
        copied(db, url)
    with psycopg.connect(url) as raw:
        assert raw.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (1,)


def test_two_transfers_at_once_are_refused(db: Path, url: str) -> None:
    def progress(name: str, done: int, total: int) -> None:
        with pytest.raises(DatabaseInUseError):
            copied(db, url)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copied(db, url, progress)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://localhost/news", "write postgresql://USER@HOST/DATABASE"),
        ("postgresql://me:secret@127.0.0.1:1/news", "cannot use the database at 127.0.0.1:1/news"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(db: Path, url: str, message: str) -> None:
    result = CliRunner().invoke(migrate_to, [url, "--db", str(db)])

    assert message in (result.output + str(result.exception))
    assert "secret" not in result.output + str(result.exception)


@pytest.mark.parametrize("named_by", ["argument", "environment"])
def test_the_command_says_what_it_copied(db: Path, url: str, named_by: str) -> None:
    arguments, env = ([url], {}) if named_by == "argument" else ([], {"DATABASE_URL": url})
    result = CliRunner(env=env).invoke(migrate_to, [*arguments, "--db", str(db)])

    assert result.exit_code == 0, result.output
    assert "every row compared: 90 entries, 0 stories" in result.output
    assert "1 model file and 1 picture were copied" in result.output


def test_a_file_that_is_not_there_is_an_error_also_where_the_site_has_a_database(tmp_path: Path, url: str) -> None:
    result = CliRunner(env={"DATABASE_URL": url}).invoke(migrate_to, ["--db", str(tmp_path / "none.db")])

    assert "there is no SQLite database" in str(result.exception)


def test_the_command_says_how_to_resume_after_a_lost_connection(
    db: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = PostgresTables.complete_text_index

    def cut(target: PostgresTables) -> None:
        with psycopg.connect(url) as raw:
            raw.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid != pg_backend_pid()"""
            )
        complete(target)

    monkeypatch.setattr(PostgresTables, "complete_text_index", cut)
    interrupted = CliRunner().invoke(migrate_to, [url, "--db", str(db)])
    monkeypatch.undo()
    again = CliRunner().invoke(migrate_to, [url, "--db", str(db)])

    assert "run the same command again: it continues where it stopped" in str(interrupted.exception)
    assert again.exit_code == 0, again.output
    assert_equal(db, url)
