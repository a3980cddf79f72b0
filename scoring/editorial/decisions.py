"""Turn editors' decisions into constraints on the stories.

Knows which decisions are in force, which entries they link or separate, and which stories they hide, pin or move to
another category. How a story is made of its entries is up to `engine`; the store keeps the decisions.

A decision names entries, not only stories, so it still applies when a rebuild forms other stories. For two entries, the
last decision in force that names both is a must-link or a cannot-link:

    split   the entries that left are linked with each other, and separated from those that stayed
    merge   all entries of both stories are linked
    move    the entries that moved are linked with the story that they moved to, and separated from those that stayed

Entries that arrive later are not part of a decision: they may join either side, but never reconnect the sides. Undoing
a decision puts its entries back where they were, with the entries linked to them by other decisions; entries that
arrived since stay where they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from aggregator.model import Decision, DecisionKind, Reason, ReasonKind, Undo, because

STRUCTURAL = (DecisionKind.SPLIT, DecisionKind.MERGE, DecisionKind.MOVE)
"""The kinds that change which entries are together."""

Groups = list[set[int]]


class Constraints:
    """The decisions in force."""

    def __init__(self, standing: Iterable[Decision] = ()) -> None:
        self._on: dict[int, list[Decision]] = defaultdict(list)
        """The structural decisions that name an entry, in order."""
        self._category: dict[int, list[Decision]] = defaultdict(list)
        self._hidden: dict[int, list[Decision]] = defaultdict(list)
        self._pinned: dict[int, list[Decision]] = defaultdict(list)
        for decision in standing:
            self.apply(decision)

    def apply(self, event: Decision | Undo) -> None:
        """Apply a decision, or undo it."""
        decision = event.decision if isinstance(event, Undo) else event
        book, keys = self._place(decision)
        for key in keys:
            if isinstance(event, Decision):
                book[key].append(event)
                continue
            book[key] = [earlier for earlier in book[key] if earlier.decision_id != decision.decision_id]
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

    # What applies to a story

    def category(self, story_id: int) -> str | None:
        """Return the category that an editor gave a story, or None.

        It applies to each story whose first entry was in the story that the editor saw, as `hidden` does: a story that
        is split off inherits it, and a story that absorbs this one does not.
        """
        decisions = self._category.get(story_id)
        return decisions[-1].category_id if decisions else None

    def hidden(self, story_id: int) -> bool:
        """Return whether an editor hid a story from all lists."""
        return story_id in self._hidden

    def pinned(self, entry_ids: Collection[int]) -> bool:
        """Return whether an editor pinned a story that has one of these entries: a pin follows the story's redirect."""
        return bool(self._pinned) and any(entry_id in self._pinned for entry_id in entry_ids)

    # Which entries belong together

    def cannot_link(self, entry_ids: Iterable[int], others: Iterable[int]) -> bool:
        """Return whether a decision separates any of *entry_ids* from any of *others*."""
        return self._any_pair(entry_ids, others, together=False)

    def must_link(self, entry_ids: Iterable[int], others: Iterable[int]) -> bool:
        """Return whether a decision links any of *entry_ids* with any of *others*."""
        return self._any_pair(entry_ids, others, together=True)

    def _any_pair(self, entry_ids: Iterable[int], others: Iterable[int], *, together: bool) -> bool:
        if not self._on:
            return False
        constrained = [other for other in others if other in self._on]
        return any(
            self.together(entry_id, other) is together
            for entry_id in entry_ids
            if entry_id in self._on
            for other in constrained
        )

    def together(self, first: int, second: int) -> bool | None:
        """Return whether the last decision on two entries links (True) or separates (False) them; None without one."""
        of_other = {decision.decision_id for decision in self._on.get(second, ())}
        for decision in reversed(self._on.get(first, ())):
            if decision.decision_id in of_other and (linked := _links(decision, first, second)) is not None:
                return linked
        return None

    def regroup(self, event: Decision | Undo, stories: Mapping[int, Collection[int]]) -> Groups:
        """Return the entries of *stories* regrouped as an event that was taken demands.

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
        """Move *entries* into one group, with the rest of their groups unless a decision separates it."""
        target = _group_of(groups, sorted(entries))
        for group in groups:
            if target is None or group is target or not group & set(entries):
                continue
            coming = group if not self.cannot_link(group, target) else group & set(entries)
            coming = {entry_id for entry_id in coming if not self.cannot_link((entry_id,), target)}
            target |= coming
            group -= coming

    def _put_back(self, decision: Decision, groups: Groups) -> None:
        leaving, staying = set(decision.entry_ids), set(decision.other_ids)
        if decision.kind is DecisionKind.SPLIT:
            home = _group_of(groups, sorted(staying))
            for group in groups:
                if home is not None and group is not home and group & leaving and not self.cannot_link(group, home):
                    home |= group
                    group.clear()
            return
        if decision.kind is DecisionKind.MERGE and min(leaving) < min(staying):
            leaving, staying = staying, leaving  # the older story keeps later entries
        anchors = staying if decision.kind is DecisionKind.MERGE else set(decision.into_ids)
        home = _group_of(groups, sorted(staying)) if decision.kind is DecisionKind.MOVE else None
        left: set[int] = set()
        for group in groups:
            if group is home or not group & anchors:
                continue
            linked = self._linked(group & leaving, group)
            if not linked & anchors:
                left |= linked
                group -= linked
        if home is not None and not self.cannot_link(left, home):
            home |= left
        else:
            groups.append(left)

    def _linked(self, entries: set[int], group: set[int]) -> set[int]:
        """Return *entries* and the entries of the group that must-links connect with them, directly or not."""
        linked, queue = set(entries), sorted(entries)
        others = sorted(other for other in group if other in self._on)
        while queue:
            entry_id = queue.pop()
            for other in others:
                if other not in linked and self.together(entry_id, other):
                    linked.add(other)
                    queue.append(other)
        return linked


def concerned(event: Decision | Undo) -> tuple[int, ...]:
    """Return every entry that a decision names."""
    decision = event.decision if isinstance(event, Undo) else event
    return (*decision.entry_ids, *decision.other_ids, *decision.into_ids)


def kind_of(event: Decision | Undo) -> DecisionKind:
    """Return the kind of a decision, or of the one that is undone."""
    return event.decision.kind if isinstance(event, Undo) else event.kind


def group_id(group: Collection[int], event: Decision | Undo, stories: Mapping[int, Collection[int]]) -> int:
    """Return the ID of a group: that of the oldest story that is part of it or begins in it, else of its first entry.

    Undoing a decision also restores the ID that the story had before it.

    stories: the stories before the event, with their entries
    """
    decision = event.decision if isinstance(event, Undo) else event
    first = [story_id for story_id, entries in stories.items() if anchor(story_id, entries) in group]
    complete = [story_id for story_id in first if all(entry_id in group for entry_id in stories[story_id])]
    named = [id_ for id_ in (decision.story_id, decision.into_id) if id_ is not None and id_ in group]
    ids = complete + named if isinstance(event, Undo) else complete
    return min(ids or first or named or group)


def anchor(story_id: int, entries: Collection[int]) -> int:
    """Return the entry that the story's ID follows: the one it is named for, or the oldest that is kept."""
    return story_id if story_id in entries else min(entries)


def reason_of(event: Decision | Undo) -> Reason:
    """Return the reason to store for an event."""
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


def _links(decision: Decision, first: int, second: int) -> bool | None:
    """Return whether a decision links (True) or separates (False) two entries; None for neither."""
    sides = (set(decision.entry_ids), set(decision.other_ids), set(decision.into_ids))
    left, stayed, into = ((first in side, second in side) for side in sides)
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
