"""Kill the worker at random moments, again and again: nothing that it acknowledged is lost, nothing comes twice.

    python -m bench.kills [--kills 100] [--at-once 1] [--seed 1] [--voter]

A server shows generated feeds that gain, edit and reorder items; a worker process polls and scores every
round and writes down each poll once it is committed. It is killed (-9) after a random time and started
again, until it was killed that often and all rounds are played. After each kill the database must open in
less than 2 s; each acknowledged poll must have its entries. In the end there are no duplicates, quick_check
and the text index's own check are content, and the database equals, row for row, that of a worker never
killed. With `--at-once` polls under way together share transactions; their order, and with it the ids of the
entries, is then left to chance, and entries are compared without. With `--voter` another process votes meanwhile on
the stories that there are, and is killed with the worker: each vote that it wrote down must be there. What follows
from votes depends on when they came, so then, too, entries alone are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
    votes: int
    """Acknowledged ones."""
    slowest_open_s: float
    findings: list[str]


def run(
    folder: Path, kills: int, at_once: int = 1, seed: int = 1, rounds: int = 12, *, voting: bool = False
) -> Outcome:
    """Play until the worker was killed *kills* times, anew in another database whenever all was played."""
    rng = random.Random(seed)
    killed = acknowledged = votes = lives = 0
    slowest = 0.0
    findings: list[str] = []
    with CaptureServer(captures(rounds=rounds, seed=seed)) as server:
        asyncio.run(play(folder / "quiet.db", server.address, concurrency=at_once))
        quiet = _comparable(folder / "quiet.db", rows=at_once == 1 and not voting)
        while killed < kills:
            lives += 1
            life = folder / f"life{lives}"
            life.mkdir()
            db = life / "killed.db"
            while not (life / "progress.done").exists():
                child = subprocess.Popen(_command(db, server.address, life, at_once), cwd=ROOT)
                voter = subprocess.Popen(_voter(db, life), cwd=ROOT) if voting else None
                try:
                    # From the first import to some rounds later.
                    if child.wait(timeout=rng.uniform(0.3, 2.5) if killed < kills else None):
                        return Outcome(killed, acknowledged, votes, slowest, [*findings, "the worker failed by itself"])
                except subprocess.TimeoutExpired:
                    child.kill()
                    if voter is not None:
                        voter.kill()
                    child.wait()
                    killed += 1
                    start = time.monotonic()
                    Store.open(db).close()
                    slowest = max(slowest, time.monotonic() - start)
                    findings += _lost(db, life / "acknowledged")
                finally:
                    if voter is not None and _end(voter):
                        findings.append("the voter failed by itself")
                findings += _votes_lost(db, life / "votes")
            acknowledged += len((life / "acknowledged").read_text().splitlines())
            with Store.open(db) as store:
                findings += store.faults()
            votes += len(_told(life / "votes"))
            after = _comparable(db, rows=at_once == 1 and not voting)
            findings += [f"{table} is not what it is without kills" for table in quiet if after[table] != quiet[table]]
    if slowest > 2:
        findings.append(f"opening took {slowest:.1f} s")
    return Outcome(killed, acknowledged, votes, slowest, findings)


def _command(db: Path, server: str, life: Path, at_once: int) -> list[str]:
    return [sys.executable, "-m", "bench.kills", "worker", str(db), server, str(life), str(at_once)]


def _voter(db: Path, life: Path) -> list[str]:
    return [sys.executable, "-m", "bench.kills", "voter", str(db), str(life)]


def _end(voter: subprocess.Popen[bytes]) -> bool:
    """End the voter, who goes on for ever; return whether it had ended by itself."""
    voter.kill()
    return voter.wait() != -signal.SIGKILL


def vote(db: Path, life: Path) -> None:
    """Vote on one story after the other, until killed; write down each vote once it is committed."""
    number = len(_told(life / "votes"))
    while not (db.exists() and (life / "acknowledged").exists()):
        time.sleep(0.02)
    with Store.open(db) as store, (life / "votes").open("a") as file:
        while True:
            stories = [story.story_id for story in store.stories.each()]
            for story_id in stories:
                number += 1
                at, up = FIRST + timedelta(seconds=number), number % 3 > 0
                store.feedback.vote(story_id, up, at)
                file.write(json.dumps({"story": story_id, "up": up, "at": at.isoformat()}) + "\n")
                file.flush()
                os.fsync(file.fileno())
                time.sleep(0.01)
            time.sleep(0.02)


def _votes_lost(db: Path, written: Path) -> list[str]:
    """Return the acknowledged votes that are not there; one that came after the last acknowledged may stand instead."""
    latest = {one["story"]: one for one in _told(written)}
    with Store.open(db) as store:
        standing = {one.story_id: one for one in store.feedback.votes()}
    found = []
    for story_id, told in latest.items():
        kept = standing.get(story_id)
        at = datetime.fromisoformat(told["at"])
        if kept is None or kept.voted_at < at or (kept.voted_at == at and kept.up != told["up"]):
            found.append(f"story {story_id}: the vote of {told['at']} was acknowledged and is not there")
    return found


def _told(written: Path) -> list[dict[str, Any]]:
    """Return the lines of what was acknowledged; the last may have been cut off by the kill."""
    lines = written.read_text().splitlines(keepends=True) if written.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _lost(db: Path, acknowledged: Path) -> list[str]:
    """Return what was acknowledged and is not there."""
    told = _told(acknowledged)
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


def _comparable(db: Path, *, rows: bool) -> dict[str, list[tuple[object, ...]]]:
    if rows:
        return content(db)
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
    parser.add_argument("--voter", action="store_true", help="vote meanwhile, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        start = time.monotonic()
        outcome = run(Path(name), given.kills, given.at_once, given.seed, voting=given.voter)
        took = time.monotonic() - start
    for finding in outcome.findings:
        print(f"FAIL {finding}")
    print(
        f"{outcome.killed} kills in {took:.0f} s, {outcome.acknowledged} acknowledged polls and "
        f"{outcome.votes} votes, slowest opening "
        f"{outcome.slowest_open_s * 1000:.0f} ms, {len(outcome.findings)} findings"
    )
    return int(bool(outcome.findings))


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(worker(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])))
    elif sys.argv[1:2] == ["voter"]:
        vote(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
