"""Figures of the running program, summed from what is stored anyway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, moment_or_none, stamp
from aggregator.store.connection import Connection

_MOST_HOSTS = 500


@dataclass(frozen=True, slots=True)
class HostCounts:
    """What asking one host came to, since the first poll."""

    host: str
    requests: int
    unchanged: int
    bytes: int
    saved_bytes: int
    waits_kept: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """What `/metrics` tells."""

    sources: Mapping[str, int]
    """How many there are, by state: ok, failing, gone, waiting, paused."""
    polls: int
    """Ever; those of removed sources count too."""
    outcomes: Mapping[str, int]
    """Of the polls of the last 24 hours that brought a document or failed: how many, by kind."""
    due: int
    most_overdue_at: datetime | None
    """Since when the source that waits longest is due; None: none is due."""
    arrivals: tuple[tuple[int, ...], ...]
    """When the newest entries of each source came that is asked, as `rhythm.silence` takes them."""
    entries: int
    """Ever stored."""
    newest_at: datetime | None
    """When the newest entry or edit came."""
    views: int
    hosts: tuple[HostCounts, ...]
    """Those with the most requests first, at most 500."""


@dataclass(frozen=True, slots=True)
class StorageCounts:
    """What the file of the database holds."""

    bytes: int
    free_bytes: int
    """Of those: pages that hold nothing."""
    entries: int
    recent_entries: int
    first_at: datetime | None
    """When the oldest entry came."""


LAG_BOUNDS_S = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Upper bounds of the buckets of `Metrics.publication_lags`, in seconds."""


class Metrics:
    """Sums over `feeds`, `polls`, `entries` and `views`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def sources(self) -> dict[str, int]:
        """Return how many sources there are, by state; none that was removed."""
        rows = self._db.rows(
            """select case when enabled = 0 then 'paused' when f.gone = 1 then 'gone'
            when f.last_polled_at is null then 'waiting' when f.failures > 0 then 'failing' else 'ok' end as state,
            count(*) as sources
            from feeds f join sources using (source_id) where removed_at is null group by 1"""
        )
        return {row["state"]: row["sources"] for row in rows}

    def figures(self, now: datetime) -> SiteCounts:
        """Return all figures at *now*; some milliseconds for a thousand sources."""
        polled_feeds = "from feeds f join sources using (source_id) where removed_at is null"
        due = self._db.row(
            f"""select count(*), min(coalesce(f.next_poll_at, '')) {polled_feeds} and enabled = 1 and f.gone = 0
            and coalesce(f.next_poll_at, '') <= :now""",
            {"now": stamp(now)},
        )
        outcomes = self._db.rows(
            "select kind, count(*) as polls from polls where at >= :day group by kind",
            {"day": stamp(now - timedelta(days=1))},
        )
        arrivals = self._db.rows(f"select f.arrivals {polled_feeds} and enabled = 1 and f.gone = 0")
        newest = self._db.value(
            """select max(m) from (select max(first_seen_at) as m from entries
            union all select max(at) from entry_edits) as moments"""
        )
        return SiteCounts(
            sources=self.sources(),
            polls=int(self._db.value("select coalesce(sum(polls), 0) from feeds")),
            outcomes={row["kind"]: row["polls"] for row in outcomes},
            due=due[0] if due else 0,
            # A source that was never asked is due, and since no moment.
            most_overdue_at=moment_or_none((due[1] or None) if due else None),
            arrivals=tuple(tuple(json.loads(row["arrivals"])) for row in arrivals),
            entries=int(self._db.value("select max(entry_id) from entries") or 0),
            newest_at=moment_or_none(newest),
            views=int(self._db.value("select coalesce(sum(people), 0) from views")),
            hosts=self._hosts(),
        )

    def storage(self, since: datetime) -> StorageCounts:
        """Return the size of the file, and how many entries came after *since*."""
        used, free = self._db.maintenance.size()
        return StorageCounts(
            bytes=used,
            free_bytes=free,
            entries=int(self._db.value("select count(*) from entries")),
            recent_entries=int(
                self._db.value("select count(*) from entries where first_seen_at > :since", {"since": stamp(since)})
            ),
            first_at=moment_or_none(self._db.value("select min(first_seen_at) from entries")),
        )

    def publication_lags(self, since: datetime) -> tuple[list[int], int, float]:
        """Return how late entries were stored that came after *since* and state when they were published.

        (count up to each of LAG_BOUNDS_S, count in all, their sum in seconds); backlogs are left out.
        """
        lags = self._db.rows(
            """select first_seen_at, published_at from entries
            where first_seen_at > :since and published_at is not null and backlog = 0""",
            {"since": stamp(since)},
        )
        seconds = [
            max((moment(row["first_seen_at"]) - moment(row["published_at"])).total_seconds(), 0.0) for row in lags
        ]
        return [sum(lag <= bound for lag in seconds) for bound in LAG_BOUNDS_S], len(seconds), sum(seconds)

    def _hosts(self) -> tuple[HostCounts, ...]:
        rows = self._db.rows(
            """select host, sum(polls), sum(polls_unchanged), sum(bytes), sum(saved_bytes), sum(waits_kept),
            sum(waited_s) from feeds group by host order by sum(polls) desc, host limit :most""",
            {"most": _MOST_HOSTS},
        )
        return tuple(HostCounts(*row) for row in rows)
