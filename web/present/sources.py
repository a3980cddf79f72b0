"""Sources and hosts as the sources page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.health import HostLedger, size
from aggregator.health import words as health_words
from aggregator.model import SourceHealth
from aggregator.text import clip, storable
from web.present.cards import Moment, Presenter
from web.present.words import span_words

WORKER_SILENT = timedelta(seconds=60)
"""Without a heartbeat for longer than this the worker counts as not running; it beats every few seconds."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A line of the sources page."""

    id: str
    name: str
    category: str
    status: str
    """ok, waiting, failing, gone, paused or removed."""
    outcome: str
    kind: str
    http_status: str
    failures: int
    polled: Moment | None
    next_poll: str
    entries: int
    recent: int
    firsts: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostRow:
    """A line of the ledger of hosts."""

    host: str
    sources: str
    requests: str
    unchanged: str
    received: str
    spared: str
    waits: str


def host_row(ledger: HostLedger) -> HostRow:
    """Return what asking a host came to, in words."""
    waited = f", {span_words(ledger.waited)} in all" if ledger.waited else ""
    return HostRow(
        host=ledger.host,
        sources=f"{ledger.sources:,}",
        requests=f"{ledger.requests:,}",
        unchanged=f"{100 * ledger.unchanged_share:.0f} %",
        received=size(ledger.bytes),
        spared=size(ledger.saved_bytes),
        waits=f"{ledger.waits_kept:,}{waited}",
    )


def source_row(show: Presenter, health: SourceHealth) -> SourceRow:
    """Return a line of the sources page."""
    source, state = health.source, health.state
    status = source_status(health)
    if status in ("paused", "removed", "gone"):
        next_poll = "never"
    elif state.next_poll_at is None or state.next_poll_at <= show.now:
        next_poll = "due"
    else:
        next_poll = f"in {span_words(state.next_poll_at - show.now)}"
    section = show.section(source.category)
    return SourceRow(
        id=source.id,
        name=source.name,
        category=section.name if section else "",
        status=status,
        outcome=clip(storable(state.last_words), 300) or _OUTCOME[status],
        kind=state.last_kind,
        http_status="" if state.last_status is None else str(state.last_status),
        failures=state.failures,
        polled=show.moment(state.last_polled_at) if state.last_polled_at else None,
        next_poll=next_poll,
        entries=health.entries,
        recent=health.recent_entries,
        firsts=health.firsts,
        notes=(*health.notes, *health_words(health, show.now)),
    )


_OUTCOME = {
    "ok": "answers",
    "waiting": "not asked yet",
    "failing": "failed",
    "gone": "gone",
    "paused": "paused in feeds.yaml",
    "removed": "no longer in feeds.yaml",
}


def source_status(health: SourceHealth) -> str:
    """Return in which state a source is: removed, paused, gone, waiting, failing or ok."""
    if health.removed:
        return "removed"
    if not health.source.enabled:
        return "paused"
    if health.state.gone:
        return "gone"
    if health.state.last_polled_at is None:
        return "waiting"
    return "failing" if health.state.failures else "ok"


def why_failing(rows: Sequence[SourceRow]) -> str:
    """Return what most failing sources say, in their words, or ""."""
    said = Counter(row.outcome for row in rows if row.status == "failing")
    return said.most_common(1)[0][0] if said else ""
