"""Decide which long jobs are due, and record their starts. For the one active process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from aggregator.model import Clock, Config
from aggregator.store import Store
from groundswell.background.moments import LongJobs

TRAIN = timedelta(hours=24)
VOTES_TO_TRAIN, TRAIN_AGAIN = 10, timedelta(hours=1)
"""After so many votes the next training is due once this time has passed since the last one."""
PRUNE = timedelta(hours=24)
MEASURE = timedelta(hours=24)
LANGUAGES = timedelta(minutes=10)

MOMENTS = {
    "train": "trained_at",
    "prune": "pruned_at",
    "measure": "measured_at",
    "backup": "backed_up_at",
    "languages": "languages_at",
}
"""The name of each job's last start in the state."""


class Schedule:
    """When each long job is due.

    is_settled: whether the system clock can be trusted
    """

    def __init__(self, store: Store, config: Config, clock: Clock, is_settled: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._is_settled = is_settled
        self._jobs = LongJobs(store, *MOMENTS.values())
        self.config = config
        """The last applied one."""

    def is_due(self, job: str) -> bool:
        """Return whether *job* is due; a training also after enough votes, or on request of the operator."""
        state, moment = self._store.state, MOMENTS[job]
        match job:
            case "train":
                new_votes = self._store.feedback.votes_number() - int(state.get("votes_trained") or 0)
                is_due = self._is_due(job, TRAIN if new_votes < VOTES_TO_TRAIN else TRAIN_AGAIN)
                return is_due or state.moment("train_wanted") is not None
            case "prune":
                # With a clock that is a year ahead for a minute, everything would be old enough to prune.
                return self._is_settled() and self._is_due(job, PRUNE)
            case "measure":
                return self._is_due(job, MEASURE)
            case "backup":
                settings = self.config.backup
                return bool(settings.folder) and (state.moment(moment) is None or self._is_due(job, settings.every))
            case _:
                return self._is_due(job, LANGUAGES) and bool(self._store.entry_languages.pending(1))

    def running(self, job: str) -> AbstractContextManager[None]:
        """Record that *job* begins here and, unless it is interrupted or fails, that it ended."""
        return self._jobs.running(MOMENTS[job], self._clock(), lambda: self._note_votes(job))

    def note(self, job: str) -> None:
        """Record that *job* was added to the queue; within a transaction."""
        self._store.state.set_moment(MOMENTS[job], self._clock())
        self._note_votes(job)

    def _is_due(self, job: str, every: timedelta) -> bool:
        return self._jobs.is_due(MOMENTS[job], every, self._clock())

    def _note_votes(self, job: str) -> None:
        if job == "train":
            state = self._store.state
            state.set("votes_trained", str(self._store.feedback.votes_number()))
            state.set_moment("train_began", self._clock())
            state.clear("train_wanted")
