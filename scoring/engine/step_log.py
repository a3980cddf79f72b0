"""Order the events of a step, and log what they changed.

Knows which entries joined or moved, and why each story has to be recomputed. `scoring` recomputes, and `engine` writes
the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aggregator.model import Cause, Edit, Entry, Event, Membership, Reason, ReasonKind, Story, because

Note = tuple[Cause, Reason, int | None]
"""Why a story has to be recomputed: cause, reason, and the entry that caused it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A story that became part of another."""

    story_id: int
    into: int
    story: Story | None
    """As last computed; None for one that began in the same step."""
    reason: Reason


@dataclass(slots=True)
class StepLog:
    """What happened in one step, in order."""

    memberships: list[Membership] = field(default_factory=list)
    touched: dict[int, list[Note]] = field(default_factory=dict)
    gone: list[Gone] = field(default_factory=list)

    def note(self, story_id: int, cause: Cause, reason: Reason, entry_id: int | None = None) -> None:
        """Note why a story has to be recomputed."""
        self.touched.setdefault(story_id, []).append((cause, reason, entry_id))

    def note_merge(self, gone: Gone, moved: Iterable[Membership], entry_id: int) -> None:
        """Note that *entry_id* merged a story into another, which takes over its notes."""
        self.memberships += moved
        self.gone.append(gone)
        # Entries may have joined the story in this very step. Its ledger ends with the merge; theirs goes to the other.
        notes = self.touched.pop(gone.story_id, [])
        notes.append((Cause.MERGED, because(ReasonKind.TOOK_IN, gone.story_id, gone.reason), entry_id))
        self.touched.setdefault(gone.into, []).extend(notes)

    def undo_merge(self, story_id: int) -> None:
        """Note that a story that was merged in this step is separate again."""
        self.gone = [gone for gone in self.gone if gone.story_id != story_id]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return the events of one moment in an order that does not depend on the order given."""
    return sorted(events, key=_order)


# The order in which a document lists its items is the publisher's habit (newest first, mostly), and polls of several
# sources are stored in the order in which they finish. Neither may decide which entry names a story. A decision is
# always alone at its moment.
def _order(event: Event) -> tuple[int, str, str, str, str, int]:
    if isinstance(event, Entry):
        return (0, event.at.isoformat(), event.source_id, event.identity, event.title, event.entry_id)
    if isinstance(event, Edit):
        return (1, "", "", "", "", event.edit_id)
    return (2, "", "", "", "", 0)
