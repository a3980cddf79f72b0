"""Commands with PostgreSQL: `DATABASE_URL` and `--db postgresql://...` name the site's database."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli.options import Front
from aggregator.errors import DatabaseInUseError, StoreError
from aggregator.site import database as site_database
from aggregator.store import Store
from groundswell.cli import cli
from groundswell.clock import process_clock
from tests.feedserver import FeedServer
from tests.postgres.cluster import Cluster

RSS = b"""<rss version="2.0"><channel><title>Harbour News</title><link>http://127.0.0.1/</link><description/>
<item><title>Harbour bridge reopens after repairs</title><link>http://127.0.0.1/1</link><guid>1</guid></item>
<item><title>Minister resigns over ferry contract</title><link>http://127.0.0.1/2</link><guid>2</guid></item>
</channel></rss>"""


@pytest.fixture
def url(postgres: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database, named in the environment, and an empty working folder."""
    address = postgres.emptied_database()
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.chdir(tmp_path)
    return address


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, [*arguments], obj=Front(process_clock()))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, StoreError), result.exception
    return result


def configure(folder: Path, server: FeedServer) -> None:
    address = server.publish("/news.xml", RSS)
    (folder / "feeds.yaml").write_text(
        f"""site: {{}}
limits: {{allow_private: [127.0.0.1]}}
categories: [{{id: world, name: World}}]
sources: [{{id: harbour, name: Harbour, url: "{address}", category: world}}]
"""
    )


def test_poll_update_export_check_and_prune_use_the_server(url: str, tmp_path: Path, feed_server: FeedServer) -> None:
    configure(tmp_path, feed_server)
    polled = run("poll", "--once")
    assert polled.exit_code == 0, polled.output
    assert "2 entries processed" in run("update").output
    assert [json.loads(line)["id"] for line in run("export").stdout.splitlines()] == ["1", "2"]
    checked = run("check")
    assert "2 entries, 2 stories, no error" in checked.output
    assert "free" not in checked.output  # the disk is the server's
    assert run("sources", "list", "--json").exit_code == 0
    assert run("vote", "1", "up").exit_code == 0
    assert run("prune").exit_code == 0
    assert not (tmp_path / "groundswell.db").exists()
    with Store.connect(url) as store:
        assert store.feedback.votes()


def test_a_replay_leaves_the_database_of_the_site_alone(url: str, tmp_path: Path) -> None:
    line = {"id": "1", "title": "Harbour bridge reopens", "source": "harbour", "first_seen": "2026-11-17T08:00:00Z"}
    (tmp_path / "stream.jsonl").write_text(json.dumps(line) + "\n")
    replayed = run("replay", "stream.jsonl", "--db", "replayed.db")
    assert replayed.exit_code == 0, replayed.output
    with Store.open(tmp_path / "replayed.db") as store:
        assert store.entries.count() == 1
    with Store.connect(url) as store:
        assert store.entries.count() == 0
        assert store.stories.count() == 0


@pytest.mark.parametrize("arguments", [("move", "host:folder"), ("prune", "--compact")])
def test_what_works_with_a_file_says_so(url: str, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert "works with SQLite files only" in str(result.exception)


def test_db_takes_an_address(postgres: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "")  # undone after the test, whatever the command sets
    assert "0 entries" in run("check", "--db", postgres.emptied_database()).output
    assert os.environ["DATABASE_URL"].startswith("postgresql://")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://me:secret@h/db", "DATABASE_URL must look like postgresql://"),
        ("postgresql://me:secret@127.0.0.1:1/news", "is the server running"),
        ("postgresql://me:secret@127.0.0.1:1/news?colour=red", "DATABASE_URL cannot be read"),
        ("postgresql:///news?port=1", "cannot use the database at the local server/news"),
    ],
)
def test_a_wrong_address_is_named_with_a_way_out_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(StoreError, match=message) as raised:
        site_database.open_store(Path("news.db"))
    assert "secret" not in str(raised.value)


def test_a_missing_database_gives_a_message_with_the_command_that_creates_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url.replace("/emptied0", "/nowhere"))
    with pytest.raises(StoreError, match="create it with `createdb nowhere`"):
        site_database.open_store(Path("news.db"))


def test_a_missing_psycopg_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/news")
    for module in [name for name in sys.modules if name.startswith(("psycopg", "aggregator.store.postgres."))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'groundswell\[postgres\]'"):
        site_database.open_store(Path("news.db"))


def test_a_poll_by_hand_leaves_hosts_to_running_pollers(url: str, tmp_path: Path, feed_server: FeedServer) -> None:
    configure(tmp_path, feed_server)
    with Store.connect(url) as store:
        poller = store.poll_leases("elsewhere")
        poller.renew()
        assert "1 poller of this database asks what is due" in str(run("poll").exception)
        poller.leave()
    assert run("poll").exit_code == 0


def test_one_process_writes_stories(url: str) -> None:
    db = Path("news.db")
    assert not site_database.is_written(db)
    with site_database.open_as_only_writer(db):
        assert site_database.is_written(db)
        with pytest.raises(DatabaseInUseError, match=f"process {os.getpid()}"), site_database.open_as_only_writer(db):
            pass
    assert not site_database.is_written(db)
