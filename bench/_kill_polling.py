"""Kill the poller and a voter: nothing acknowledged is lost, nothing is stored twice, and work continues."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.polling.poll import Polled
from aggregator.store import Store
from bench._kill_points import NO_KILL, KillableProcess, KillPoint, steps_of
from bench._tally import Tally, opened
from bench.timelapse import Captures, CaptureServer, content, play

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
MAX_LIFE_S = 1.5
_TITLES = """border talks chip outage vaccine trial league final storm bridge merger senate telescope battery strike
court ruling export tariff glacier festival rescue treaty launch network"""
WORDS = tuple(re.findall(r"\w+", _TITLES))


def run(folder: Path, kills: int, at_once: int = 1, seed: int = 1, rounds: int = 12, *, voting: bool = False) -> Tally:
    """Poll until the worker has been killed *kills* times, starting over in a new database after the last capture."""
    tally = Tally()
    with CaptureServer(captures(rounds=rounds, seed=seed)) as server:
        runs = PollingRuns(folder, server.address, at_once, random.Random(seed), voting=voting)
        while tally.killed < kills:
            runs.until_done(kills - tally.killed, tally)
    return tally


class PollingRuns:
    """The same captures polled repeatedly, compared with a worker that is never killed."""

    def __init__(self, folder: Path, server: str, at_once: int, rng: random.Random, *, voting: bool) -> None:
        self._folder = folder
        self._server = server
        self._at_once = at_once
        self._rng = rng
        self._voting = voting
        self._lives = 0
        undisturbed = self._place()
        self._worker(undisturbed, NO_KILL).wait()
        self._steps = steps_of(undisturbed)
        self._undisturbed = self._comparable(undisturbed)

    def until_done(self, kills: int, tally: Tally) -> None:
        """Poll all captures into a new database with at most *kills* kills, and check the result."""
        place = self._place()
        left = kills
        while not (place / "progress.done").exists():
            killed = self._run(place, self._steps.draw_kill(self._rng, MAX_LIFE_S, 0.25) if left else NO_KILL, tally)
            tally.killed += killed
            left -= killed
        tally.acknowledged += len(_read_records(place / "acknowledged"))
        tally.votes += len(_read_records(place / "votes"))
        with Store.open(place / "news.db") as store:
            tally.findings += store.faults()
        after = self._comparable(place)
        tally.findings += [
            f"{table} differs from a run without kills"
            for table, rows in self._undisturbed.items()
            if after[table] != rows
        ]

    def _run(self, place: Path, kill: KillPoint, tally: Tally) -> bool:
        """Let a worker run until it is killed or done; return whether it was killed."""
        worker = self._worker(place, kill)
        voter = KillableProcess(NO_KILL, place, vote, place) if self._voting else None
        killed = worker.wait()
        if voter is not None and not voter.end():
            tally.findings.append("the voter ended by itself")
        if killed and (place / "news.db").exists():
            with opened(place / "news.db", tally) as store:
                tally.findings += _missing_polls(store, _read_records(place / "acknowledged"))
                tally.findings += _missing_votes(store, _read_records(place / "votes"))
        return killed

    def _place(self) -> Path:
        place = self._folder / f"life{self._lives}"
        place.mkdir()
        self._lives += 1
        return place

    def _worker(self, place: Path, kill: KillPoint) -> KillableProcess:
        return KillableProcess(kill, place, work, place, self._server, self._at_once)

    def _comparable(self, place: Path) -> dict[str, list[tuple[object, ...]]]:
        """Return the rows that must be equal: every row, or only the entries if timing decides their order."""
        if self._at_once == 1 and not self._voting:
            return content(place / "news.db")
        with Store.open(place / "news.db") as store:
            entries: list[tuple[object, ...]] = [
                (e.source_id, e.identity, e.title, e.summary) for e in store.entries.each()
            ]
        return {"entries": sorted(entries, key=repr)}


def captures(sources: int = 8, rounds: int = 12, seed: int = 1) -> Captures:
    """Return feeds over time: each round adds up to three items and sometimes edits a title."""
    rng = random.Random(seed)
    captured: dict[str, list[tuple[datetime, bytes]]] = {}
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
        captured[f"s{source}"] = documents
    return captured


def _document(source: int, items: list[tuple[str, str]]) -> bytes:
    markup = "".join(
        f"<item><title>{title}</title><link>https://s{source}.example/{guid}</link><guid>{guid}</guid>"
        f"<description>{title}, said officials.</description></item>"
        for guid, title in items
    )
    return f"<rss version='2.0'><channel><title>Source {source}</title>{markup}</channel></rss>".encode()


# The processes that are killed


def work(place: Path, server: str, at_once: int) -> None:
    """Continue where the last worker was killed, and log each poll until_done it is committed."""
    with (place / "acknowledged").open("ab") as file:

        def finished(polled: Polled) -> None:
            at = polled.state.last_polled_at
            assert at is not None
            _append_record(file.fileno(), {"source": polled.source_id, "at": at.isoformat(), "new": polled.new})

        asyncio.run(play(place / "news.db", server, place / "progress", finished, at_once))


def vote(place: Path) -> None:
    """Vote on one story after the other until killed, and log each vote until_done it is committed."""
    number = len(_read_records(place / "votes"))
    while not (place / "acknowledged").exists() or not (place / "news.db").exists():
        time.sleep(0.02)
    with Store.open(place / "news.db") as store, (place / "votes").open("ab") as file:
        while True:
            for story in list(store.stories.each()):
                number += 1
                at, up = FIRST + timedelta(seconds=number), number % 3 > 0
                store.feedback.vote(story.story_id, up, at)
                _append_record(file.fileno(), {"story": story.story_id, "up": up, "at": at.isoformat()})
                time.sleep(0.01)
            time.sleep(0.02)


def _append_record(file: int, what: dict[str, object]) -> None:
    os.write(file, json.dumps(what).encode() + b"\n")
    os.fsync(file)


def _read_records(written: Path) -> list[dict[str, Any]]:
    """Return the acknowledged records; the kill may have cut off the last line."""
    lines = written.read_text().splitlines(keepends=True) if written.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


# Checks


def _missing_polls(store: Store, reports: list[dict[str, Any]]) -> list[str]:
    """Return what was acknowledged but is missing."""
    results = []
    for source_id in sorted({report["source"] for report in reports}):
        state = store.feeds.state(source_id)
        latest = max(record["at"] for record in reports if record["source"] == source_id)
        if state is None or state.last_polled_at is None or state.last_polled_at.isoformat() < latest:
            results.append(f"{source_id}: the poll of {latest} was acknowledged but is missing")
        due = sum(record["new"] for record in reports if record["source"] == source_id)
        if (count := len(store.entries.of_source(source_id, 10_000))) < due:
            results.append(f"{source_id}: {due} entries acknowledged, {count} stored")
    return results


def _missing_votes(store: Store, reports: list[dict[str, Any]]) -> list[str]:
    """Return the acknowledged votes that are missing; a newer, unacknowledged vote on the story may replace one."""
    standing = {report.story_id: report for report in store.feedback.votes()}
    results = []
    for story_id, record in {record["story"]: record for record in reports}.items():
        stored = standing.get(story_id)
        at = datetime.fromisoformat(record["at"])
        if stored is None or stored.voted_at < at or (stored.voted_at == at and stored.up != record["up"]):
            results.append(f"story {story_id}: the vote of {record['at']} was acknowledged but is missing")
    return results
