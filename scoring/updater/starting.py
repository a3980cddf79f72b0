"""Start an engine from its last snapshot, or from stored entries and stories if no snapshot fits.

Reads from the store what each way needs. `engine.recovery` restores the state; the caller saves a snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from aggregator.model import DecisionKind, Event
from aggregator.store import Store
from scoring.engine import EVENTS_HORIZON, MEMBERSHIPS_HORIZON, Engine, SettingsChangedError, SnapshotError

log = logging.getLogger(__name__)


def start(engine: Engine, store: Store, window: timedelta) -> bool:
    """Bring a new engine to the stored watermark; return whether a snapshot of it is worth saving.

    window: how long a story stays open after its last entry
    """
    watermark = store.progress.watermark()
    if watermark is None:
        return True
    stories = store.stories.updated_since(watermark - window)
    since = watermark - EVENTS_HORIZON
    snapshot = store.snapshots.latest()
    reason, settings_changed = "there is none", False
    if snapshot is not None:
        standing = [] if snapshot.at is None else store.decisions.standing(snapshot.at)
        try:
            engine.resume(snapshot.data, _happened(store, snapshot.at, watermark), stories, standing)
        except SnapshotError as error:
            reason, settings_changed = str(error), isinstance(error, SettingsChangedError)
        else:
            return False
    log.info("the snapshot of the scoring state cannot be used (%s); rebuilding it from the entries", reason)
    # Entries count in the categories that they were counted in when they arrived, because classifying a month of them
    # would take a third of a start; with other settings, in those that the settings give them.
    if settings_changed:
        with store.transaction():
            store.memberships.forget_categories()
    joined = store.memberships.since(watermark - MEMBERSHIPS_HORIZON)
    memberships = {membership.entry_id: membership for membership in joined}
    standing = store.decisions.standing(since)
    corrections = [
        (decision, entry)
        for decision in standing
        if decision.kind is DecisionKind.CATEGORY
        and (entry := store.entries.get(min(decision.entry_ids, default=0))) is not None
    ]
    groups = _happened(store, since, watermark)
    engine.rebuild(groups, memberships, stories, standing, corrections, until=watermark)
    return True


def _happened(store: Store, since: datetime | None, until: datetime) -> Iterator[tuple[datetime, Sequence[Event]]]:
    while groups := store.events.since(since, 500):
        for moment, events in groups:
            if moment > until:
                return
            yield moment, events
        since = groups[-1][0]
