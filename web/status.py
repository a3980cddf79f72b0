"""How the program is doing: worker, sources, hosts; for empty states and the sources page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.health import ledgers
from aggregator.model import FeedState, Source, SourceHealth
from aggregator.store import Store
from web import present
from web.context import config, now, presenter, worker_silent


@dataclass(frozen=True, slots=True)
class Status:
    """How the program is doing, for empty states and the sources page."""

    worker: str
    """running, silent (it ran once), or missing."""
    heard: present.Moment | None
    tick: present.Moment | None
    entries: int
    rows: list[present.SourceRow]
    hosts: list[present.HostRow]

    def count(self, *statuses: str) -> int:
        return sum(row.status in statuses for row in self.rows)

    @property
    def asked(self) -> int:
        """How many sources are to be asked at all."""
        return self.count("ok", "failing", "waiting", "gone")

    @property
    def all_failing(self) -> str:
        """Why no source at all answers, "" while one does or none was asked."""
        if self.count("failing") and not self.count("ok"):
            return present.why_failing(self.rows)
        return ""


@dataclass(frozen=True, slots=True)
class Brief:
    """As much of it as a page of news says."""

    worker: str
    heard: present.Moment | None
    entries: int
    states: Mapping[str, int]
    """How many sources there are, by status."""
    all_failing: str
    """As in `Status`."""

    def count(self, *statuses: str) -> int:
        return sum(self.states.get(status, 0) for status in statuses)

    @property
    def asked(self) -> int:
        """How many sources are to be asked at all."""
        return self.count("ok", "failing", "waiting", "gone")


def brief_of(store: Store) -> Brief:
    """Return how the program is doing, without a look at each source: ten thousand of them take seconds."""
    states = dict(store.metrics.sources())
    states["waiting"] = states.get("waiting", 0) + max(0, len(config().sources) - sum(states.values()))
    heard = store.state.moment("heartbeat")
    failing = states.get("failing") and not states.get("ok")
    return Brief(
        worker=_worker(heard),
        heard=presenter(store).moment(heard) if heard else None,
        entries=store.entries.count(),
        states=states,
        all_failing=status_of(store).all_failing if failing else "",
    )


def _worker(heard: datetime | None) -> str:
    return "missing" if heard is None else "silent" if now() - heard > worker_silent() else "running"


def status_of(store: Store) -> Status:
    """Return how the program is doing now."""
    show = presenter(store)
    health = store.feeds.health(now(), config().sources)
    known = {row.source.id for row in health}
    # The worker writes the sources it knows; one that was just added, or all before its first start, were never asked.
    health += [_never_asked(source) for source in config().sources if source.id not in known]
    heard = store.state.moment("heartbeat")
    tick = store.state.moment("last_tick")
    return Status(
        worker=_worker(heard),
        heard=show.moment(heard) if heard else None,
        tick=show.moment(tick) if tick else None,
        entries=store.entries.count(),
        rows=[present.source_row(show, row) for row in health],
        hosts=[present.host_row(ledger) for ledger in ledgers(health)],
    )


def _never_asked(source: Source) -> SourceHealth:
    return SourceHealth(source, FeedState(source.id, source.url), entries=0, recent_entries=0, firsts=0)
