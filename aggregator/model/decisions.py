"""Editors' decisions about stories, and the ordered events of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.model.entries import Edit, Entry


class DecisionKind(StrEnum):
    """What an editor can decide of stories."""

    SPLIT = "split"
    """Entries leave their story and form one of their own."""
    MERGE = "merge"
    """Two stories are one."""
    MOVE = "move"
    """Entries go from one story to another."""
    CATEGORY = "category"
    """A story's category is another than the machine says."""
    HIDE = "hide"
    """A story is listed nowhere; its address still leads to it."""
    PIN = "pin"
    """A story is on top of its lists until the decision is undone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An editor's decision: a fact, recorded by entry, so that it survives a rebuild of the stories."""

    decision_id: int
    kind: DecisionKind
    at: datetime
    """Strictly later than any poll or decision before."""
    story_id: int
    """The story that was meant."""
    entry_ids: tuple[int, ...]
    """SPLIT and MOVE: those that leave it. Else all that it had."""
    other_ids: tuple[int, ...] = ()
    """SPLIT and MOVE: those that stay. MERGE: those of the other story."""
    into_id: int | None = None
    """MERGE and MOVE: the other story."""
    into_ids: tuple[int, ...] = ()
    """MOVE: those that the other story had."""
    category_id: str = ""
    """CATEGORY: what is right."""
    undone_at: datetime | None = None
    """None: it is in force."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The event that a decision was undone."""

    decision: Decision
    at: datetime


Event = Entry | Edit | Decision | Undo
"""What happens to the engine. An `Entry` and a `Decision` come as they were when they arrived."""
