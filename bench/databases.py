"""What a site costs in PostgreSQL and in SQLite: transfer, disk, search, pruning.

    python -m bench.databases [--db FILE] [--data ../shared/data] [--entries 100000] [--rounds 1] [--feeds 300]

Fills a SQLite database as `bench.restart` does, or copies the given one, and transfers it to a PostgreSQL server that
is started for the benchmark (with fsync off, so writes take as long as on a fast disk). It prints

- the rows per second of the transfer, and bytes per entry;
- the time of searches (CPU of program and server, and wall clock), and whether both databases return the same stories;
- the time to count words;
- what it takes to prune the oldest tenth of the entries: today's way, and with entries partitioned by ID, where one
  partition is dropped and the keys of its entries are deleted;
- the cost per poll of storing generated feeds, fifty to a transaction: CPU of the program and of PostgreSQL's process,
  and write-ahead log;
- rows inserted one at a time against rows copied in.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from aggregator.model import Limits, NotModified, Outcome, ParsedFeed, Source
from aggregator.parse.parser import parse
from aggregator.store import SearchResult, Store
from aggregator.store.postgres.connection import PostgresConnection
from aggregator.store.transfer.to_postgres import transfer
from aggregator.text.search_query import read
from bench import _corpus
from bench.restart import fill
from bench.search import queries
from bench.storing import documents, store_polls
from tests.postgres.cluster import binaries, running_cluster, why_not

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROUNDS = ("first poll of 25 entries", "one new entry")
UNCHANGED = "nothing new (304)"
TABLES = """
    select relname, pg_table_size(oid), pg_indexes_size(oid) from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by pg_total_relation_size(oid) desc limit 8
"""
PARTITIONED = """
    create table p_entries (like entries including defaults) partition by range (entry_id);
    create table p_old partition of p_entries for values from (minvalue) to ({end});
    create table p_new partition of p_entries for values from ({end}) to (maxvalue);
    alter table p_entries add primary key (entry_id);
    create index on p_entries (source_id, canonical_link) where canonical_link != '';
    create index on p_entries (first_seen_at, entry_id);
    create index on p_entries (source_id, first_seen_at);
    create index on p_entries (source_id, published_at) where published_at is not null;
    create index on p_entries (source_id, title) where published_at is null;
    create table p_keys (
        source_id text collate "C", identity text collate "C", entry_id bigint, primary key (source_id, identity)
    );
    create index on p_keys (entry_id);
    insert into p_entries select * from entries;
    insert into p_keys select source_id, identity, entry_id from entries;
"""
OLD_ENTRIES = "in (select entry_id from entries where entry_id < {end})"


class Timer:
    """Runs statements and prints how long they took and how much write-ahead log they wrote."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw

    def run(self, label: str, statement: str) -> str:
        """Return one row of the pruning table."""
        before, started = self._log(), time.perf_counter()
        self._raw.execute(statement.encode())
        took = time.perf_counter() - started
        return f"| {label} | {took:.2f} | {(self._log() - before) / 1e6:.1f} |"

    def _log(self) -> int:
        row = self._raw.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])


def searches(lite: Store, full: Store, rounds: int) -> Iterator[str]:
    """Yield a row for each kind of search: mean CPU and wall-clock ms in both databases, and how many results agree."""
    process = int(full._connection.value("select pg_backend_pid()"))
    for kind, texts in queries(lite).items():
        newest = total = shared = best = 0
        cells: list[str] = []
        answers: dict[str, list[SearchResult]] = {"lite": [], "full": []}
        for name, store in (("lite", lite), ("full", full)):
            cpu, server, wall = time.process_time(), _server_cpu(process), time.perf_counter()
            for _ in range(rounds):
                answers[name] = [store.search.stories(read(text, NOW)) for text in texts]
            each = 1_000 / len(texts) / rounds
            spent = time.process_time() - cpu + _server_cpu(process) - server
            cells.append(f"{spent * each:.0f} ({(time.perf_counter() - wall) * each:.0f})")
        for text, of_lite, of_full in zip(texts, answers["lite"], answers["full"], strict=True):
            ids = [{listed.story.story_id for listed in answer.stories} for answer in (of_lite, of_full)]
            shared, best = shared + len(ids[0] & ids[1]), best + len(ids[0])
            total += of_lite.total == of_full.total
            ordered = [
                [listed.story.story_id for listed in store.search.stories(read(text, NOW), order="newest").stories]
                for store in (lite, full)
            ]
            newest += ordered[0] == ordered[1]
        yield f"| {kind} | {len(texts)} | {cells[0]} | {cells[1]} | {newest} | {total} | {shared} of {best} |"


def prunings(raw: psycopg.Connection[Any], end: int) -> Iterator[str]:
    """Yield a row for each statement that prunes the entries before *end*."""
    timer = Timer(raw)
    timer.run("", PARTITIONED.format(end=end))
    raw.execute("vacuum analyze")
    row = raw.execute(
        """select (pg_total_relation_size('p_keys') - pg_relation_size('entries_source_id_identity_key'))
        / (select count(*) from p_keys)"""
    ).fetchone()
    yield f"| partitioned: {row[0] if row else '?'} bytes an entry more, for the keys | | |"
    for label, statement in (
        ("partitioned: drop the partition", "drop table p_old"),
        ("partitioned: delete its keys", f"delete from p_keys where entry_id < {end}"),
        ("both: text index", f"delete from entry_words where entry_id {OLD_ENTRIES}"),
        ("both: edits", f"delete from entry_edits where entry_id {OLD_ENTRIES}"),
        ("both: embeddings", f"delete from entry_embeddings where entry_id {OLD_ENTRIES}"),
        ("as it is: entries", "delete from entries where entry_id < {end}"),
        ("both: memberships", "delete from memberships where entry_id not in (select entry_id from entries)"),
        ("both: stories", "delete from stories where lead_entry_id not in (select entry_id from entries)"),
        ("both: ledger", "delete from ledger where story_id not in (select story_id from stories)"),
        ("as it is: vacuum of entries", "vacuum entries"),
        ("both: vacuum of the text index", "vacuum entry_words"),
    ):
        yield timer.run(label, statement.format(end=end))


def storing(url: str, folder: Path, feeds: int) -> Iterator[str]:
    """Yield a row for each round of polls and database."""
    _corpus.make(folder / "corpus", feeds, 2)
    rounds = {name: documents(folder / "corpus", number, feeds) for number, name in enumerate(ROUNDS)}
    sources = [Source(f"f{n}", f"feed {n}", answer.url, "news") for n, answer in enumerate(rounds[ROUNDS[0]])]
    for database in ("SQLite", "PostgreSQL"):
        with Store.open(folder / "polls.db") if database == "SQLite" else Store.connect(url) as store:
            store.feeds.sync(sources, NOW)
            process = store._connection.value("select pg_backend_pid()") if database == "PostgreSQL" else None
            for hours, name in enumerate((*ROUNDS, UNCHANGED)):
                outcomes: list[Outcome] = [NotModified()] * feeds
                feeds_read: list[ParsedFeed | None] = [None] * feeds
                if name != UNCHANGED:
                    outcomes = [*rounds[name]]
                    for number, (source, answer) in enumerate(zip(sources, rounds[name], strict=True)):
                        memory = store.feeds.document_memory(source.id)
                        feeds_read[number] = parse(answer.body, answer.content_type, answer.url, Limits(), memory)
                log = _log_of(store) if process else 0
                server, cpu, wall = _server_cpu(process), time.process_time(), time.perf_counter()
                store_polls(store, sources, outcomes, feeds_read, NOW + timedelta(hours=hours))
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                server = _server_cpu(process) - server
                kilobytes = (_log_of(store) - log) / 1_000 / feeds if process else 0.0
                each = 1_000 / feeds
                yield (
                    f"| {name} | {database} | {cpu * each:.2f} | {server * each:.2f} | {wall * each:.2f} "
                    f"| {kilobytes:.1f} |"
                )


def _log_of(store: Store) -> int:
    return int(store._connection.value("select pg_current_wal_insert_lsn() - cast('0/0' as pg_lsn)"))


def _server_cpu(process: int | None) -> float:
    """Return the CPU seconds of one server process."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batches(url: str) -> Iterator[str]:
    """Yield a row for each batch size: inserted in a pipeline, and with COPY."""
    connection = PostgresConnection.open(url)
    connection.run("create table batches (number bigint, text text)")
    for size in (1, 8, 25, 100, 1_000):
        rows = [(number, "x" * 500) for number in range(size)]
        took = []
        for copied in (False, True):
            started = time.perf_counter()
            for _ in range(20):
                if copied:
                    connection.copy_in("batches", ("number", "text"), rows)
                else:
                    connection.run_many("insert into batches values (?, ?)", rows)
            took.append((time.perf_counter() - started) * 50)
        yield f"| {size} | {took[0]:.2f} | {took[1]:.2f} |"
    connection.close()


def measure(db: Path, url: str, rounds: int, say: Callable[[str], object]) -> None:
    """Print all tables."""
    wall, cpu = time.perf_counter(), time.process_time()
    seen: list[str] = []

    def passed() -> str:
        return f"{time.perf_counter() - wall:.0f} s ({time.process_time() - cpu:.0f} CPU s)"

    def progress(name: str, done: int, total: int) -> None:
        if name not in seen:
            seen.append(name)
            say(f"{name} {total:,} rows begins after {passed()}")

    done = transfer(db, url, progress)
    entries = done.rows["entries"]
    say(f"transferred {entries:,} entries in {passed()}")
    with psycopg.connect(url, autocommit=True) as raw:
        row = raw.execute("select pg_database_size(current_database())").fetchone()
        assert row is not None
        say(f"bytes an entry: SQLite {db.stat().st_size / entries:,.0f}, PostgreSQL {row[0] / entries:,.0f}")
        say("\n| table | rows' bytes an entry | indexes' bytes an entry |\n|---|---|---|")
        for name, rows, indexes in raw.execute(TABLES):
            say(f"| {name} | {rows / entries:,.0f} | {indexes / entries:,.0f} |")
        raw.execute("vacuum analyze")
    with Store.open(db) as lite, Store.connect(url) as full:
        started = time.perf_counter()
        full.count_words()
        say(f"\ncounting words: {time.perf_counter() - started:.1f} s\n")
        say("| searches | of them | SQLite, mean CPU (wall) ms | PostgreSQL | same newest | same total | best 30 |")
        say("|---|---|---|---|---|---|---|")
        for line in searches(lite, full, rounds):
            say(line)
    with psycopg.connect(url, autocommit=True) as raw:
        say(f"\n| pruning {entries // 10:,} entries | s | MB of log |\n|---|---|---|")
        row = raw.execute("select entry_id from entries order by 1 limit 1 offset %s", (entries // 10,)).fetchone()
        assert row is not None
        for line in prunings(raw, int(row[0])):
            say(line)


def main() -> None:
    """Print the tables, or why they cannot be made on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--feeds", type=int, default=300)
    options = parser.parse_args()
    folder_of_programs = binaries()
    if reason := why_not():
        print(f"{reason}: nothing can be measured here")
        return
    if options.db is None and not (options.data / "stream").exists():
        print(f"no recorded streams in {options.data / 'stream'}; name their folder with --data")
        return
    assert folder_of_programs is not None
    with tempfile.TemporaryDirectory() as folder, running_cluster(folder_of_programs) as cluster:
        db = Path(folder) / "news.db"
        if options.db is None:
            fill(db, options.data, options.entries)
        else:
            shutil.copy(options.db, db)
        measure(db, cluster.new_database(), options.rounds, lambda line: print(line, flush=True))
        print("\n| polls | database | program, CPU ms a poll | server, CPU ms | wall ms | kB of log |")
        print("|---|---|---|---|---|---|")
        for row in storing(cluster.new_database(), Path(folder), options.feeds):
            print(row, flush=True)
        print("\n| rows of 0.5 kB | inserted, ms | copied, ms |\n|---|---|---|")
        for row in batches(cluster.new_database()):
            print(row, flush=True)


if __name__ == "__main__":
    main()
