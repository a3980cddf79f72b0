"""One step: the order in which what happened is taken, and what it changes, noted meanwhile.

Knows where entries went, why each story is to be computed anew, and which stories became part of another.
Leaves computing them to `shown`, and what comes of it in writing to the engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aggregator.model import Cause, Edit, Entry, Event, Membership, Story

Turn = tuple[Cause, str, int | None]
"""Why a story is to be computed anew, in words, and the entry that caused it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A story that became part of another."""

    story_id: int
    into: int
    story: Story | None
    """As it was last computed; None for one that nobody has seen."""
    reason: str


@dataclass(slots=True)
class Turns:
    """What happened in one step, in its order."""

    memberships: list[Membership] = field(default_factory=list)
    touched: dict[int, list[Turn]] = field(default_factory=dict)
    gone: list[Gone] = field(default_factory=list)

    def note(self, story_id: int, cause: Cause, words: str, entry_id: int | None = None) -> None:
        """Note why a story is to be computed anew."""
        self.touched.setdefault(story_id, []).append((cause, words, entry_id))

    def united(self, gone: Gone, moved: Iterable[Membership], entry_id: int) -> None:
        """Note that *entry_id* made a story part of another: what was noted of the one is said of the other."""
        self.memberships += moved
        self.gone.append(gone)
        said = self.touched.pop(gone.story_id, [])
        said.append((Cause.MERGED, f"took in story {gone.story_id}: {gone.reason}", entry_id))
        self.touched.setdefault(gone.into, []).extend(said)

    def stands_again(self, story_id: int) -> None:
        """Note that a story which became part of another in this step is one of its own after all."""
        self.gone = [gone for gone in self.gone if gone.story_id != story_id]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return what came at one moment in an order that does not depend on how it was listed."""
    return sorted(events, key=_order)


def _order(event: Event) -> tuple[int, str, str, str, str, int]:
    if isinstance(event, Entry):
        return (0, event.at.isoformat(), event.source_id, event.identity, event.title, event.entry_id)
    if isinstance(event, Edit):
        return (1, "", "", "", "", event.edit_id)
    return (2, "", "", "", "", 0)  # alone at its moment
