"""Months of recorded captures, polled at their times: nothing lost, nothing stored twice, even with kills."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from aggregator.store import Store
from bench.timelapse import CaptureServer, content, play, play_killed, read_captures

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT.parent / "shared" / "data" / "feeds" / "timelapse" / "news17_2020.tar.xz"
KILLS = 20

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ARCHIVE.exists(), reason="the captures are not beside this checkout"),
]


def test_two_months_of_seventeen_sites_polled_twice(tmp_path: Path) -> None:
    """README of the captures: 32,653 distinct IDs; bench/timelapse.py finds the sources' own IDs."""
    captures = read_captures(ARCHIVE, rounds=16)
    db = tmp_path / "g.db"
    with CaptureServer(captures) as server:
        asyncio.run(play(db, server.address))
        once = content(db)
        asyncio.run(play(db, server.address))
        twice = content(db)
    for table in ("entries", "entry_edits", "memberships", "ledger"):
        assert once[table] == twice[table], table
    with Store.open(db) as store:
        assert store.faults() == []


def test_twenty_kills_leave_the_same_database(tmp_path: Path) -> None:
    captures = read_captures(ARCHIVE, sources=("bbc", "cnn", "nytimes", "rnz", "straittimes"), rounds=24)
    with CaptureServer(captures) as server:
        asyncio.run(play(tmp_path / "quiet.db", server.address))
        killed = play_killed(tmp_path / "killed.db", server.address, tmp_path, KILLS, random.Random(20))
    assert killed > 0
    quiet, after = content(tmp_path / "quiet.db"), content(tmp_path / "killed.db")
    assert quiet.keys() == after.keys()
    for table, rows in quiet.items():
        assert after[table] == rows, table
    with Store.open(tmp_path / "killed.db") as store:
        assert store.faults() == []
