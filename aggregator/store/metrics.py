"""Metrics of the running program, aggregated from stored data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, moment_or_none, stamp
from aggregator.store.connection import Connection

_MAX_HOSTS = 500


@dataclass(frozen=True, slots=True)
class HostCounts:
    """Requests to one host since the first poll."""

    host: str
    requests: int
    unchanged: int
    bytes: int
    saved_bytes: int
    waits_kept: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """The values of `/metrics`."""

    sources: Mapping[str, int]
    """Number by state: ok, failing, gone, waiting, paused."""
    polls: int
    """In total, removed sources included."""
    outcomes: Mapping[str, int]
    """Polls of the last 24 hours with a document or a failure, by kind."""
    due: int
    most_overdue_at: datetime | None
    """Due time of the longest overdue source; None if none is due."""
    arrivals: tuple[tuple[int, ...], ...]
    """Newest arrivals of each polled source, as `cadence` uses them."""
    entries: int
    """Entries ever stored."""
    newest_at: datetime | None
    """Time of the newest entry or edit."""
    views: int
    hosts: tuple[HostCounts, ...]
    """Most requests first, at most 500."""


@dataclass(frozen=True, slots=True)
class StorageCounts:
    """Size and content of the database file."""

    bytes: int
    free_bytes: int
    """Of those, free pages."""
    entries: int
    recent_entries: int
    first_at: datetime | None
    """Time of the oldest entry."""


LAG_BOUNDS_S = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Upper bounds of the buckets of `Metrics.publication_lags`, in seconds."""


class Metrics:
    """Sums over `feeds`, `polls`, `entries` and `views`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def sources(self) -> dict[str, int]:
        """Return the number of sources by state, without removed ones."""
        rows = self._db.rows(
            """select case when enabled = 0 then 'paused' when f.gone = 1 then 'gone'
            when f.last_polled_at is null then 'waiting' when f.failures > 0 then 'failing' else 'ok' end as state,
            count(*) as sources
            from feeds f join sources using (source_id) where removed_at is null group by 1"""
        )
        return {row["state"]: row["sources"] for row in rows}

    def figures(self, now: datetime) -> SiteCounts:
        """Return all values at *now*; some milliseconds for a thousand sources."""
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
            # A source that was never polled is due, without a due time.
            most_overdue_at=moment_or_none((due[1] or None) if due else None),
            arrivals=tuple(tuple(json.loads(row["arrivals"])) for row in arrivals),
            entries=int(self._db.value("select max(entry_id) from entries") or 0),
            newest_at=moment_or_none(newest),
            views=int(self._db.value("select coalesce(sum(people), 0) from views")),
            hosts=self._hosts(),
        )

    def storage(self, since: datetime) -> StorageCounts:
        """Return the size of the file, and the number of entries after *since*."""
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
        """Return the delays of entries after *since* that state their date of publication.

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
            {"most": _MAX_HOSTS},
        )
        return tuple(HostCounts(*row) for row in rows)
