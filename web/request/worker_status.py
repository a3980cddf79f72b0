"""The status of worker and sources, for empty states and the status line of the front page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.site.database import is_written, write_problem
from aggregator.store import Store
from web import present
from web.request.context import config, now, presenter, reading, worker_silent


@dataclass(frozen=True, slots=True)
class Status:
    """Worker, entries, and sources by state."""

    worker: str
    """running, stuck (alive, but cannot write), silent (ran before), or missing (never ran)."""
    stuck_by: str
    """Why a stuck worker cannot write."""
    last_heartbeat: present.Moment | None
    last_tick: present.Moment | None
    entries: int
    states: Mapping[str, int]
    """Number of sources by state; a silent one answers, and counts as ok."""
    all_failing: str
    """The most common error if all sources fail; "" while one succeeds or none was polled."""

    def count(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def enabled(self) -> int:
        """Number of enabled sources."""
        return self.count("ok", "failing", "waiting", "gone")


def status_of(store: Store) -> Status:
    """Return the current status, without reading each source."""
    show = presenter(store)
    states = dict(store.metrics.sources())
    states["waiting"] = states.get("waiting", 0) + max(0, len(config().sources) - sum(states.values()))
    heartbeat = store.state.last_heartbeat(now())
    tick = store.state.moment("last_tick")
    failing = states.get("failing") and not states.get("ok")
    worker = worker_state(heartbeat)
    return Status(
        worker=worker,
        stuck_by=stuck_by() if worker == "stuck" else "",
        last_heartbeat=show.moment(heartbeat) if heartbeat else None,
        last_tick=show.moment(tick) if tick else None,
        entries=store.entries.count(),
        states=states,
        all_failing=present.plain_message(store.source_status.most_frequent_message()) if failing else "",
    )


def worker_state(heartbeat: datetime | None) -> str:
    """Return the state of a worker with this last heartbeat."""
    if heartbeat is None:
        return "missing"
    if now() - heartbeat <= worker_silent():
        return "running"
    return "stuck" if is_written(reading().db) else "silent"


def stuck_by() -> str:
    """Return why a running worker cannot write; checked here, since it cannot store the reason."""
    return write_problem(reading().db) or "see its log"
