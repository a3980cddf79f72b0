"""Do what an editor decided, or took back, to the live stories.

Knows which stories a decision concerns, and how it is told in their history. Leaves who belongs with whom to
`editors`, moving entries to `regroup`, and stories that are over to `over`, save those that a split or merge wakes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import Cause, Decision, DecisionKind, Undo
from scoring.editorial import decisions
from scoring.engine.live_story import Asleep, Live, Member
from scoring.engine.overrides import Rulings
from scoring.engine.regrouping import Regroup, counted
from scoring.engine.state import Held
from scoring.engine.step_log import Gone, Turns

_CAUSES = {
    DecisionKind.SPLIT: Cause.SPLIT,
    DecisionKind.MERGE: Cause.MERGED,
    DecisionKind.MOVE: Cause.MOVED,
}


class Decided:
    """Takes editors' decisions among the events."""

    def __init__(self, state: Held, rulings: Rulings, regroup: Regroup) -> None:
        self._held = state
        self._rulings = rulings
        self._regroup = regroup

    def take(self, event: Decision | Undo, asleep: Sequence[Asleep], turns: Turns) -> None:
        """Let a decision stand, or no longer, and do to the stories what it says.

        asleep: the stories that are over of the entries that it parts or unites
        """
        self._rulings.editors.take(event)
        if decisions.kind_of(event) in decisions.STRUCTURAL:
            for sleeping in asleep:
                self._regroup.wake(*sleeping)
            self._restructure(event, turns)
        else:
            self._restate(event, turns)

    def _restate(self, event: Decision | Undo, turns: Turns) -> None:
        """Note the live stories of which category, hiding or pinning says something else now."""
        if self._rulings.learn(event, self._first_of(event)):
            self._rulings.teach()
        for story_id in self._held.stories_of(decisions.concerned(event)):
            live = self._held.live[story_id]
            if live.story is not None and self._rulings.restated(live.story, live) != live.story:
                turns.note(story_id, Cause.DECIDED, decisions.described(event))

    def _first_of(self, event: Decision | Undo) -> Member | None:
        """Return the first entry that a decision speaks of and that is of a live story."""
        for entry_id in sorted(decisions.concerned(event)):
            story_id = self._held.story_of.get(entry_id)
            if story_id is not None:
                return self._held.live[story_id].members[entry_id]
        return None

    def _restructure(self, event: Decision | Undo, turns: Turns) -> None:
        """Give entries to other stories, where a split, merge or move says so."""
        before = {story_id: self._held.live[story_id] for story_id in self._held.stories_of(decisions.concerned(event))}
        members_before = {story_id: live.members for story_id, live in before.items()}
        regrouped = self._rulings.editors.regroup(event, members_before)
        after = {decisions.name(group, event, members_before): group for group in regrouped}
        changed = {
            story_id: group
            for story_id, group in sorted(after.items())
            if story_id not in before or group != before[story_id].members.keys()
        }
        latest = {story_id: self._held.clusterer.latest(story_id) for story_id in before}
        for story_id in before:
            if story_id in changed or story_id not in after:
                self._regroup.drop(story_id)
        was_in = {entry_id: story_id for story_id, live in before.items() for entry_id in live.members}
        for story_id, group in changed.items():
            came_from = sorted({was_in[entry_id] for entry_id in group})
            parents = [before[known] for known in came_from]
            turns.memberships += self._regroup.form(story_id, group, parents, decisions.described(event))
            self._regroup.hold_texts(story_id, max(latest[known] for known in came_from))
        self._tell(event, before, after, changed, turns)

    def _tell(
        self,
        event: Decision | Undo,
        before: Mapping[int, Live],
        after: Mapping[int, Collection[int]],
        changed: Iterable[int],
        turns: Turns,
    ) -> None:
        """Say of each story that a decision changed what went and came."""
        did, cause = decisions.described(event), _CAUSES[decisions.kind_of(event)]
        for story_id in changed:
            before_ids = set(before[story_id].members) if story_id in before else set()
            ways = [
                f"{counted(before_ids & set(group))} went to story {other}"
                for other, group in sorted(after.items())
                if other != story_id and before_ids & set(group)
            ] + [
                f"{counted(set(live.members) & set(after[story_id]))} came from story {other}"
                for other, live in before.items()
                if other != story_id and set(live.members) & set(after[story_id])
            ]
            turns.note(story_id, cause, f"{did}: {', '.join(ways)}")
        for story_id, live in before.items():
            if story_id not in after:
                into = self._held.story_of[decisions.anchor(story_id, live.members)]
                turns.gone.append(Gone(story_id, into, live.story, did))
