"""How much disk a site takes, how fast that grows, and when the disk is full.

The forecast is a straight line: what an entry takes on average, times how many come a day, until `retention.entries`
removes as many as come. Pictures have a limit of their own and are left out.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.site.database import is_file
from aggregator.store import Store
from aggregator.text.wording import plural, size

RECENT = timedelta(days=7)
"""The stretch over which arrivals are averaged."""

HORIZON_DAYS = 3_650
"""A disk that lasts for ten years is not forecast to the day."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What the database takes, in bytes."""

    database: int
    """The file and its write-ahead log."""
    reclaimable: int
    """Empty pages of the file; new entries use them first."""
    free: int | None
    """What is left on the disk for this user; None: the database is on a server, whose disk is not seen from here."""
    entries: int
    entries_per_day: float
    kept_days: float | None
    """How long entries are kept; None: forever."""

    @property
    def bytes_per_entry(self) -> float:
        """Return what an entry takes with its stories, scores and index; 0 without entries."""
        return max(self.database - self.reclaimable, 0) / self.entries if self.entries else 0.0

    @property
    def growth_per_day(self) -> float:
        """Return by how many bytes the file will grow in a day, 0 once as many entries go as come."""
        if self.kept_days is not None and self.entries >= self.entries_per_day * self.kept_days:
            return 0.0
        return self.bytes_per_entry * self.entries_per_day

    @property
    def days_left(self) -> float | None:
        """Return after how many days the disk is full; None if it will not be within ten years."""
        growth = self.growth_per_day
        if growth <= 0 or self.free is None:
            return None
        if self.kept_days is not None:
            still = self.bytes_per_entry * (self.entries_per_day * self.kept_days - self.entries)
            if still <= self.free + self.reclaimable:
                return None
        days = (self.free + self.reclaimable) / growth
        return days if days <= HORIZON_DAYS else None


def disk_use(store: Store, db: Path, keep: timedelta | None, now: datetime) -> DiskUse:
    """Return the disk use of the database at *db*, and what its growth over the last week says of the future.

    keep: `retention.entries`
    """
    counts = store.metrics.storage(now - RECENT)
    # A young site is judged by the days that it has.
    span = RECENT if counts.first_at is None else min(RECENT, max(now - counts.first_at, timedelta(days=1)))
    log = db.with_name(f"{db.name}-wal")
    return DiskUse(
        database=counts.bytes + (log.stat().st_size if log.exists() else 0),
        reclaimable=counts.free_bytes,
        free=shutil.disk_usage(db.absolute().parent).free if is_file() else None,
        entries=counts.entries,
        entries_per_day=counts.recent_entries / (span / timedelta(days=1)),
        kept_days=None if keep is None else keep / timedelta(days=1),
    )


def summary(use: DiskUse) -> str:
    """Return the forecast in one line."""
    now = f"{size(use.database)} for {plural(use.entries, 'entry', 'entries')}"
    if use.free is not None:
        now += f", {size(use.free)} free"
    if not use.growth_per_day:
        return f"{now}; not growing"
    growth = f"{now}; grows by {size(round(use.growth_per_day * 30))} a month"
    return f"{growth}; full in {plural(round(use.days_left), 'day')}" if use.days_left is not None else growth
