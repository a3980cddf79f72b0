"""What scoring makes of the entries: stories, their scores, lists and topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from aggregator.model.entries import Entry
from aggregator.model.reasons import Reason


class Contribution(Struct, frozen=True, gc=False):
    """One named part of a score."""

    name: str
    """`base`, `words`, `coverage`, `velocity`, `source`, ...; a word is named `word:trainium`."""
    log_odds: float
    points: float
    """Its share of the shown score; the points of a score add up to it exactly."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class Membership:
    """That an entry belongs to a story, and why."""

    entry_id: int
    story_id: int
    joined_at: datetime
    similarity: float
    probability: float
    reason: Reason
    voice: str
    """The voice that the entry counts for: an owner, or the source that it copies."""
    counted_in: str | None = None
    """The category that it was counted in when it arrived; None keeps what is stored, or is not known."""


@dataclass(frozen=True, slots=True)
class Story:
    """Entries judged to be about one event, as last computed."""

    story_id: int
    """The `entry_id` of its first entry, so a rebuild gives the same address."""
    headline: str
    summary: str
    lead_entry_id: int
    category_id: str
    first_seen_at: datetime
    last_source_at: datetime
    """When an independent voice last joined."""
    updated_at: datetime
    """When anything about it last changed."""
    entries: int
    sources: int
    independent_sources: int
    score: int
    """Relevance: 100 x the calibrated probability, a whole number."""
    relevance: float
    provisional: bool
    trend: float
    contributions: tuple[Contribution, ...] = ()
    merged_into: int | None = None
    """Where its address leads: the story that its first entry is in now."""
    hidden: bool = False
    """An editor hid it from all lists."""
    pinned: bool = False
    """An editor pinned it to the top of its lists."""
    published_at: datetime | None = None
    """The earliest plausible date that one of its entries states; None: none states any, say when it was first seen."""


def follow_merges(story_id: int, merged_into: Callable[[int], int | None]) -> int:
    """Return the story that *story_id* is part of in the end; for a database, `store.stories.resolve` does so.

    merged_into: returns the story that one merged into, None for one that did not merge. Merges in a circle
    end at the last story before it closes.
    """
    seen = {story_id}
    while (into := merged_into(story_id)) is not None and into not in seen:
        seen.add(into)
        story_id = into
    return story_id


PLACES = (1, 2, 3, 5, 10, 20)
"""The last position of each place in a list: the fourth place is positions 4 and 5. Behind them is one more."""


def place_of(position: int) -> int:
    """Return the place, from 0, of a position in a list, from 1."""
    return sum(position > last for last in PLACES)


@dataclass(frozen=True, slots=True)
class Impression:
    """How many people a list showed a story to at a place, and how many of them opened it."""

    story_id: int
    place: int
    people: int
    opened: int


@dataclass(frozen=True, slots=True)
class Vote:
    """An editor's vote on a story, in force until it is undone."""

    story_id: int
    up: bool
    voted_at: datetime
    title: str
    """Of the story's first entry, as it came."""
    source_id: str


class Cause(StrEnum):
    """Why the ledger has a line."""

    NEW_STORY = "new story"
    JOINED = "joined"
    MERGED = "merged"
    SPLIT = "split"
    MOVED = "moved"
    DECIDED = "decided"
    """An editor corrected its category, hid or pinned it, or took that back."""
    EDITED = "edited"
    RETRAINED = "retrained"
    VOTED = "voted"
    AGED = "aged"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One change of a story's score or membership, with its cause."""

    story_id: int
    at: datetime
    cause: Cause
    reason: Reason
    score_before: int | None
    score_after: int
    entry_id: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one step of the engine changed: everything to be written, nothing else."""

    memberships: tuple[Membership, ...] = ()
    stories: tuple[Story, ...] = ()
    ledger: tuple[LedgerLine, ...] = ()


Ranking = Mapping[str, Sequence[tuple[int, float]]]
"""For each list (`""` is the front page, else a category) its stories in order, with their trend."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A story as a list shows it."""

    story: Story
    lead: Entry
    """Whose headline it has."""
    first_source_id: str
    """The source that had it first."""
    views: int = 0


@dataclass(frozen=True, slots=True)
class Topic:
    """A term that rises, or rose before."""

    slug: str
    name: str
    """As most entries spell it."""
    position: int | None
    """1 is the strongest; None: it rose before, not now."""
    chance: float
    """That its next 24 hours bring a rise again, 0..1 (`scoring.topics.rising`)."""
    burst: float
    """How surprising its last 24 hours are, in standard deviations, about."""
    entries: int
    """Of the last 24 hours, as are the sources."""
    sources: int
    """Independent ones."""
    usual_per_day: float
    """Entries expected from its usual share."""
    updated_at: datetime
