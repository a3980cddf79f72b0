"""How the program is doing: worker, sources, hosts; for empty states and the sources page."""

from __future__ import annotations

from dataclasses import dataclass

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


def status_of(store: Store) -> Status:
    """Return how the program is doing now."""
    show = presenter(store)
    health = store.feeds.health(now(), config().sources)
    known = {row.source.id for row in health}
    # The worker writes the sources it knows; one that was just added, or all before its first start, were never asked.
    health += [_never_asked(source) for source in config().sources if source.id not in known]
    heard = store.state.moment("heartbeat")
    tick = store.state.moment("last_tick")
    worker = "missing" if heard is None else "silent" if now() - heard > worker_silent() else "running"
    return Status(
        worker=worker,
        heard=show.moment(heard) if heard else None,
        tick=show.moment(tick) if tick else None,
        entries=store.entries.count(),
        rows=[present.source_row(show, row) for row in health],
        hosts=[present.host_row(ledger) for ledger in ledgers(health)],
    )


def _never_asked(source: Source) -> SourceHealth:
    return SourceHealth(source, FeedState(source.id, source.url), entries=0, recent_entries=0, firsts=0)
