"""Sources and their polling state."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.model import DocumentMemory, FeedState, Source, SourceHealth
from aggregator.store.cluster.leases import SHARDS
from aggregator.store.codec import FEED, as_json, feed_state, hints_text, moment, shifted, stamp, stamp_or_none
from aggregator.store.connection import Connection, upsert
from aggregator.store.source_status import SourceStatus
from aggregator.text.urls import host

_MAX_WAIT = timedelta(hours=25)

# PostgreSQL has no statistics of a partial index and guesses how many feeds fit: a third for an inequality, one of 200
# for an equation. Where it expects less than the limit it reads all feeds and sorts. So there are no equations here,
# nor a join, which it turns round where it takes `sources` for empty, as after the first sync.
_DUE = f"""select {FEED} from feeds f where f.gone = 0 and {{}}
    and (select s.enabled from sources s where s.source_id = f.source_id and s.removed_at is null) > 0
    and f.host not in (select value from {{}}) {{}}
    order by coalesce(f.next_poll_at, ''), f.source_id limit :limit"""
"""Two queries instead of an `or`, so that each scans the index `feeds_due` and stops when it has enough."""


@dataclass(frozen=True, slots=True)
class PollRecord:
    """The result of one poll, for the log of polls."""

    at: datetime
    kind: str
    message: str
    status: int | None
    bytes: int = 0
    new: int = 0
    edited: int = 0
    requests: int = 1
    """0 for a delivery by a hub."""


_as_compact_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Feeds:
    """`sources`, `feeds` and `polls`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def sync(self, sources: Sequence[Source], now: datetime) -> None:
        """Set the configured sources; a source with a new address is due at once.

        A source that was removed from the configuration keeps its entries and history.
        """
        ids = {source.id for source in sources}
        with self._db.transaction():
            stored = {row["source_id"]: row for row in self._db.rows("select * from sources")}
            for source_id in stored.keys() - ids:
                self._db.run(
                    "update sources set removed_at = :now where source_id = :id and removed_at is null",
                    {"id": source_id, "now": stamp(now)},
                )
            rows, new, moved = [], [], []
            for position, source in enumerate(sources):
                row = {
                    "source_id": source.id,
                    "name": source.name,
                    "url": source.url,
                    "owner": source.owner,
                    "category_id": source.category,
                    "position": position,
                    "enabled": int(source.enabled),
                    "removed_at": None,
                }
                before = stored.get(source.id)
                # With 100,000 sources, a change of one must not write them all.
                if before is None or any(before[column] != value for column, value in row.items()):
                    rows.append(row)
                place: dict[str, Any] = {"source_id": source.id, "url": source.url, "host": host(source.url)}
                if before is None:
                    new.append({**place, "interval_s": _first_interval(source).total_seconds()})
                elif before["url"] != source.url:
                    moved.append(place)
            columns = ("name", "url", "owner", "category_id", "position", "enabled", "removed_at")
            self._db.run_many(upsert("sources", ("source_id",), columns), rows)
            self._db.run_many(
                "insert into feeds (source_id, url, host, interval_s) values (:source_id, :url, :host, :interval_s)",
                new,
            )
            # Another address is another document, so the hints of the old one are void.
            self._db.run_many(
                """update feeds set url = :url, host = :host, etag = '', last_modified = '',
                next_poll_at = null, failures = 0, gone = 0, move_seen_to = '', document_bytes = 0,
                hints = '{}', fresh_for_s = null, format_before = '', format_changed_at = null,
                moved_from = '', moved_at = null where source_id = :source_id""",
                moved,
            )

    def state(self, source_id: str) -> FeedState | None:
        """Return the polling state of a source, or None for an unknown one."""
        row = self._db.row(f"select {FEED} from feeds f where source_id = :id", {"id": source_id})
        return None if row is None else feed_state(row)

    def due(
        self,
        now: datetime,
        limit: int = 1000,
        resting_hosts: Collection[str] = (),
        shards: Collection[int] | None = None,
    ) -> list[FeedState]:
        """Return the enabled feeds that are due at *now*, the longest overdue first, none of *resting_hosts*.

        shards: the shards of hosts to consider (`PollLeases`); None: all

        A time further away than any wait can be was set under another clock, and counts as due.
        """
        resting = self._db.dialect.texts("resting_hosts")
        leased = ""
        if shards is not None:
            # A digit for each shard, not a list: PostgreSQL would hash the host again for each item of a list.
            leased = f"and substr(cast(:shards as text), {self._db.dialect.shard('f.host')} + 1, 1) > '0'"
        parameters = {
            "now": stamp(now),
            "horizon": stamp(now + _MAX_WAIT),
            "limit": limit,
            "resting_hosts": as_json(list(resting_hosts)),
        }
        if shards is not None:
            parameters["shards"] = "".join("1" if shard in shards else "0" for shard in range(SHARDS))
        rows = self._db.rows(_DUE.format("coalesce(f.next_poll_at, '') <= :now", resting, leased), parameters)
        if len(rows) < limit:
            rows += self._db.rows(_DUE.format("coalesce(f.next_poll_at, '') > :horizon", resting, leased), parameters)
        return [feed_state(row) for row in rows[:limit]]

    def hubs(self, source_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return, for those of these sources whose feed names a hub, the hub and its topic URL."""
        hub = self._db.dialect.json_text("hints", "hub")
        rows = self._db.rows(
            f"""select source_id, url, {hub} as hub, {self._db.dialect.json_text("hints", "topic")} as topic from feeds
            where gone = 0 and {hub} != ''"""
        )
        return {
            row["source_id"]: (row["hub"], row["topic"] or row["url"]) for row in rows if row["source_id"] in source_ids
        }

    def pollable(self, now: datetime) -> set[str]:
        """Return the sources that may be polled at *now* even if not due: none that is gone, or requested a wait."""
        rows = self._db.rows(
            """select source_id from feeds where gone = 0
            and not (coalesce(last_status, 0) in (429, 503) and coalesce(next_poll_at, '') > :now)""",
            {"now": stamp(now)},
        )
        return {row["source_id"] for row in rows}

    def make_due(self, source_ids: Iterable[str]) -> None:
        """Make these sources due at once, even if their feed is gone."""
        self._db.run_many(
            "update feeds set next_poll_at = null, gone = 0 where source_id = :id",
            [{"id": source_id} for source_id in source_ids],
        )

    def reschedule(self, states: Iterable[FeedState]) -> None:
        """Store the interval and the next poll of these feeds."""
        self._db.run_many(
            "update feeds set next_poll_at = :moment, interval_s = :interval where source_id = :id",
            [
                {
                    "id": state.source_id,
                    "moment": stamp_or_none(state.next_poll_at),
                    "interval": state.interval.total_seconds(),
                }
                for state in states
            ],
        )

    def shift_schedule(self, step: timedelta) -> None:
        """Move the due time of every feed by *step*, by which the system clock was set."""
        rows = self._db.rows("select source_id, next_poll_at from feeds where next_poll_at is not null")
        self._db.run_many(
            "update feeds set next_poll_at = :moment where source_id = :id",
            [{"id": row["source_id"], "moment": shifted(row["next_poll_at"], step)} for row in rows],
        )

    def record(self, state: FeedState, poll: PollRecord) -> None:
        """Store *state* and the result of the poll; part of the transaction of its entries."""
        unchanged = poll.kind == "not modified"
        if unchanged and state.moved_at != poll.at:
            self._record_unchanged(state, poll)
            return
        self._db.run(
            """update feeds set url = :url, host = :host, etag = :etag, last_modified = :last_modified,
            next_poll_at = :next_poll_at, interval_s = :interval_s, failures = :failures, gone = :gone,
            move_seen_to = :move_seen_to, last_polled_at = :last_polled_at, last_ok_at = :last_ok_at,
            last_new_at = :last_new_at, last_kind = :last_kind, last_words = :last_words,
            last_status = :last_status, polls = polls + :requests, polls_unchanged = polls_unchanged + :unchanged,
            bytes = bytes + :bytes, saved_bytes = saved_bytes + case when :unchanged = 1 then document_bytes else 0 end,
            document_bytes = case when :kind = 'fetched' then :bytes else document_bytes end, waits_kept = :waits_kept,
            waited_s = :waited, hints = :hints, fresh_for_s = :fresh_for, arrivals = :arrivals,
            format_before = :format_before, format_changed_at = :format_changed_at, moved_from = :moved_from,
            moved_at = :moved_at where source_id = :source_id""",
            {
                "source_id": state.source_id,
                "url": state.url,
                "host": host(state.url),
                "etag": state.validators.etag,
                "last_modified": state.validators.last_modified,
                "next_poll_at": stamp_or_none(state.next_poll_at),
                "interval_s": state.interval.total_seconds(),
                "failures": state.failures,
                "gone": state.gone,
                "move_seen_to": state.move_seen_to,
                "last_polled_at": stamp_or_none(state.last_polled_at),
                "last_ok_at": stamp_or_none(state.last_ok_at),
                "last_new_at": stamp_or_none(state.last_new_at),
                "last_kind": state.last_kind,
                "last_words": state.last_message,
                "last_status": state.last_status,
                "unchanged": unchanged,
                "kind": poll.kind,
                "requests": poll.requests,
                "bytes": poll.bytes,
                "waits_kept": state.waits_kept,
                "waited": state.waited.total_seconds(),
                "hints": hints_text(state.hints),
                "fresh_for": None if state.fresh_for is None else state.fresh_for.total_seconds(),
                "arrivals": _as_compact_json(state.arrivals),
                "format_before": state.format_before,
                "format_changed_at": stamp_or_none(state.format_changed_at),
                "moved_from": state.moved_from,
                "moved_at": stamp_or_none(state.moved_at),
            },
        )
        if not unchanged:
            self._db.run(
                """insert into polls (source_id, at, kind, words, status, bytes, new, edited)
                values (:source_id, :at, :kind, :words, :status, :bytes, :new, :edited)""",
                {
                    "source_id": state.source_id,
                    "at": stamp(poll.at),
                    "kind": poll.kind,
                    "words": poll.message,
                    "status": poll.status,
                    "bytes": poll.bytes,
                    "new": poll.new,
                    "edited": poll.edited,
                },
            )

    def _record_unchanged(self, state: FeedState, poll: PollRecord) -> None:
        """Store a 304, without the columns that only a document or a move can change."""
        now = stamp(poll.at)
        self._db.run(
            """update feeds set next_poll_at = ?, interval_s = ?, failures = 0, gone = 0, move_seen_to = ?,
            last_polled_at = ?, last_ok_at = ?, last_kind = ?, last_words = ?, last_status = ?, polls = polls + ?,
            polls_unchanged = polls_unchanged + 1, saved_bytes = saved_bytes + document_bytes, waits_kept = ?,
            waited_s = ?, fresh_for_s = ? where source_id = ?""",
            (
                stamp_or_none(state.next_poll_at),
                state.interval.total_seconds(),
                state.move_seen_to,
                now,
                now,
                poll.kind,
                poll.message,
                poll.status,
                poll.requests,
                state.waits_kept,
                state.waited.total_seconds(),
                None if state.fresh_for is None else state.fresh_for.total_seconds(),
                state.source_id,
            ),
        )

    def document_memory(self, source_id: str) -> DocumentMemory:
        """Return the memory of a source's last stored document; empty if all items are to be parsed."""
        stored: str | None = self._db.value("select items from documents where source_id = :id", {"id": source_id})
        return DocumentMemory(stored or "")

    def remember_document(self, source_id: str, memory: DocumentMemory) -> None:
        """Store the memory of a document; part of the transaction of its entries."""
        self._db.run(
            """insert into documents (source_id, items) values (:id, :items)
            on conflict (source_id) do update set items = excluded.items where documents.items != excluded.items""",
            {"id": source_id, "items": memory.stored},
        )

    def health(self, now: datetime, sources: Sequence[Source]) -> list[SourceHealth]:
        """Return one row per source, in the order of feeds.yaml, then the removed ones."""
        standings = SourceStatus(self._db)
        current_ids = {source.id for source in sources}
        removed = [source for source in standings.removed() if source.id not in current_ids]
        return standings.rows(now, [*sources, *removed])

    def polls(self, source_id: str, limit: int) -> list[PollRecord]:
        """Return a source's last polls with a document or a failure, the newest first."""
        rows = self._db.rows(
            "select * from polls where source_id = :id order by at desc, poll_id desc limit :limit",
            {"id": source_id, "limit": limit},
        )
        return [
            PollRecord(
                moment(row["at"]), row["kind"], row["words"], row["status"], row["bytes"], row["new"], row["edited"]
            )
            for row in rows
        ]

    def names(self) -> dict[str, str]:
        """Return the name of every source ever configured, by ID."""
        return {row["source_id"]: row["name"] for row in self._db.rows("select source_id, name from sources")}

    def prune_polls(self, before: datetime) -> int:
        """Delete polls older than *before*; return how many."""
        count = int(self._db.value("select count(*) from polls where at < :before", {"before": stamp(before)}))
        self._db.run("delete from polls where at < :before", {"before": stamp(before)})
        return count


def _first_interval(source: Source) -> timedelta:
    return min(max(timedelta(minutes=30), source.poll.min), source.poll.max)
