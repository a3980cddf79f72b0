"""Sources and hosts as the sources page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from aggregator.model import HostLedger, Limits, Source, SourceHealth
from aggregator.polling.source_health import habits, news, size, state_of
from aggregator.store import PollRecord
from aggregator.text.ip_addresses import is_public_host
from aggregator.text.markup import clip, storable
from aggregator.text.urls import host, safe_link, shown
from aggregator.text.wording import duration, plural
from web.present.cards import Moment, Presenter

WORKER_SILENT = timedelta(seconds=60)
"""Without a heartbeat for longer than this the worker counts as not running; it beats every few seconds."""

STATE_LABELS = {
    "failing": "failing",
    "gone": "gone",
    "silent": "overdue",
    "waiting": "not polled yet",
    "ok": "healthy",
    "paused": "paused",
    "removed": "removed",
}
_SECRETS = re.compile(r"token|secret|passw|pwd|auth(?!or)|session|signature|apikey|(^|[_.-])(key|sig)$", re.I)


def feed_address(source: Source, limits: Limits) -> str:
    """Return the address of a source's feed as the site may publish it, "" where it must not.

    Not published: hosts that are private or that `allow_private` names, feeds requested with headers of their own, and
    addresses with something like a key in their query. User name and password are always removed.
    """
    address = safe_link(shown(source.url))
    name = host(address)
    if not address or source.headers or not is_public_host(name):
        return ""
    if name in {allowed.lower() for allowed in limits.allow_private}:
        return ""
    secret = any(_SECRETS.search(key) for key, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True))
    return "" if secret else address


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A line of the sources page."""

    id: str
    name: str
    category: str
    status: str
    """One of `health.STATES`."""
    outcome: str
    kind: str
    http_status: str
    failures: int
    polled: Moment | None
    next_poll: str
    entries: int
    recent: int
    firsts: int
    alarms: tuple[str, ...]
    """What is out of the ordinary."""
    notes: tuple[str, ...]
    """How it is params, and what that came to."""


@dataclass(frozen=True, slots=True)
class PollRow:
    """A poll in the list of a source's polls."""

    at: Moment
    message: str
    received: str
    failed: bool


@dataclass(frozen=True, slots=True)
class HostRow:
    """A line of the table of hosts."""

    host: str
    sources: str
    requests: str
    unchanged: str
    received: str
    spared: str
    waits: str


def host_row(ledger: HostLedger) -> HostRow:
    """Return the requests to a host as a table shows them."""
    waited = f", {duration(ledger.waited)} in total" if ledger.waited else ""
    return HostRow(
        host=ledger.host,
        sources=f"{ledger.sources:,}",
        requests=f"{ledger.requests:,}",
        unchanged=f"{100 * ledger.unchanged_share:.0f}%",
        received=size(ledger.bytes),
        spared=size(ledger.saved_bytes),
        waits=f"{ledger.waits_kept:,}{waited}",
    )


def hosts_summary(ledgers: Iterable[HostLedger]) -> str:
    """Return a sentence about the requests to all hosts, "" before the first request."""
    ledgers = list(ledgers)
    requests, unchanged = sum(ledger.requests for ledger in ledgers), sum(ledger.unchanged for ledger in ledgers)
    if not requests:
        return ""
    spared, received = sum(ledger.saved_bytes for ledger in ledgers), sum(ledger.bytes for ledger in ledgers)
    waits = sum(ledger.waits_kept for ledger in ledgers)
    return (
        f"{plural(requests, 'request')} to {plural(len(ledgers), 'host')} so far. {100 * unchanged / requests:.0f}% "
        f"returned 304 Not Modified: {size(received)} received, {size(spared)} saved. "
        f"{plural(waits, 'poll')} deferred at a server's request."
    )


def source_row(show: Presenter, health: SourceHealth) -> SourceRow:
    """Return a line of the sources page."""
    source, state = health.source, health.state
    status = state_of(health, show.now)
    if status in ("paused", "removed", "gone"):
        next_poll = "never"
    elif state.next_poll_at is None or state.next_poll_at <= show.now:
        next_poll = "due"
    else:
        next_poll = f"in {duration(state.next_poll_at - show.now)}"
    section = show.section(source.category)
    return SourceRow(
        id=source.id,
        name=source.name,
        category=section.name if section else "",
        status=status,
        outcome=plain_message(state.last_message) or _OUTCOME[status],
        kind=state.last_kind,
        http_status="" if state.last_status is None else str(state.last_status),
        failures=state.failures,
        polled=show.moment(state.last_polled_at) if state.last_polled_at else None,
        next_poll=next_poll,
        entries=health.entries,
        recent=health.recent_entries,
        firsts=health.firsts,
        alarms=(*health.notes, *news(health, show.now)),
        notes=habits(health, show.now),
    )


_OUTCOME = {
    "ok": "healthy",
    "silent": "healthy",
    "waiting": "not polled yet",
    "failing": "failed",
    "gone": "gone",
    "paused": "paused in feeds.yaml",
    "removed": "no longer in feeds.yaml",
}


def poll_row(show: Presenter, poll: PollRecord) -> PollRow:
    """Return a poll of a source's own page."""
    status = f" (HTTP {poll.status})" if poll.status else ""
    return PollRow(
        at=show.moment(poll.at),
        message=f"{plain_message(poll.message) or poll.kind}{status}",
        received=size(poll.bytes) if poll.bytes else "",
        failed=poll.kind != "fetched",
    )


def plain_message(text: str) -> str:
    """Return a message from a server or document as a page may repeat it."""
    return clip(storable(text), 300)
