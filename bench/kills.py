"""Kill the worker at random moments, again and again: nothing that it acknowledged is lost, nothing comes twice.

    python -m bench.kills [--kills 100] [--at-once 1] [--seed 1]

A server shows generated feeds that gain, edit and reorder items; a worker process polls and scores every
round and writes down each poll once it is committed. It is killed (-9) after a random time and started
again, until it was killed that often and all rounds are played. After each kill the database must open in
less than 2 s; each acknowledged poll must have its entries. In the end there are no duplicates, quick_check
and the text index's own check are content, and the database equals, row for row, that of a worker never
killed. With `--at-once` polls under way together share transactions; their order, and with it the ids of the
entries, is then left to chance, and entries are compared without.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.poll import Polled
from aggregator.store import Store
from bench.timelapse import Captures, CaptureServer, content, play

ROOT = Path(__file__).resolve().parent.parent
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
_TITLES = """border talks chip outage vaccine trial league final storm bridge merger senate telescope battery strike
court ruling export tariff glacier festival rescue treaty launch network"""
WORDS = tuple(re.findall(r"\w+", _TITLES))


def captures(sources: int = 8, rounds: int = 12, seed: int = 1) -> Captures:
    """Return feeds over time: each round brings up to three new items and at times an edited title."""
    rng = random.Random(seed)
    found: dict[str, list[tuple[datetime, bytes]]] = {}
    for source in range(sources):
        items: list[tuple[str, str]] = []
        documents = []
        for number in range(rounds):
            for _ in range(rng.randint(0, 3)):
                items.insert(0, (f"s{source}-{number}-{len(items)}", " ".join(rng.sample(WORDS, 6))))
            if items and rng.random() < 0.3:
                position = rng.randrange(len(items))
                items[position] = (items[position][0], items[position][1] + " updated")
            shown = rng.sample(items[:20], len(items[:20]))
            documents.append((FIRST + number * timedelta(hours=2), _document(source, shown)))
        found[f"s{source}"] = documents
    return found


def _document(source: int, items: list[tuple[str, str]]) -> bytes:
    told = "".join(
        f"<item><title>{title}</title><link>https://s{source}.example/{guid}</link><guid>{guid}</guid>"
        f"<description>{title}, said officials.</description></item>"
        for guid, title in items
    )
    return f"<rss version='2.0'><channel><title>Source {source}</title>{told}</channel></rss>".encode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What so many kills came to."""

    killed: int
    acknowledged: int
    slowest_open_s: float
    findings: list[str]


def run(folder: Path, kills: int, at_once: int = 1, seed: int = 1, rounds: int = 12) -> Outcome:
    """Play until the worker was killed *kills* times, anew in another database whenever all was played."""
    rng = random.Random(seed)
    killed = acknowledged = lives = 0
    slowest = 0.0
    findings: list[str] = []
    with CaptureServer(captures(rounds=rounds, seed=seed)) as server:
        asyncio.run(play(folder / "quiet.db", server.address, concurrency=at_once))
        quiet = _comparable(folder / "quiet.db", at_once)
        while killed < kills:
            lives += 1
            life = folder / f"life{lives}"
            life.mkdir()
            db = life / "killed.db"
            while not (life / "progress.done").exists():
                child = subprocess.Popen(_command(db, server.address, life, at_once), cwd=ROOT)
                try:
                    # From the first import to some rounds later.
                    if child.wait(timeout=rng.uniform(0.3, 2.5) if killed < kills else None):
                        return Outcome(killed, acknowledged, slowest, [*findings, "the worker failed by itself"])
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
                    killed += 1
                    start = time.monotonic()
                    Store.open(db).close()
                    slowest = max(slowest, time.monotonic() - start)
                    findings += _lost(db, life / "acknowledged")
            acknowledged += len((life / "acknowledged").read_text().splitlines())
            with Store.open(db) as store:
                findings += store.faults()
            after = _comparable(db, at_once)
            findings += [f"{table} is not what it is without kills" for table in quiet if after[table] != quiet[table]]
    if slowest > 2:
        findings.append(f"opening took {slowest:.1f} s")
    return Outcome(killed, acknowledged, slowest, findings)


def _command(db: Path, server: str, life: Path, at_once: int) -> list[str]:
    return [sys.executable, "-m", "bench.kills", "worker", str(db), server, str(life), str(at_once)]


def _lost(db: Path, acknowledged: Path) -> list[str]:
    """Return what was acknowledged and is not there; the last line may have been cut off by the kill."""
    lines = acknowledged.read_text().splitlines(keepends=True) if acknowledged.exists() else []
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    found = []
    with Store.open(db) as store:
        stored: dict[str, int] = {}
        for source_id in {one["source"] for one in told}:
            stored[source_id] = len(store.entries.of_source(source_id, 10_000))
            state = store.feeds.state(source_id)
            latest = max(one["at"] for one in told if one["source"] == source_id)
            if state is None or state.last_polled_at is None or state.last_polled_at.isoformat() < latest:
                found.append(f"{source_id}: the poll of {latest} was acknowledged and is not there")
        for source_id, count in stored.items():
            due = sum(one["new"] for one in told if one["source"] == source_id)
            if count < due:
                found.append(f"{source_id}: {due} entries acknowledged, {count} there")
    return found


def _comparable(db: Path, at_once: int) -> dict[str, list[tuple[object, ...]]]:
    rows = content(db)
    if at_once == 1:
        return rows
    with Store.open(db) as store:
        entries: list[tuple[object, ...]] = [
            (e.source_id, e.identity, e.title, e.summary) for e in store.entries.each()
        ]
    return {"entries": sorted(entries, key=repr)}


async def worker(db: Path, server: str, life: Path, at_once: int) -> None:
    """Play from where the last worker was killed, and write down each poll that is committed."""
    with (life / "acknowledged").open("a") as file:

        def finished(polled: Polled) -> None:
            at = polled.state.last_polled_at
            assert at is not None
            file.write(json.dumps({"source": polled.source_id, "at": at.isoformat(), "new": polled.new}) + "\n")
            file.flush()
            os.fsync(file.fileno())

        await play(db, server, life / "progress", finished, at_once)


def main() -> int:
    """Print what came of it; return 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        start = time.monotonic()
        outcome = run(Path(name), given.kills, given.at_once, given.seed)
        took = time.monotonic() - start
    for finding in outcome.findings:
        print(f"FAIL {finding}")
    print(
        f"{outcome.killed} kills in {took:.0f} s, {outcome.acknowledged} acknowledged polls, slowest opening "
        f"{outcome.slowest_open_s * 1000:.0f} ms, {len(outcome.findings)} findings"
    )
    return int(bool(outcome.findings))


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(worker(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])))
    else:
        sys.exit(main())
