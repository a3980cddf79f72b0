"""Turn events into stories: a fold that holds no database and reads no clock. `engine` describes the flow."""

from __future__ import annotations

from scoring.engine.engine import Engine
from scoring.engine.live_story import ClosedStory
from scoring.engine.ranking import Coverage
from scoring.engine.recovery.restore import EVENTS_HORIZON, MEMBERSHIPS_HORIZON
from scoring.engine.recovery.snapshot import FORMAT, SettingsChangedError, SnapshotError

__all__ = [
    "EVENTS_HORIZON",
    "FORMAT",
    "MEMBERSHIPS_HORIZON",
    "ClosedStory",
    "Coverage",
    "Engine",
    "SettingsChangedError",
    "SnapshotError",
]
