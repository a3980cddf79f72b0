"""The status of the sources: the rows of the sources page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.model.config import Source
from aggregator.model.polling import FeedState


@dataclass(frozen=True, slots=True)
class HubStatus:
    """The state of the subscription at the WebSub hub of a source."""

    hub: str
    lease_until: datetime | None
    """None: the hub has not confirmed it."""
    delivered_at: datetime | None
    """When it last notified us of news; None: never."""
    relied_on: bool
    """Whether the feed is polled less often because of it."""
    message: str
    """What came of the last request to it."""


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One row of the sources page."""

    source: Source
    state: FeedState
    entries: int
    recent_entries: int
    """Entries first seen within the last seven days."""
    firsts: int
    """Stories of two or more sources that it had first."""
    removed: bool = False
    notes: tuple[str, ...] = field(default=())
    polls: int = 0
    unchanged: int = 0
    """Of the polls, those answered 304."""
    bytes: int = 0
    """Received, as they came over the wire."""
    saved_bytes: int = 0
    """What the 304s spared."""
    hub: HubStatus | None = None
    """None: it has no hub."""


@dataclass(frozen=True, slots=True)
class HostLedger:
    """What asking one host came to: of all its sources, since the first poll."""

    host: str
    sources: int = 0
    requests: int = 0
    unchanged: int = 0
    """Of the requests, those answered 304."""
    bytes: int = 0
    saved_bytes: int = 0
    waits_kept: int = 0
    waited: timedelta = timedelta()

    @property
    def unchanged_share(self) -> float:
        """The share of requests answered 304, 0 when there was none."""
        return self.unchanged / self.requests if self.requests else 0.0
