"""Two starts of the demo show the same site."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from aggregator.demo import edition as sample
from aggregator.demo.edition import Edition
from aggregator.demo.publish import feeds_yaml
from aggregator.demo.server import FeedServer
from aggregator.model.clock import SteppedClock
from groundswell.demo import play


def _entries_in_order_of_arrival(edition: Edition, folder: Path) -> list[str]:
    clock = SteppedClock(sample.STARTS_AT)
    folder.mkdir()
    feeds, db = folder / "feeds.yaml", folder / "demo.db"
    with FeedServer(edition, lambda: clock()) as server:
        feeds.write_text(feeds_yaml(edition, server.base_url, "http://127.0.0.1:8000"), encoding="utf-8")
        asyncio.run(play(feeds, db, clock, sample.STARTS_AT + timedelta(hours=1)))
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute("SELECT source_id || ' ' || title FROM entries ORDER BY entry_id").fetchall()
    return [row[0] for row in rows]


def test_entries_arrive_in_the_same_order_at_each_start(tmp_path: Path) -> None:
    edition = sample.load()
    first, second, third = (_entries_in_order_of_arrival(edition, tmp_path / name) for name in ("a", "b", "c"))

    assert len(first) > 50
    assert first == second == third
