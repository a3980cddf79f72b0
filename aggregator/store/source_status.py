"""The status of sources for pages and commands: a summary of all, details of some.

The summary suffices to count, sort and filter ten thousand sources; details are read for the sources shown. `feeds`
stores the polling state.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import HostLedger, Source, SourceHealth
from aggregator.store.codec import FEED, feed_state, stamp
from aggregator.store.connection import Connection, Row
from aggregator.store.websub.subscriptions import HubSubscriptions

_WEEK = timedelta(days=7)
_FULL = f"""select {FEED}, f.polls, f.polls_unchanged, f.bytes, f.saved_bytes, s.removed_at is not null as removed
    from feeds f join sources s using (source_id) {{where}}"""


@dataclass(frozen=True, slots=True)
class SourceOutline:
    """The summary of a source."""

    source_id: str
    state: str
    """paused, gone, waiting, failing or ok."""
    host: str
    """Of the address that is polled."""
    arrivals: str
    """Its newest arrivals as JSON, if it is polled and answers; else ""."""


class SourceStatus:
    """Reads `sources` and `feeds`, and counts in `entries` and `stories`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def outlines(self) -> list[SourceOutline]:
        """Return every source that was not removed, in arbitrary order."""
        rows = self._db.rows(
            """select source_id, host, state, case when state = 'ok' then arrivals else '' end as arrivals from (
            select source_id, f.host, f.arrivals, case when enabled = 0 then 'paused' when f.gone = 1 then 'gone'
            when f.last_polled_at is null then 'waiting' when f.failures > 0 then 'failing' else 'ok' end as state
            from feeds f join sources using (source_id) where removed_at is null) as outlines"""
        )
        return [SourceOutline(row["source_id"], row["state"], row["host"], row["arrivals"]) for row in rows]

    def removed(self) -> list[Source]:
        """Return the sources that are no longer configured, by ID."""
        return [
            Source(row["source_id"], row["name"], row["url"], row["category_id"], row["owner"], enabled=False)
            for row in self._db.rows("select * from sources where removed_at is not null order by source_id")
        ]

    def rows(self, now: datetime, sources: Sequence[Source]) -> list[SourceHealth]:
        """Return the status of each of *sources*, in order, without sources that are not stored yet."""
        ids = [source.id for source in sources]
        by_source = {row["source_id"]: row for row in self._of(_FULL, ids)}
        entries = self._of(
            """select source_id, count(*) as entries, count(*) filter (where first_seen_at >= :week) as recent
            from entries {where} group by source_id""",
            ids,
            week=stamp(now - _WEEK),
        )
        counts = {row["source_id"]: row for row in entries}
        firsts = {
            row["source_id"]: row["firsts"]
            for row in self._of(
                """select source_id, count(*) as firsts from entries join stories s on s.story_id = entry_id
                {where} and s.sources >= 2 and s.merged_into is null group by source_id""",
                ids,
            )
        }
        hubs = HubSubscriptions(self._db).standings(now)
        return [
            SourceHealth(
                source=source,
                state=feed_state(row),
                entries=counts[source.id]["entries"] if source.id in counts else 0,
                recent_entries=counts[source.id]["recent"] if source.id in counts else 0,
                firsts=firsts.get(source.id, 0),
                removed=bool(row["removed"]) and not source.enabled,
                polls=row["polls"],
                unchanged=row["polls_unchanged"],
                bytes=row["bytes"],
                saved_bytes=row["saved_bytes"],
                hub=hubs.get(source.id),
            )
            for source in sources
            if (row := by_source.get(source.id)) is not None
        ]

    def _of(self, query: str, ids: Collection[str], **params: object) -> Iterable[Row]:
        where = f"where source_id in (select value from {self._db.dialect.texts('ids')})"
        return self._db.rows(query.format(where=where), {"ids": json.dumps(list(ids)), **params})

    def hosts(self) -> list[HostLedger]:
        """Return the requests to each host, the most requested first, removed sources included."""
        rows = self._db.rows(
            """select host, count(*), sum(polls), sum(polls_unchanged), sum(bytes), sum(saved_bytes),
            sum(waits_kept), sum(waited_s) from feeds group by host order by sum(polls) desc, host"""
        )
        return [
            HostLedger(host, sources, polls, unchanged, received, saved, waits, timedelta(seconds=waited))
            for host, sources, polls, unchanged, received, saved, waits, waited in rows
        ]

    def failing(self, least: int) -> dict[str, tuple[int, str]]:
        """Return the sources with at least *least* failures in a row: the number, and the last message."""
        rows = self._db.rows(
            """select source_id, failures, last_words from feeds join sources using (source_id)
            where removed_at is null and enabled = 1 and gone = 0 and failures >= :least""",
            {"least": least},
        )
        return {row["source_id"]: (row["failures"], row["last_words"]) for row in rows}

    def most_frequent_message(self) -> str:
        """Return the most frequent message of the failing sources, or ""."""
        stored = self._db.value(
            """select last_words from feeds join sources using (source_id)
            where removed_at is null and enabled = 1 and gone = 0 and failures > 0
            group by last_words order by count(*) desc, last_words limit 1"""
        )
        return str(stored or "")
