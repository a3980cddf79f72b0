"""Accidents of a running site's processes: a killed part, a killed supervisor, a lost database.

The real program in real processes; each wait is bounded.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.store import Store
from groundswell import processes
from tests.feedserver import FeedServer
from web import server

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 90

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see which processes live")

DOCUMENT = "<rss version='2.0'><channel><title>Wire</title>{}</channel></rss>".format(
    "".join(f"<item><title>Entry {n} of the wire</title><guid>{n}</guid></item>" for n in range(5))
)


class Site:
    """A site run by `groundswell run`."""

    def __init__(self, folder: Path, feeds: str) -> None:
        self.folder, self.db, self.log = folder, folder / "news.db", folder / "log.txt"
        (folder / "feeds.yaml").write_text(
            "limits: {allow_private: [127.0.0.1]}\nbackup: {folder: copies}\n"
            f"sources:\n  - {{id: wire, url: {feeds}}}\n"
        )
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "groundswell", "run", "--db", str(self.db), "--port", str(self.port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env={**environment, "PYTHONPATH": str(ROOT)}
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=30)
        for pid in self.parts():
            os.kill(pid, signal.SIGKILL)

    def parts(self) -> dict[int, str]:
        """Return the processes with this database on their command line, each with its command."""
        parts = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if str(self.db).encode() in line and b"groundswell" in line:
                    parts[int(entry.name)] = line[3].decode()
        return parts

    def part(self, name: str) -> int:
        """Return the process of a part that the supervisor started."""
        parts = self.parts()  # once, since processes start and end meanwhile
        [pid] = [pid for pid, part in parts.items() if part == name and parts.get(_parent(pid)) == "run"]
        return pid

    def answers(self) -> bool:
        """Return whether the site responds and its worker is alive."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def entries(self) -> int:
        """Return the number of stored entries, 0 while there is no database."""
        try:
            with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as raw:
                return int(raw.execute("select count(*) from entries").fetchone()[0])
        except sqlite3.Error:
            return 0

    def is_up(self) -> bool:
        return self.answers() and self.entries() == 5


@pytest.fixture
def site(tmp_path: Path, feed_server: FeedServer) -> Iterator[Site]:
    site = Site(tmp_path, feed_server.publish("/wire.xml", DOCUMENT))
    yield site
    site.stop()


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:.0f} s"
        time.sleep(0.1)


@pytest.mark.long
def test_a_killed_part_comes_back_and_no_part_outlives_the_supervisor(site: Site) -> None:
    run = site.start()
    wait_for(site.is_up, "the site")
    for name, other in (("web", "worker"), ("worker", "web")):
        killed, left = site.part(name), site.part(other)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda name=name, killed=killed: _is_other(site, name, killed), f"another {name}")  # type: ignore[misc]
        wait_for(site.answers, f"the site after {name} was killed")
        assert site.part(other) == left, f"{other} was to go on"
        assert run.poll() is None
    assert "the web process ended (signal 9)" in site.log.read_text()

    run.kill()
    run.wait()
    wait_for(lambda: not site.parts(), "the end of every part", 15)
    site.start()
    wait_for(site.is_up, "the site, started again on the same port and database")
    wait_for(lambda: "restored and checked: 5 entries" in site.log.read_text(), "the first scheduled backup")
    [copy] = (site.folder / "copies").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _is_other(site: Site, name: str, killed: int) -> bool:
    try:
        return site.part(name) != killed
    except (ValueError, OSError):
        return False


@pytest.mark.long
@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_lost_database_is_reported_and_its_content_rescued(site: Site, tmp_path: Path, what: str) -> None:
    site.start()
    wait_for(site.is_up, "the site")
    other = tmp_path / "other.db"
    with Store.open(other) as store:
        store.state.set("note", "another database")
        store.release_journal()
    for name in ("news.db-wal", "news.db-shm"):
        (tmp_path / name).unlink()
    if what == "deleted":
        site.db.unlink()
    else:
        os.replace(other, site.db)
    wait_for(lambda: f"the database was {what} while the worker used it" in site.log.read_text(), "a report", 60)
    wait_for(site.is_up, "the site with the database that is there now")
    [rescued] = tmp_path.glob("news.db.rescued-*[0-9]")
    with Store.open(rescued) as store:
        assert store.entries.count() == 5
    with Store.open(site.db) as store:
        [action] = [action for action in store.actions.newest(5) if action.kind == "database"]
        assert f"was {what}" in action.message
        assert rescued.name in action.message
        assert (store.state.get("note") is not None) == (what == "replaced")


def test_a_part_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The site ends within five seconds: first its server, then any remaining part."""
    assert server.STOP_WITHIN_S < processes.STOP_WITHIN_S < 5
    monkeypatch.setattr(processes, "STOP_WITHIN_S", 0.1)
    ready = tmp_path / "ready"
    ignores = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "pathlib.Path(sys.argv[1]).write_text(''); time.sleep(60)"
    )

    async def run() -> int:
        stop = asyncio.Event()
        running = asyncio.create_task(
            processes.supervise([processes.Part("stubborn", [sys.executable, "-c", ignores, str(ready)])], stop)
        )
        while not ready.exists():
            await asyncio.sleep(0.01)
        stop.set()
        return await asyncio.wait_for(running, timeout=30)

    assert asyncio.run(run()) == 0
