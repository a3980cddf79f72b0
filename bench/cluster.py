"""How fast several pollers work on one PostgreSQL server, and what 100,000 sources cost.

    python -m bench.cluster [--feeds 1000] [--pollers 1 2 4] [--simulate 100000]

For each number of pollers: a new database, the corpus of `bench.poll` on 250 hosts, and that many `groundswell worker
--role poll`. Two rounds, each timed from the moment all sources are due until all are polled: a first poll of 25
entries, then one new entry per feed. The PostgreSQL server is started for the benchmark, with fsync off. CPU is given
for the pollers, including their parsing processes, and for the server. Polls per second depend on what else the machine
does, and on the feed server, which runs on the same machine.

`--simulate` then syncs that many sources, queries what is due in the shards of four pollers, and stores polls without
news, fifty per transaction, as one poller would without a network.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from urllib.request import urlopen

import psycopg

from aggregator.model import NotModified, Source
from aggregator.polling.group_commit import MAX_WRITES
from aggregator.polling.poll import PollResult
from aggregator.site.config_watcher import ConfigWatch
from aggregator.store import Store
from bench import _corpus
from groundswell.processes import child_environment
from tests.postgres.cluster import binaries, running_cluster, why_not

PORT, HOSTS = 8811, 250
ROUND_WITHIN_S = 300
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHARERS = 4
SIMULATED_FOR_S = 30


@dataclass(frozen=True, slots=True)
class Use:
    """What a database has done so far."""

    active_ms: float
    """Time in which sessions executed statements."""
    rows: int
    wal_bytes: int
    size: int

    def since(self, before: Use) -> Use:
        return Use(
            self.active_ms - before.active_ms,
            self.rows - before.rows,
            self.wal_bytes - before.wal_bytes,
            self.size - before.size,
        )


def use(raw: psycopg.Connection[tuple[object, ...]]) -> Use:
    """Return what the database has done so far; its statistics lag by up to a second."""
    time.sleep(1.5)
    row = raw.execute(
        """select active_time, tup_inserted + tup_updated + tup_deleted,
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), pg_database_size(current_database())
        from pg_stat_database where datname = current_database()"""
    ).fetchone()
    assert row is not None
    return Use(float(str(row[0])), int(str(row[1])), int(str(row[2])), int(str(row[3])))


def cpu_s(process: int) -> float:
    """Return the CPU seconds of a process and all its descendants, including those that have ended (Linux)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        tasks = list(Path(f"/proc/{process}/task").glob("*/children"))
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return 0.0  # it has just ended and is counted in its parent's figures
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_s, children))


@contextmanager
def feed_server(folder: Path) -> Iterator[list[str]]:
    """Serve the corpus and yield the URLs of its feeds."""
    command = [sys.executable, "-m", "bench._feed_server", str(folder), "--port", str(PORT), "--hosts", str(HOSTS)]
    server = subprocess.Popen(command)
    try:
        show(0)
        yield [
            f"http://127.0.0.{number % HOSTS + 1}:{PORT}{row.path}"
            for number, row in enumerate(_corpus.rows(folder, 0))
        ]
    finally:
        server.terminate()
        server.wait()


def show(number: int) -> None:
    """Switch the server to another round, once it is up."""
    for _ in range(200):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/control/round/{number}", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the feed server did not start")


def polled_with(pollers: int, url: str, server: int, addresses: Sequence[str], folder: Path) -> None:
    """Print what two rounds cost with that many pollers; *server* is the PostgreSQL process that starts the others."""
    hosts = ", ".join(f"127.0.0.{number}" for number in range(1, HOSTS + 1))
    sources = "".join(
        f"  - {{id: f{number}, name: Feed {number}, category: news, url: '{address}'}}\n"
        for number, address in enumerate(addresses)
    )
    (folder / "feeds.yaml").write_text(
        f"site: {{}}\nlimits: {{allow_private: [{hosts}], concurrency: 100}}\n"
        f"categories: [{{id: news, name: News}}]\nsources:\n{sources}"
    )
    environment = child_environment({**os.environ, "DATABASE_URL": url, "GROUNDSWELL_ENCODER": "off"})
    command = [sys.executable, "-m", "groundswell", "worker", "--role", "poll"]
    with ExitStack() as opened:
        store = opened.enter_context(Store.connect(url))
        raw = opened.enter_context(psycopg.connect(url, autocommit=True))
        show(0)
        ConfigWatch(folder / "feeds.yaml", store, {}).start(NOW)
        raw.execute("update feeds set next_poll_at = '9'")
        raw.execute("update sources set enabled = 0")
        children = [
            subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) for _ in range(pollers)
        ]
        for child in children:
            opened.callback(child.wait)
            opened.callback(child.terminate)
        until(raw, f"select count(*) = {pollers} from pollers")
        until(
            raw,
            """select max(shards) - min(shards) <= 1 and sum(shards) = 256
            from (select count(*) as shards from poll_shards where poller is not null group by poller) as shares""",
        )
        for number, name in enumerate(("first poll of 25 entries", "one new entry")):
            show(number)
            before, begun = use(raw), raw.execute("select coalesce(sum(polls), 0) from feeds").fetchone()
            assert begun is not None
            cpu, server_cpu = sum(cpu_s(child.pid) for child in children), cpu_s(server)
            at = perf_counter()
            with raw.transaction():
                raw.execute("update feeds set next_poll_at = null")
                raw.execute("update sources set enabled = 1")
            goal = int(str(begun[0])) + len(addresses)
            until(raw, f"select sum(polls) >= {goal} from feeds")
            seconds = perf_counter() - at
            cpu, server_cpu = sum(cpu_s(child.pid) for child in children) - cpu, cpu_s(server) - server_cpu
            spent = use(raw).since(before)
            polls = len(addresses)
            print(
                f"| {pollers} | {name} | {polls / seconds:.0f} | {1_000 * cpu / polls:.2f} "
                f"| {1_000 * server_cpu / polls:.2f} | {spent.active_ms / polls:.2f} "
                f"| {spent.rows / polls:.1f} | {spent.wal_bytes / polls:,.0f} | {spent.size / polls:,.0f} |",
                flush=True,
            )


def until(raw: psycopg.Connection[tuple[object, ...]], question: str) -> None:
    """Wait until the condition holds."""
    for _ in range(ROUND_WITHIN_S * 4):
        row = raw.execute(question).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(0.25)
    raise SystemExit(f"waited {ROUND_WITHIN_S} s for: {question}")


def simulate(url: str, server: int, number: int) -> None:
    """Print what that many sources cost without a network: sync, the query for due sources, and storing polls."""
    sources = [
        Source(id=f"s{index}", name=f"Source {index}", url=f"https://host{index // 3}.example/{index}", category="news")
        for index in range(number)
    ]
    with ExitStack() as opened:
        store = opened.enter_context(Store.connect(url))
        at = perf_counter()
        store.feeds.sync(sources, NOW)
        print(f"sync of {number:,} sources: {perf_counter() - at:.1f} s")
        at = perf_counter()
        store.feeds.sync(sources, NOW)
        print(f"sync again, unchanged: {perf_counter() - at:.1f} s")
        raw = opened.enter_context(psycopg.connect(url, autocommit=True))
        # Spread over the next half hour, as in a running site.
        raw.execute(
            """update feeds set next_poll_at = to_char(
            timestamp '2026-11-23 12:00:00' + random() * interval '30 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        )
        raw.execute("vacuum analyze feeds")
        stores = [opened.enter_context(Store.connect(url)) for _ in range(SHARERS)]
        leases = [other.poll_leases(f"poller {index}") for index, other in enumerate(stores)]
        for _ in range(2):
            for lease in leases:
                lease.renew()
        by_id = {source.id: source for source in sources}
        now, queries, due_s, due_cpu, stored, store_s, own_cpu, store_cpu = NOW, 0, 0.0, 0.0, 0, 0.0, 0.0, 0.0
        deadline = perf_counter() + SIMULATED_FOR_S
        while perf_counter() < deadline:
            now += timedelta(seconds=0.5)
            for other, lease in zip(stores, leases, strict=True):
                at, server_cpu = perf_counter(), cpu_s(server)
                due = other.feeds.due(now, 200, [], lease.shards)
                due_s, queries = due_s + perf_counter() - at, queries + 1
                due_cpu += cpu_s(server) - server_cpu
                at, cpu, server_cpu = perf_counter(), process_time(), cpu_s(server)
                for start in range(0, len(due), MAX_WRITES):
                    with other.transaction():
                        for state in due[start : start + MAX_WRITES]:
                            outcome = NotModified()
                            result = PollResult(by_id[state.source_id], state, outcome, None, now, 0, (), lease.require)
                            result.store(other, network_down=False)
                            stored += 1
                store_s, own_cpu = store_s + perf_counter() - at, own_cpu + process_time() - cpu
                store_cpu += cpu_s(server) - server_cpu
                if perf_counter() > deadline:
                    break
            if (now - NOW).seconds % 10 == 0:
                for lease in leases:
                    lease.renew()
    print(
        f"what is due in a quarter of the shards: {1000 * due_s / queries:.1f} ms, "
        f"{1000 * due_cpu / queries:.2f} ms of the server's CPU, {queries} times "
        f"in {(now - NOW).total_seconds():.0f} simulated seconds"
    )
    print(
        f"{stored:,} polls without news stored in {store_s:.1f} s: {1000 * own_cpu / stored:.2f} ms of CPU of the "
        f"poller and {1000 * store_cpu / stored:.2f} ms of the server each; "
        f"{number / 1800:,.0f} a second are needed for a poll every 30 minutes"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--pollers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--simulate", type=int, default=100_000, help="0: not at all")
    args = parser.parse_args()
    if reason := why_not():
        raise SystemExit(reason)
    folder_of_server = binaries()
    assert folder_of_server is not None
    with tempfile.TemporaryDirectory() as name, running_cluster(folder_of_server) as cluster:
        corpus = Path(name) / "corpus"
        if args.pollers:
            _corpus.make(corpus, args.feeds, 2)
            with feed_server(corpus) as addresses:
                print(f"{args.feeds:,} feeds; columns from the fourth on are for each poll\n")
                print("| pollers | round | polls/s | CPU ms | server CPU ms | database ms | rows | WAL bytes | bytes |")
                print("|---|---|---|---|---|---|---|---|---|")
                for pollers in args.pollers:
                    polled_with(pollers, cluster.new_database(), cluster.process, addresses, Path(name))
        if args.simulate:
            simulate(cluster.new_database(), cluster.process, args.simulate)


if __name__ == "__main__":
    main()
