"""Format sources for commands: lines for people, plain data for programs.

Pure. Leaves printing to `commands` and what a source is like to `health`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.table import Table

from aggregator.config.values.addresses import feed_key
from aggregator.discovery.add_sources import Added
from aggregator.discovery.find_feeds import FoundFeed
from aggregator.discovery.opml import Subscription
from aggregator.model import HostLedger, HubStatus, SourceHealth
from aggregator.polling import source_health
from aggregator.polling.poll import Polled
from aggregator.text.urls import shown


def count(number: int, singular: str, plural: str = "") -> str:
    """Return `1 source`, `1,204 sources`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def poll_summary(results: list[Polled]) -> str:
    """Return what a round of polls came to."""
    ok = sum(polled.ok for polled in results)
    new, edited = sum(polled.new for polled in results), sum(polled.edited for polled in results)
    return (
        f"{count(len(results), 'source')} polled: {ok:,} answered, {len(results) - ok:,} failed; "
        f"{count(new, 'new entry', 'new entries')}, {edited:,} edited"
    )


def source_table(rows: list[SourceHealth], now: datetime) -> Table:
    """Return a line a source: its state, what happened last, when it is polled next."""
    table = Table(box=None, pad_edge=False)
    for column in ("source", "state", "category", "last answer", "entries", "next poll"):
        table.add_column(column, justify="right" if column == "entries" else "left", overflow="fold")
    for row in rows:
        table.add_row(
            row.source.id,
            _state_message(row, now),
            row.source.category,
            row.state.last_message or "not polled yet",
            f"{row.entries:,}",
            _next(row, now),
        )
    return table


def source_lines(row: SourceHealth, now: datetime) -> list[str]:
    """Return everything known about a source."""
    polled = row.state.last_polled_at
    return [
        f"{row.source.id}: {row.source.name}",
        f"  {shown(row.state.url)}",
        f"  {_state_message(row, now)}: {row.state.last_message or 'not polled yet'}",
        f"  polled {'never' if polled is None else f'{source_health.span(now - polled)} ago'}, next {_next(row, now)}; "
        f"{count(row.entries, 'entry', 'entries')}, {row.recent_entries:,} in 7 days",
        *(f"  {message}" for message in source_health.messages(row, now)),
    ]


def _state_message(row: SourceHealth, now: datetime) -> str:
    state = source_health.state_of(row, now)
    return f"failing ({row.state.failures})" if state == "failing" else state


def _next(row: SourceHealth, now: datetime) -> str:
    if row.removed or row.state.gone or not row.source.enabled:
        return "never"
    moment = row.state.next_poll_at
    return "now" if moment is None or moment <= now else f"in {source_health.span(moment - now)}"


def feed_line(number: int, feed: FoundFeed, existing_id: str) -> str:
    """Return a feed that a page has; *existing_id*: its ID if feeds.yaml has it already."""
    existing = f"; there already as {existing_id}" if existing_id else ""
    summary = f"{feed.title or 'without a title'}: {feed.format}, {count(feed.entries, 'entry', 'entries')}{existing}"
    return f"{number}  {shown(feed.url)}  {summary}"


def import_lines(feeds: Iterable[Subscription], change: Added, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield what importing each of *feeds* would do; *ids* of those that feeds.yaml has, by `feed_key`."""
    new = {item["url"]: item["id"] for item in change.items}
    for feed in feeds:
        existing_id = ids.get(feed_key(feed.url))
        if existing_id:
            status = f"there already as {existing_id}"
        else:
            status = f"would be {new.pop(feed.url)}" if feed.url in new else "there twice"
        yield f"  {shown(feed.url)}  {status}"


# For programs


def polled_row(polled: Polled) -> dict[str, Any]:
    """Return what a poll came to as plain data."""
    return {
        "source": polled.source_id,
        "ok": polled.ok,
        "words": polled.state.last_message,
        "kind": polled.state.last_kind,
        "status": polled.state.last_status,
        "new": polled.new,
        "edited": polled.edited,
        "next_poll_at": iso(polled.state.next_poll_at),
    }


def health_row(row: SourceHealth, now: datetime) -> dict[str, Any]:
    """Return a row of the sources page as plain data."""
    state = row.state
    silence = source_health.of_silence(row, now)
    return {
        "id": row.source.id,
        "name": row.source.name,
        "url": shown(state.url),
        "category": row.source.category,
        "owner": row.source.owner,
        "enabled": row.source.enabled,
        "state": source_health.state_of(row, now),
        "removed": row.removed,
        "ok": state.failures == 0 and state.last_ok_at is not None,
        "kind": state.last_kind,
        "words": state.last_message,
        "status": state.last_status,
        "failures": state.failures,
        "gone": state.gone,
        "last_polled_at": iso(state.last_polled_at),
        "last_ok_at": iso(state.last_ok_at),
        "last_new_at": iso(state.last_new_at),
        "next_poll_at": iso(state.next_poll_at),
        "interval_s": state.interval.total_seconds(),
        "entries": row.entries,
        "recent_entries": row.recent_entries,
        "firsts": row.firsts,
        "health": list(source_health.messages(row, now)),
        "overdue": silence is not None and silence.overdue_at <= now,
        "overdue_at": iso(silence.overdue_at) if silence else None,
        "silence_probability": silence.probability if silence else None,
        "usual_gap_s": silence.usual_gap.total_seconds() if silence else None,
        "format": state.hints.format,
        "format_before": state.format_before,
        "moved_from": shown(state.moved_from),
        "requests": row.polls,
        "unchanged": row.unchanged,
        "bytes": row.bytes,
        "saved_bytes": row.saved_bytes,
        "waits_kept": state.waits_kept,
        "waited_s": state.waited.total_seconds(),
        "hub": None if row.hub is None else _hub_row(row.hub),
    }


def _hub_row(hub: HubStatus) -> dict[str, Any]:
    return {
        "url": shown(hub.hub),
        "lease_until": iso(hub.lease_until),
        "delivered_at": iso(hub.delivered_at),
        "relied_on": hub.relied_on,
        "words": hub.message,
    }


def host_row(ledger: HostLedger) -> dict[str, Any]:
    """Return what asking a host came to, all its sources together, as plain data."""
    return {
        "name": ledger.host,
        "sources": ledger.sources,
        "requests": ledger.requests,
        "unchanged_share": round(ledger.unchanged_share, 4),
        "bytes": ledger.bytes,
        "saved_bytes": ledger.saved_bytes,
        "waits_kept": ledger.waits_kept,
        "waited_s": ledger.waited.total_seconds(),
    }


def feed_row(feed: FoundFeed) -> dict[str, Any]:
    """Return a feed that a page has as plain data."""
    return {
        "url": shown(feed.url),
        "title": feed.title,
        "format": feed.format,
        "entries": feed.entries,
        "newest_at": iso(feed.newest_at),
        "site_url": feed.site_url,
    }


def iso(moment: datetime | None) -> str | None:
    """Return a moment as programs read it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
