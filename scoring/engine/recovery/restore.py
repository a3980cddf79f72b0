"""Rebuild the engine's state from stored entries, memberships and stories, where no snapshot fits.

Knows how far back each part of the state reaches: entries of live stories join again; entries of closed stories are
only counted, from the first day that a count still covers. `snapshot` is the faster way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Decision, Edit, Entry, Event, Membership, Story
from scoring.clustering.clusterer import Placement
from scoring.editorial import decisions
from scoring.engine.membership import Joiner
from scoring.engine.overrides import Overrides
from scoring.engine.state import HISTORY, MAX_STORY_AGE, EngineState
from scoring.engine.step_log import in_order
from scoring.relevance.news_context import USUAL_DAYS

EVENTS_HORIZON = HISTORY
"""How far back events are needed: no count includes an older entry."""

MEMBERSHIPS_HORIZON = HISTORY + MAX_STORY_AGE + timedelta(days=2)
"""How far back memberships are needed: a source that joins a story within HISTORY follows those that joined earlier."""

_CONTEXT = timedelta(days=USUAL_DAYS + 1)
"""How far back the news context reaches."""


class Restorer:
    """Fills an empty engine; for one use."""

    def __init__(
        self, state: EngineState, overrides: Overrides, joiner: Joiner, window: timedelta, until: datetime
    ) -> None:
        self._state = state
        self._overrides = overrides
        self._joiner = joiner
        self._keep = MAX_STORY_AGE + window
        self._context_from = until - _CONTEXT
        self._joined: dict[int, dict[str, datetime]] = {}
        """When each voice joined, by closed story."""
        self._recent: dict[int, Entry] = {}
        """Entries that a correction may be about, in order of arrival."""

    def run(
        self,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        memberships: Mapping[int, Membership],
        stories: Iterable[Story],
        corrections: Iterable[tuple[Decision, Entry]],
    ) -> None:
        """Apply *groups* with the memberships that are stored; see `Engine.rebuild`."""
        # Corrections from before the first event are not among the groups.
        for decision, entry in corrections:
            self._overrides.learn(decision, entry)
        stories = list(stories)
        live_ids = {story.story_id for story in stories}
        earlier_known = False
        for now, events in groups:
            self._state.advance(now)
            self._forget_old(now)
            ids = [event.entry_id for event in events if isinstance(event, Entry)]
            if ids and not earlier_known:
                earlier_known = True
                self._note_earlier_voices(memberships, min(ids))
            for event in in_order(events):
                if isinstance(event, Entry):
                    self._entry(event, memberships.get(event.entry_id), live_ids)
                elif isinstance(event, Edit):
                    self._edit(event)
                else:
                    self._overrides.constraints.apply(event)
                    concerned = (self._recent.get(entry_id) for entry_id in sorted(decisions.concerned(event)))
                    self._overrides.learn(event, next((entry for entry in concerned if entry is not None), None))
        self._state.clusterer.flush()
        self._state.set_stories(stories)
        # The beginning of a story from before the horizon is unknown, so no entry joins it.
        for story_id in [story_id for story_id, live in self._state.live.items() if live.story is None]:
            self._state.forget(story_id)
        if self._state.corrections:
            self._overrides.learn_corrections()
            self._joiner.recompute_evidence()

    def _forget_old(self, now: datetime) -> None:
        while self._recent and now - next(iter(self._recent.values())).first_seen_at > self._keep:
            del self._recent[next(iter(self._recent))]

    def _entry(self, entry: Entry, membership: Membership | None, live_ids: set[int]) -> None:
        self._recent[entry.entry_id] = entry
        # An entry after the watermark, or one whose story was pruned: there is nothing to restore.
        if membership is None:
            return
        if membership.story_id in live_ids:
            # Where it joined then, whatever this version would decide: readers know these stories.
            placement = Placement(membership.story_id, membership.similarity, membership.probability, membership.reason)
            self._joiner.join(entry, self._state.texts.of(entry), placement, membership)
        else:
            joined = self._joined.setdefault(membership.story_id, {})
            context = entry.first_seen_at >= self._context_from
            self._joiner.count(entry, membership, joined, context=context)
            joined.setdefault(membership.voice, membership.joined_at)

    def _note_earlier_voices(self, memberships: Mapping[int, Membership], first: int) -> None:
        """Note the voices of entries from before the first event; nothing else about them is needed."""
        for entry_id, membership in sorted(memberships.items()):
            if entry_id >= first:
                break
            self._joined.setdefault(membership.story_id, {}).setdefault(membership.voice, membership.joined_at)

    def _edit(self, edit: Edit) -> None:
        self._state.texts.forget(edit.entry_id)
        story_id = self._state.story_of.get(edit.entry_id)
        if story_id is not None:
            self._joiner.edit(story_id, edit)
        entry = self._recent.get(edit.entry_id)
        if entry is not None:
            self._recent[edit.entry_id] = replace(entry, title=edit.title, summary=edit.summary)
