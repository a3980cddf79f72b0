"""Kill what polls, and who votes meanwhile: what was acknowledged is there, nothing comes twice, all goes on."""

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
from bench._deaths import PEACEFUL, Death, Life, steps_of
from bench._tally import Tally, opened
from bench.timelapse import Captures, CaptureServer, content, play

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
LONGEST_S = 1.5
_TITLES = """border talks chip outage vaccine trial league final storm bridge merger senate telescope battery strike
court ruling export tariff glacier festival rescue treaty launch network"""
WORDS = tuple(re.findall(r"\w+", _TITLES))


def run(folder: Path, kills: int, at_once: int = 1, seed: int = 1, rounds: int = 12, *, voting: bool = False) -> Tally:
    """Play until the worker was killed *kills* times, anew in another database whenever all was played."""
    tally = Tally()
    with CaptureServer(captures(rounds=rounds, seed=seed)) as server:
        play_ = Play(folder, server.address, at_once, random.Random(seed), voting=voting)
        while tally.killed < kills:
            play_.once(kills - tally.killed, tally)
    return tally


class Play:
    """The same feeds polled over and over, held against a worker that was left alone."""

    def __init__(self, folder: Path, server: str, at_once: int, rng: random.Random, *, voting: bool) -> None:
        self._folder = folder
        self._server = server
        self._at_once = at_once
        self._rng = rng
        self._voting = voting
        self._lives = 0
        quiet = self._place()
        self._worker(quiet, PEACEFUL).wait()
        self._steps = steps_of(quiet)
        self._quiet = self._comparable(quiet)

    def once(self, kills: int, tally: Tally) -> None:
        """Play all in a new database, killed *kills* times at most, and see what came of it."""
        place = self._place()
        left = kills
        while not (place / "progress.done").exists():
            killed = self._live(place, self._steps.death(self._rng, LONGEST_S, 0.25) if left else PEACEFUL, tally)
            tally.killed += killed
            left -= killed
        tally.acknowledged += len(_told(place / "acknowledged"))
        tally.votes += len(_told(place / "votes"))
        with Store.open(place / "news.db") as store:
            tally.findings += store.faults()
        after = self._comparable(place)
        tally.findings += [f"{t} is not what it is without kills" for t in self._quiet if after[t] != self._quiet[t]]

    def _live(self, place: Path, death: Death, tally: Tally) -> bool:
        """Let a worker live until its death, or until all is played; return whether it was killed."""
        worker = self._worker(place, death)
        voter = Life(PEACEFUL, place, vote, place) if self._voting else None
        killed = worker.wait()
        if voter is not None and not voter.end():
            tally.findings.append("the voter ended by itself")
        if killed and (place / "news.db").exists():
            with opened(place / "news.db", tally) as store:
                tally.findings += _lost(store, _told(place / "acknowledged"))
                tally.findings += _votes_lost(store, _told(place / "votes"))
        return killed

    def _place(self) -> Path:
        place = self._folder / f"life{self._lives}"
        place.mkdir()
        self._lives += 1
        return place

    def _worker(self, place: Path, death: Death) -> Life:
        return Life(death, place, work, place, self._server, self._at_once)

    def _comparable(self, place: Path) -> dict[str, list[tuple[object, ...]]]:
        """Return what must be equal: every row, or entries alone where chance decided their order."""
        if self._at_once == 1 and not self._voting:
            return content(place / "news.db")
        with Store.open(place / "news.db") as store:
            entries: list[tuple[object, ...]] = [
                (e.source_id, e.identity, e.title, e.summary) for e in store.entries.each()
            ]
        return {"entries": sorted(entries, key=repr)}


def captures(sources: int = 8, rounds: int = 12, seed: int = 1) -> Captures:
    """Return feeds over time: each round brings up to three new items and at times an edited title."""
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


# What dies


def work(place: Path, server: str, at_once: int) -> None:
    """Play from where the last worker was killed, and write down each poll that is committed."""
    with (place / "acknowledged").open("ab") as file:

        def finished(polled: Polled) -> None:
            at = polled.state.last_polled_at
            assert at is not None
            _tell(file.fileno(), {"source": polled.source_id, "at": at.isoformat(), "new": polled.new})

        asyncio.run(play(place / "news.db", server, place / "progress", finished, at_once))


def vote(place: Path) -> None:
    """Vote on one story after the other, until killed; write down each vote once it is committed."""
    number = len(_told(place / "votes"))
    while not (place / "acknowledged").exists() or not (place / "news.db").exists():
        time.sleep(0.02)
    with Store.open(place / "news.db") as store, (place / "votes").open("ab") as file:
        while True:
            for story in list(store.stories.each()):
                number += 1
                at, up = FIRST + timedelta(seconds=number), number % 3 > 0
                store.feedback.vote(story.story_id, up, at)
                _tell(file.fileno(), {"story": story.story_id, "up": up, "at": at.isoformat()})
                time.sleep(0.01)
            time.sleep(0.02)


def _tell(file: int, what: dict[str, object]) -> None:
    os.write(file, json.dumps(what).encode() + b"\n")
    os.fsync(file)


def _told(written: Path) -> list[dict[str, Any]]:
    """Return the lines of what was acknowledged; the last may have been cut off by the kill."""
    lines = written.read_text().splitlines(keepends=True) if written.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


# What is looked for


def _lost(store: Store, reports: list[dict[str, Any]]) -> list[str]:
    """Return what was acknowledged and is not there."""
    results = []
    for source_id in sorted({report["source"] for report in reports}):
        state = store.feeds.state(source_id)
        latest = max(record["at"] for record in reports if record["source"] == source_id)
        if state is None or state.last_polled_at is None or state.last_polled_at.isoformat() < latest:
            results.append(f"{source_id}: the poll of {latest} was acknowledged and is not there")
        due = sum(record["new"] for record in reports if record["source"] == source_id)
        if (count := len(store.entries.of_source(source_id, 10_000))) < due:
            results.append(f"{source_id}: {due} entries acknowledged, {count} there")
    return results


def _votes_lost(store: Store, reports: list[dict[str, Any]]) -> list[str]:
    """Return the acknowledged votes that are not there; one that came after the last acknowledged may stand instead."""
    standing = {report.story_id: report for report in store.feedback.votes()}
    results = []
    for story_id, record in {record["story"]: record for record in reports}.items():
        kept = standing.get(story_id)
        at = datetime.fromisoformat(record["at"])
        if kept is None or kept.voted_at < at or (kept.voted_at == at and kept.up != record["up"]):
            results.append(f"story {story_id}: the vote of {record['at']} was acknowledged and is not there")
    return results
