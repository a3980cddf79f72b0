"""How the program is doing, as much of it as a page of news says: for empty states and the line at the side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.store import Store
from aggregator.store.lock import hindrance, is_held
from web import present
from web.request.context import config, now, presenter, reading, worker_silent


@dataclass(frozen=True, slots=True)
class Status:
    """Worker, entries, and how many sources are in which state."""

    worker: str
    """running, stuck (it lives and writes nothing), silent (it ran once), or missing."""
    stuck_by: str
    """What keeps a stuck one from writing, in words."""
    heard: present.Moment | None
    tick: present.Moment | None
    entries: int
    states: Mapping[str, int]
    """How many sources there are, by state; a silent one answers, and counts as ok."""
    all_failing: str
    """What most say where no source at all answers, "" while one does or none was asked."""

    def count(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def asked(self) -> int:
        """How many sources are to be asked at all."""
        return self.count("ok", "failing", "waiting", "gone")


def status_of(store: Store) -> Status:
    """Return how the program is doing now, without a look at each source."""
    show = presenter(store)
    states = dict(store.metrics.sources())
    states["waiting"] = states.get("waiting", 0) + max(0, len(config().sources) - sum(states.values()))
    heard = store.state.last_heartbeat(now())
    tick = store.state.moment("last_tick")
    failing = states.get("failing") and not states.get("ok")
    worker = worker_state(heard)
    return Status(
        worker=worker,
        stuck_by=stuck_by() if worker == "stuck" else "",
        heard=show.moment(heard) if heard else None,
        tick=show.moment(tick) if tick else None,
        entries=store.entries.count(),
        states=states,
        all_failing=present.plain_words(store.source_status.most_said()) if failing else "",
    )


def worker_state(heard: datetime | None) -> str:
    """Return in which of its states the worker is that was last *heard* of then."""
    if heard is None:
        return "missing"
    if now() - heard <= worker_silent():
        return "running"
    return "stuck" if is_held(reading().db) else "silent"


def stuck_by() -> str:
    """Return what keeps a living worker from writing; looked at, since it cannot write that down."""
    return hindrance(reading().db) or "something that its log tells of"
