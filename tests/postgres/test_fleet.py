"""Random kills of pollers, scorers and the server: nothing is lost or doubled, no source is polled twice at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from aggregator.store import Store, StoreFault
from aggregator.store.postgres import locks
from groundswell.processes import child_environment
from tests.postgres.cluster import Cluster
from tests.postgres.feeds import Feeds, served

HOSTS, FEEDS = 6, 12
ROUNDS = 8
PATIENCE_S = 60
"""How long a dead poller's leases and a dead scorer's work may wait; more than that is a failure."""


def document(name: str, items: int) -> bytes:
    entries = "".join(
        f"<item><title>{name} reports {number} ships in harbour {number * 37}</title>"
        f"<link>http://127.0.0.1/{name}/{number}</link><guid>{name}-{number}</guid></item>"
        for number in range(items)
    )
    return f'<rss version="2.0"><channel><title>{name}</title><link/><description/>{entries}</channel></rss>'.encode()


class Fleet:
    """Processes of the program, which end with the tests."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._environment = child_environment({**os.environ, "DATABASE_URL": url})
        self.pollers: list[subprocess.Popen[bytes]] = []
        self.scorers: list[subprocess.Popen[bytes]] = []

    def start(self, role: str) -> None:
        with (self._folder / f"{role}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "groundswell", "worker", "--role", role],
                cwd=self._folder,
                env={**self._environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
                stderr=log,
            )
        (self.pollers if role == "poll" else self.scorers).append(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def working_scorer(self) -> subprocess.Popen[bytes]:
        """Return the scorer that holds the locks."""
        holder = locks.holder_at(self._url, "worker")
        (working,) = [process for process in self.scorers if holder.endswith(f"process {process.pid}")]
        return working

    def holds_lock(self) -> bool:
        """Return whether one of the scorers is active."""
        holder = locks.holder_at(self._url, "worker")
        return any(holder.endswith(f"process {process.pid}") for process in self.scorers)

    def restart_ended(self) -> None:
        """Restart what exited or failed, as a service manager would."""
        for role, processes in (("poll", self.pollers), ("score", self.scorers)):
            for process in [process for process in processes if process.poll() is not None]:
                processes.remove(process)
                self.start(role)

    def close(self) -> None:
        for process in (*self.pollers, *self.scorers):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in (*self.pollers, *self.scorers):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill(process)


def until(what: str, is_so: Callable[[], bool], fleet: Fleet, within_s: float = 2 * PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            if is_so():
                return
        except StoreFault:
            pass  # the server starts again
        assert time.monotonic() < deadline, f"waited too long for {what}"
        fleet.restart_ended()
        time.sleep(0.3)


def configure(folder: Path, feeds: Feeds, count: int) -> None:
    sources = "".join(
        f"  - {{id: feed{number}, name: Feed {number}, url: '{feeds.url(number)}', category: world}}\n"
        for number in range(count)
    )
    (folder / "feeds.yaml").write_text(
        f"site: {{}}\nlimits: {{allow_private: [{', '.join(feeds.hosts)}]}}\n"
        f"categories: [{{id: world, name: World}}]\nsources:\n{sources}"
    )


@pytest.mark.long
@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "paused"])
def test_a_standby_scores_within_a_minute(postgres: Cluster, tmp_path: Path, signal_sent: signal.Signals) -> None:
    url = postgres.new_database()
    with served(1, answer_after_s=0) as feeds, ExitStack() as opened:
        configure(tmp_path, feeds, 1)
        store = opened.enter_context(Store.connect(url))
        fleet = Fleet(tmp_path, url)
        opened.callback(fleet.close)

        def has_scored(entries: int) -> bool:
            store._connection.run("update feeds set next_poll_at = null")
            return bool(store._connection.value("select count(*) from memberships") == entries)

        feeds.documents["/feed0"] = document("feed0", 1)
        for role in ("score", "score", "poll"):
            fleet.start(role)
        until("the first entry", lambda: has_scored(1), fleet)

        first = fleet.working_scorer()
        first.send_signal(signal_sent)
        feeds.documents["/feed0"] = document("feed0", 2)
        until("the standby", lambda: has_scored(2), fleet, within_s=PATIENCE_S)
        assert fleet.working_scorer() is not first

        # A scorer that continues after a pause exits with one line in the log.
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=PATIENCE_S) in (3, -signal.SIGKILL)
        assert "Traceback" not in (tmp_path / "score.log").read_text()


@pytest.mark.long
def test_kills_and_restarts_lose_and_double_nothing(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.new_database()
    rng = random.Random(17)
    with served(HOSTS, answer_after_s=0.1) as feeds, ExitStack() as opened:
        configure(tmp_path, feeds, FEEDS)
        store = opened.enter_context(Store.connect(url))
        fleet = Fleet(tmp_path, url)
        opened.callback(fleet.close)

        published = 0

        def make_due() -> None:
            # One by one: updating all rows would deadlock with a transaction of polls.
            for number in range(FEEDS):
                store._connection.run(
                    "update feeds set next_poll_at = null where source_id = :id", {"id": f"feed{number}"}
                )

        def publish() -> None:
            nonlocal published
            published += 1
            for number in range(FEEDS):
                feeds.documents[f"/feed{number}"] = document(f"feed{number}", published)
            make_due()

        def is_scored() -> bool:
            stored = store.entries.count()
            return stored == FEEDS * published and not store.pending_steps.count()

        publish()
        for role in ("score", "poll", "poll", "poll", "score"):
            fleet.start(role)
        until("the first entries", is_scored, fleet)
        for number in range(ROUNDS):
            publish()
            time.sleep(rng.uniform(0.1, 0.6))
            if number % 2:
                fleet.kill(rng.choice(fleet.pollers))
            if number == 2:
                fleet.kill(fleet.working_scorer())
            if number == 4:
                postgres.restart(crash=True)
                until("the server", lambda: bool(store.entries.count()), fleet)
            if number == 5:
                paused = fleet.pollers[0]
                paused.send_signal(signal.SIGSTOP)
            if number == 7:
                paused.send_signal(signal.SIGCONT)
            fleet.restart_ended()
            time.sleep(rng.uniform(0.2, 1.0))
        publish()

        def is_everything_there() -> bool:
            make_due()
            return is_scored()

        until("the last entries", is_everything_there, fleet)
        rows = store._connection.rows("select source_id, identity, first_seen_at from entries")
        assert len(rows) == len({(row[0], row[1]) for row in rows}) == FEEDS * published
        assert store._connection.value("select count(*) from memberships") == FEEDS * published
        assert feeds.overlaps == []
        assert fleet.working_scorer() in fleet.scorers
