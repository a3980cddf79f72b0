"""The outcome of one conditional GET of a feed, and the polling state of the feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave us to ask "has it changed?" with; sent back verbatim."""

    etag: str = ""
    last_modified: str = ""

    def updated(self, newer: Validators) -> Validators:
        """Return these, as a 304 with *newer* changes them (RFC 9111, section 3.2)."""
        return Validators(newer.etag or self.etag, newer.last_modified or self.last_modified)


class FailureKind(StrEnum):
    """What sort of fault a failed poll met."""

    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    REFUSED_ADDRESS = "refused address"
    BAD_URL = "bad url"
    REDIRECTS = "redirects"
    STATUS = "status"
    BOT_CHECK = "bot check"
    GONE = "gone"
    TOO_LARGE = "too large"
    BAD_TRANSFER = "bad transfer"
    NOT_A_FEED = "not a feed"
    PARSER = "parser"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class Hints:
    """What a document says about polling it; empty if it says nothing."""

    format: str = ""
    """`RSS 2.0`, `Atom`, `JSON Feed`: to see that it changed."""
    ttl: timedelta | None = None
    """How long it may be kept before it is polled again."""
    updated_every: timedelta | None = None
    """`sy:updatePeriod` divided by `sy:updateFrequency`."""
    skip_hours: tuple[int, ...] = ()
    """Hours of the day, in UTC, in which it should not be polled."""
    skip_days: tuple[int, ...] = ()
    """Days of the week, in UTC, Monday is 0."""
    hub: str = ""
    """The WebSub hub that announces its changes."""
    topic: str = ""
    """By which address the hub knows it; "" is the one it was fetched from."""
    notes: tuple[str, ...] = ()
    """What was cut, left out or repaired in it, which its row says until another document comes."""
    empty: bool = False
    """Whether it has no entries."""

    def as_plain(self) -> dict[str, Any]:
        """Return the hints that are given, as JSON types."""
        values = {name.name: getattr(self, name.name) for name in fields(self)}
        return {
            name: value.total_seconds() if isinstance(value, timedelta) else value
            for name, value in values.items()
            if value
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Hints:
        """Return the hints that `as_plain` gave *plain* for."""
        values: dict[str, Any] = {}
        for name, value in plain.items():
            span = name in ("ttl", "updated_every")
            values[name] = timedelta(seconds=value) if span else tuple(value) if isinstance(value, list) else value
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document came."""

    body: bytes
    content_type: str
    url: str
    """Where it finally came from; relative links are resolved against it."""
    validators: Validators = Validators()
    moved_to: str = ""
    """Set when every redirect on the way was permanent (301, 308)."""
    status: int = 200
    fresh_for: timedelta | None = None
    """How long the response stays fresh, by Cache-Control or Expires."""
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that nothing changed since the validators we sent."""

    moved_to: str = ""
    """As in `Fetched`."""
    fresh_for: timedelta | None = None
    """As in `Fetched`."""
    validators: Validators = Validators()
    """Those that replace the stored ones; a server need not repeat them."""
    status: int = 304


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing usable came; *words* say why, for the source's row."""

    kind: FailureKind
    message: str
    status: int | None = None
    retry_after: timedelta | None = None


Outcome = Fetched | NotModified | Failed


@dataclass(frozen=True, slots=True)
class FeedState:
    """What we remember of polling one source."""

    source_id: str
    url: str
    """The address to poll: the configured one, or the one that it moved to permanently."""
    validators: Validators = Validators()
    next_poll_at: datetime | None = None
    """None: never polled, so due at once."""
    interval: timedelta = timedelta(minutes=30)
    failures: int = 0
    gone: bool = False
    move_seen_to: str = ""
    """A permanent redirect seen at the last poll, not yet stored as the new address."""
    last_polled_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    """When a poll last had a new entry."""
    last_message: str = ""
    """What came of the last poll, in a sentence."""
    last_kind: str = ""
    """`fetched`, `not modified` or a FailureKind."""
    last_status: int | None = None
    hints: Hints = Hints()
    """The polling hints of its last document; a 304 has none."""
    fresh_for: timedelta | None = None
    """How long the last response stays fresh, by its headers."""
    arrivals: tuple[int, ...] = ()
    """When its newest entries came, in seconds since 1970, the oldest first: see `aggregator.polling.cadence`."""
    waits_kept: int = 0
    """How often a poll was delayed beyond the feed's cadence because the server or the document requests it."""
    waited: timedelta = timedelta()
    """By how much, in total."""
    format_before: str = ""
    format_changed_at: datetime | None = None
    moved_from: str = ""
    moved_at: datetime | None = None
