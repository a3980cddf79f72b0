"""Apply editors' decisions, and undone decisions, to the live stories.

Knows which stories a decision concerns, and what their ledgers say about it. Leaves which entries belong together to
`editorial.decisions`, moving entries to `regrouping`, and closed stories to `closed_stories`, unless a split or merge
reopens them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import Cause, Decision, DecisionKind, ReasonKind, Undo, because
from scoring.editorial import decisions
from scoring.engine.live_story import ClosedStory, LiveStory, Member
from scoring.engine.overrides import Overrides
from scoring.engine.regrouping import Regrouping
from scoring.engine.state import EngineState
from scoring.engine.step_log import Gone, StepLog

_CAUSES = {
    DecisionKind.SPLIT: Cause.SPLIT,
    DecisionKind.MERGE: Cause.MERGED,
    DecisionKind.MOVE: Cause.MOVED,
}


class DecisionHandler:
    """Takes the decisions among the events of a step."""

    def __init__(self, state: EngineState, overrides: Overrides, regrouping: Regrouping) -> None:
        self._state = state
        self._overrides = overrides
        self._regrouping = regrouping

    def apply(self, event: Decision | Undo, closed: Sequence[ClosedStory], log: StepLog) -> None:
        """Put a decision into force, or out of it, and change the stories accordingly.

        closed: the closed stories of the entries that it splits, merges or moves
        """
        self._overrides.constraints.apply(event)
        if decisions.kind_of(event) in decisions.STRUCTURAL:
            for closed_story in closed:
                self._regrouping.reopen(*closed_story)
            self._restructure(event, log)
        else:
            self._note_changes(event, log)

    def _note_changes(self, event: Decision | Undo, log: StepLog) -> None:
        """Note the live stories whose category, visibility or pin changes."""
        # The text of a closed story is not loaded yet: `closed_stories` learns from it after the step.
        if self._overrides.learn(event, self._first_of(event)):
            self._overrides.learn_corrections()
        for story_id in self._state.stories_of(decisions.concerned(event)):
            live = self._state.live[story_id]
            if live.story is not None and self._overrides.with_decisions(live.story, live) != live.story:
                log.note(story_id, Cause.DECIDED, decisions.reason_of(event))

    def _first_of(self, event: Decision | Undo) -> Member | None:
        """Return the first entry of a decision that is part of a live story."""
        for entry_id in sorted(decisions.concerned(event)):
            story_id = self._state.story_of.get(entry_id)
            if story_id is not None:
                return self._state.live[story_id].members[entry_id]
        return None

    def _restructure(self, event: Decision | Undo, log: StepLog) -> None:
        """Move entries between stories as a split, merge or move requires."""
        before = {
            story_id: self._state.live[story_id] for story_id in self._state.stories_of(decisions.concerned(event))
        }
        members_of = {story_id: live.members for story_id, live in before.items()}
        regrouped = self._overrides.constraints.regroup(event, members_of)
        after = {decisions.group_id(group, event, members_of): group for group in regrouped}
        changed = {
            story_id: group
            for story_id, group in sorted(after.items())
            if story_id not in before or group != before[story_id].members.keys()
        }
        # Read before the stories are dropped: a new group waits for entries as long as the youngest of those it comes
        # from.
        latest = {story_id: self._state.clusterer.latest(story_id) for story_id in before}
        # All stories that lose entries go first: a group may take over the ID of one of them.
        for story_id in before:
            if story_id in changed or story_id not in after:
                self._regrouping.remove(story_id)
        was_in = {entry_id: story_id for story_id, live in before.items() for entry_id in live.members}
        for story_id, group in changed.items():
            parent_ids = sorted({was_in[entry_id] for entry_id in group})
            parents = [before[parent_id] for parent_id in parent_ids]
            log.memberships += self._regrouping.form(story_id, group, parents, decisions.reason_of(event))
            self._regrouping.reindex(story_id, max(latest[parent_id] for parent_id in parent_ids))
        self._log_moves(event, before, after, changed, log)

    def _log_moves(
        self,
        event: Decision | Undo,
        before: Mapping[int, LiveStory],
        after: Mapping[int, Collection[int]],
        changed: Iterable[int],
        log: StepLog,
    ) -> None:
        """Note for each changed story which entries left and which came."""
        did, cause = decisions.reason_of(event), _CAUSES[decisions.kind_of(event)]
        for story_id in changed:
            own = set(before[story_id].members) if story_id in before else set()
            ways = [
                because(ReasonKind.WENT_TO, len(own & set(group)), other)
                for other, group in sorted(after.items())
                if other != story_id and own & set(group)
            ] + [
                because(ReasonKind.CAME_FROM, len(set(live.members) & set(after[story_id])), other)
                for other, live in before.items()
                if other != story_id and set(live.members) & set(after[story_id])
            ]
            log.note(story_id, cause, because(ReasonKind.REGROUPED, did, *ways))
        # A story without entries redirects to where its anchor went, so its address keeps leading somewhere.
        for story_id, live in before.items():
            if story_id not in after:
                into = self._state.story_of[decisions.anchor(story_id, live.members)]
                log.gone.append(Gone(story_id, into, live.story, did))
