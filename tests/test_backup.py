"""A backup made during polling is a complete database with which a worker can continue."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

from aggregator.model import Story
from aggregator.store import Store
from bench._kill_polling import FIRST, captures
from bench.timelapse import CaptureServer, configuration, play
from scoring.relevance.model import load_prior
from scoring.updater import Updater


def test_a_backup_during_polling_is_consistent_and_usable(tmp_path: Path) -> None:
    db, done, copies = tmp_path / "news.db", threading.Event(), list[Path]()

    def back_up() -> None:
        while not done.is_set():
            if db.exists():
                with Store.open(db) as store:
                    copies.append(tmp_path / f"copy{len(copies)}.db")
                    store.copy_to(copies[-1], {})
            done.wait(0.02)

    thread = threading.Thread(target=back_up)
    with CaptureServer(captures(sources=4, rounds=6)) as server:
        thread.start()
        asyncio.run(play(db, server.address))
        done.set()
        thread.join()
    with Store.open(db) as store:
        identity_of = {entry.entry_id: entry.identity for entry in store.entries.each()}
    counts = []
    for copy in copies[:: max(1, len(copies) // 8)]:
        with Store.open(copy) as store:
            assert store.faults() == []
            identities = {entry.entry_id: entry.identity for entry in store.entries.each()}
            assert identities.items() <= identity_of.items()
            counts.append(len(identities))
            updater = Updater(store, configuration(server.address, ["s0", "s1", "s2", "s3"]), load_prior())
            updater.run(FIRST + timedelta(days=2))
            before = _stories(store)
            updater.rebuild(FIRST + timedelta(days=2))
            assert _stories(store) == before
    assert counts == sorted(counts)
    assert any(0 < count < len(identity_of) for count in counts), "none was made while polling"


def _stories(store: Store) -> list[tuple[Story, list[int]]]:
    return [
        (story, [entry.entry_id for entry, _ in store.memberships.of_story(story.story_id)])
        for story in store.stories.each()
    ]
