"""What editors decided, and what that makes of the stories.

Knows which decisions stand, whom they keep together and apart, and which stories they hide, pin or put into
another category. Leaves how a story is made of its entries to `engine`, and keeping decisions to the store.

A decision is told by entries, never by stories alone, so it holds also where a rebuild finds other stories. Of two
entries the last decision that stands on both says whether they belong together:

    split   those that left belong together, and apart from those that stayed
    merge   all entries of both stories belong together
    move    those that went belong together with the story that they went to, and apart from those that stayed

What came later is of no decision: it may join either side, and can bring them together no more. Taking a decision
back puts its entries where they were, with what other decisions tie to them; what came since stays where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from aggregator.model import Decision, DecisionKind, Reason, ReasonKind, Undo, because

STRUCTURAL = (DecisionKind.SPLIT, DecisionKind.MERGE, DecisionKind.MOVE)
"""The kinds that say which entries are together."""

Groups = list[set[int]]


class Editors:
    """The decisions that stand."""

    def __init__(self, standing: Iterable[Decision] = ()) -> None:
        self._on: dict[int, list[Decision]] = defaultdict(list)
        """Which of the structural kinds stand on an entry, in their order."""
        self._category: dict[int, list[Decision]] = defaultdict(list)
        self._hidden: dict[int, list[Decision]] = defaultdict(list)
        self._pinned: dict[int, list[Decision]] = defaultdict(list)
        for decision in standing:
            self.take(decision)

    def take(self, event: Decision | Undo) -> None:
        """Let a decision stand, or no longer."""
        decision = event.decision if isinstance(event, Undo) else event
        book, keys = self._place(decision)
        for key in keys:
            if isinstance(event, Decision):
                book[key].append(event)
                continue
            book[key] = [known for known in book[key] if known.decision_id != decision.decision_id]
            if not book[key]:
                del book[key]

    def _place(self, decision: Decision) -> tuple[dict[int, list[Decision]], Iterable[int]]:
        match decision.kind:
            case DecisionKind.CATEGORY:
                return self._category, decision.entry_ids
            case DecisionKind.HIDE:
                return self._hidden, decision.entry_ids
            case DecisionKind.PIN:
                return self._pinned, (decision.story_id,)
            case _:
                return self._on, concerned(decision)

    # What is said of a story

    def category(self, story_id: int) -> str | None:
        """Return the category that an editor gave a story, or None.

        It holds for the story whose first entry was in the one that the editor saw, as `hidden` does: what is split
        off inherits it, and what takes the story in does not.
        """
        said = self._category.get(story_id)
        return said[-1].category_id if said else None

    def hidden(self, story_id: int) -> bool:
        """Return whether an editor wants a story in no list."""
        return story_id in self._hidden

    def pinned(self, entry_ids: Collection[int]) -> bool:
        """Return whether an editor pinned a story with these entries: a pin goes where the story's address leads."""
        return bool(self._pinned) and any(entry_id in self._pinned for entry_id in entry_ids)

    # Who belongs together

    def apart(self, ones: Iterable[int], others: Iterable[int]) -> bool:
        """Return whether any of *ones* is kept apart from any of *others*."""
        if not self._on:
            return False
        known = [other for other in others if other in self._on]
        return any(self.together(one, other) is False for one in ones if one in self._on for other in known)

    def tied(self, ones: Iterable[int], others: Iterable[int]) -> bool:
        """Return whether any of *ones* is kept together with any of *others*."""
        if not self._on:
            return False
        known = [other for other in others if other in self._on]
        return any(self.together(one, other) is True for one in ones if one in self._on for other in known)

    def together(self, one: int, other: int) -> bool | None:
        """Return what the last decision on two entries says: together, apart, or None for nothing."""
        theirs = {decision.decision_id for decision in self._on.get(other, ())}
        for decision in reversed(self._on.get(one, ())):
            if decision.decision_id in theirs and (said := _says(decision, one, other)) is not None:
                return said
        return None

    def regroup(self, event: Decision | Undo, stories: Mapping[int, Collection[int]]) -> Groups:
        """Return what becomes of *stories* by an event that was taken: the same entries, in other groups.

        stories: every story that has an entry of `concerned`, with its entries
        """
        groups = [set(entries) for _, entries in sorted(stories.items())]
        if isinstance(event, Undo):
            self._put_back(event.decision, groups)
        else:
            self._apply(event, groups)
        return [group for group in groups if group]

    def _apply(self, decision: Decision, groups: Groups) -> None:
        leaving, staying = set(decision.entry_ids), set(decision.other_ids)
        if decision.kind is DecisionKind.MERGE:
            self._join(groups, leaving | staying)
        elif decision.kind is DecisionKind.MOVE:
            target = _group_of(groups, (decision.into_id or 0, *decision.into_ids))
            if target is None:
                target = set()
                groups.append(target)
            for group in groups:
                if group is not target:
                    target |= group & leaving
                    group -= leaving
        else:
            left: set[int] = set()
            for group in groups:
                if group & staying:
                    left |= group & leaving
                    group -= leaving
            groups.append(left)
            self._join(groups, leaving)

    def _join(self, groups: Groups, entries: Collection[int]) -> None:
        """Bring *entries* together, with the groups that they are in, or alone where such a group is kept apart."""
        target = _group_of(groups, sorted(entries))
        for group in groups:
            if target is None or group is target or not group & set(entries):
                continue
            coming = group if not self.apart(group, target) else group & set(entries)
            coming = {entry_id for entry_id in coming if not self.apart((entry_id,), target)}
            target |= coming
            group -= coming

    def _put_back(self, decision: Decision, groups: Groups) -> None:
        leaving, staying = set(decision.entry_ids), set(decision.other_ids)
        if decision.kind is DecisionKind.SPLIT:
            home = _group_of(groups, sorted(staying))
            for group in groups:
                if home is not None and group is not home and group & leaving and not self.apart(group, home):
                    home |= group
                    group.clear()
            return
        if decision.kind is DecisionKind.MERGE and min(leaving) < min(staying):
            leaving, staying = staying, leaving  # the older story keeps what came since
        anchors = staying if decision.kind is DecisionKind.MERGE else set(decision.into_ids)
        home = _group_of(groups, sorted(staying)) if decision.kind is DecisionKind.MOVE else None
        left: set[int] = set()
        for group in groups:
            if group is home or not group & anchors:
                continue
            tied = self._tied(group & leaving, group)
            if not tied & anchors:
                left |= tied
                group -= tied
        if home is not None and not self.apart(left, home):
            home |= left
        else:
            groups.append(left)

    def _tied(self, entries: set[int], group: set[int]) -> set[int]:
        """Return *entries* with those of the group that decisions keep together with them, also over others."""
        connected, open_ones = set(entries), sorted(entries)
        others = sorted(other for other in group if other in self._on)
        while open_ones:
            one = open_ones.pop()
            for other in others:
                if other not in connected and self.together(one, other):
                    connected.add(other)
                    open_ones.append(other)
        return connected


def concerned(event: Decision | Undo) -> tuple[int, ...]:
    """Return every entry that a decision speaks of."""
    decision = event.decision if isinstance(event, Undo) else event
    return (*decision.entry_ids, *decision.other_ids, *decision.into_ids)


def kind_of(event: Decision | Undo) -> DecisionKind:
    """Return the kind of a decision, or of the one that is taken back."""
    return event.decision.kind if isinstance(event, Undo) else event.kind


def name(group: Collection[int], event: Decision | Undo, known: Mapping[int, Collection[int]]) -> int:
    """Return the id of a group: that of the oldest story that is part of it or begins in it, else of its first entry.

    Where a decision is taken back, the address that the story had before it comes back too.

    known: the stories that there were before, with their entries
    """
    decision = event.decision if isinstance(event, Undo) else event
    first = [story_id for story_id, entries in known.items() if anchor(story_id, entries) in group]
    whole = [story_id for story_id in first if all(entry_id in group for entry_id in known[story_id])]
    meant = [id_ for id_ in (decision.story_id, decision.into_id) if id_ is not None and id_ in group]
    ids = whole + meant if isinstance(event, Undo) else whole
    return min(ids or first or meant or group)


def anchor(story_id: int, entries: Collection[int]) -> int:
    """Return the entry with which a story's id goes: the one it is named for, the next where that is not kept."""
    return story_id if story_id in entries else min(entries)


def reason_of(event: Decision | Undo) -> Reason:
    """Return what an editor did."""
    if isinstance(event, Undo):
        return because(ReasonKind.EDITOR_UNDO, event.decision.kind.value)
    if event.kind is DecisionKind.CATEGORY:
        return because(ReasonKind.EDITOR_CATEGORY, event.category_id or "")
    return because(_KINDS[event.kind])


_KINDS = {
    DecisionKind.SPLIT: ReasonKind.EDITOR_SPLIT,
    DecisionKind.MERGE: ReasonKind.EDITOR_MERGE,
    DecisionKind.MOVE: ReasonKind.EDITOR_MOVE,
    DecisionKind.HIDE: ReasonKind.EDITOR_HIDE,
    DecisionKind.PIN: ReasonKind.EDITOR_PIN,
}


def _says(decision: Decision, one: int, other: int) -> bool | None:
    """Return whether a decision has two entries together, or apart; None where it says nothing of the two."""
    sides = (set(decision.entry_ids), set(decision.other_ids), set(decision.into_ids))
    left, stayed, into = ((one in side, other in side) for side in sides)
    if decision.kind is DecisionKind.MERGE:
        return True
    if (left[0] and stayed[1]) or (stayed[0] and left[1]):
        return False
    if (left[0] or into[0]) and (left[1] or into[1]) and (left[0] or left[1]):
        return True
    return None


def _group_of(groups: Groups, entries: Iterable[int]) -> set[int] | None:
    """Return the group of the first of *entries* that is in any."""
    return next((group for entry_id in entries for group in groups if entry_id in group), None)
