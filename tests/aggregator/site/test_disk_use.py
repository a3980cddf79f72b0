"""The forecast of disk use, and compacting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli.database import compact_if_worthwhile
from aggregator.model import Draft, Source
from aggregator.site.disk_use import DiskUse, disk_use, summary
from aggregator.store import Arrival, Store
from groundswell.cli import cli

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GB = 1_000_000_000
GROWING = DiskUse(2 * GB, 0, 10 * GB, entries=1_000_000, entries_per_day=10_000, kept_days=None)


@pytest.mark.parametrize(
    ("use", "growth_mb", "days"),
    [
        (GROWING, 20, 500),
        (replace(GROWING, reclaimable=GB), 10, 1_100),
        (replace(GROWING, free=1_000 * GB), 20, None),
        (replace(GROWING, entries_per_day=0), 0, None),
        (replace(GROWING, database=0, entries=0), 0, None),
        # Retention removes as many as arrive.
        (replace(GROWING, kept_days=100), 0, None),
        # It takes effect before the disk is full.
        (replace(GROWING, kept_days=365), 20, None),
        # It would, but the disk is full before.
        (replace(GROWING, kept_days=3_650), 20, 500),
    ],
)
def test_the_forecast_is_a_straight_line_up_to_retention(use: DiskUse, growth_mb: float, days: float | None) -> None:
    assert use.growth_per_day == pytest.approx(growth_mb * 1e6)
    assert use.days_left == (None if days is None else pytest.approx(days))


def test_the_forecast_in_one_line() -> None:
    assert summary(GROWING) == "2 GB for 1,000,000 entries, 10 GB free; grows by 600 MB a month; full in 500 days"
    assert summary(replace(GROWING, entries_per_day=0)).endswith("; not growing")


def fill(store: Store, count: int, at: datetime, text: str = "") -> None:
    arrivals = [
        Arrival(Draft(f"{at}{n}", "", f"Title {n}", text), f"{at}{n}", "", digest="", word_count=1)
        for n in range(count)
    ]
    with store.transaction():
        store.feeds.sync([Source(id="wire", name="Wire", url="https://wire.example/feed", category="ai")], NOON)
        store.entries.add("wire", arrivals, at)


def test_arrivals_are_averaged_over_a_week_or_the_days_there_are(tmp_path: Path) -> None:
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        assert disk_use(store, db, None, NOON).entries_per_day == 0
        fill(store, 20, NOON)
        assert disk_use(store, db, None, NOON + 2 * DAY).entries_per_day == pytest.approx(10)
        fill(store, 70, NOON + 30 * DAY)
        use = disk_use(store, db, None, NOON + 31 * DAY)
    assert use.entries == 90
    assert use.entries_per_day == pytest.approx(10)
    assert use.database >= db.stat().st_size


def test_space_that_retention_frees_goes_back_to_the_disk(tmp_path: Path) -> None:
    db, feeds = tmp_path / "news.db", tmp_path / "feeds.yaml"
    with Store.open(db) as store:
        # Long words: their size counts, and each costs time in the text index.
        fill(store, 3_000, NOON, f"{'word' * 75} " * 50)
        fill(store, 10, NOON + 40 * DAY)
        assert compact_if_worthwhile(store, db, NOON) == 0, "nothing is free"
        before = db.stat().st_size
        with store.transaction():
            store.entries.prune(NOON + DAY)
        assert compact_if_worthwhile(store, db, NOON) > before / 2
        assert db.stat().st_size < before / 2
        assert store.entries.count() == 10
        assert store.faults() == []
    feeds.write_text(
        "categories: [{id: ai, name: AI}]\n"
        "sources: [{id: wire, url: 'https://wire.example/feed', category: ai}]\n"
        "retention: {entries: 5d}\n"
    )
    done = CliRunner().invoke(cli, ["prune", "--compact", "--feeds", str(feeds), "--db", str(db)])
    assert done.exit_code == 0, done.output
    assert "to the disk" in done.output
    assert "disk: " in CliRunner().invoke(cli, ["check", "--feeds", str(feeds), "--db", str(db)]).output
