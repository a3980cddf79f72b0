"""Come to the state of an engine that took in everything, from what was written of it.

Knows how much has to be read again for which part: entries of live stories join anew, those of others are only
counted. Leaves the shorter way, from a checkpoint, to `held`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Edit, Entry, Event, Membership, Story
from scoring.clustering.clusterer import Placement
from scoring.editorial import decisions
from scoring.engine.live_story import text_of
from scoring.engine.membership import Joining
from scoring.engine.overrides import Rulings
from scoring.engine.state import HISTORY, LONGEST, Held
from scoring.engine.step_log import in_order

MEMORY = HISTORY + LONGEST + timedelta(days=2)
"""How far back it has to be told of entries to know every count."""


class Comeback:
    """Fills an engine that holds nothing yet; for one use."""

    def __init__(self, state: Held, rulings: Rulings, joining: Joining, window: timedelta) -> None:
        self._held = state
        self._rulings = rulings
        self._joining = joining
        self._keep = LONGEST + window
        self._joined: dict[int, dict[str, datetime]] = {}
        """When each independent source joined, by story that is over."""
        self._recent: dict[int, Entry] = {}
        """By whose text a correction may have taught, in order of arrival."""

    def run(
        self,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        memberships: Mapping[int, Membership],
        stories: Iterable[Story],
    ) -> None:
        """Take in *groups* as they were written; see `Engine.remember`."""
        stories = list(stories)
        open_ones = {story.story_id for story in stories}
        for now, events in groups:
            self._held.advance(now)
            self._let_go(now)
            for event in in_order(events):
                if isinstance(event, Entry):
                    self._entry(event, memberships.get(event.entry_id), open_ones)
                elif isinstance(event, Edit):
                    self._edit(event)
                else:
                    self._rulings.editors.take(event)
                    spoken_of = (self._recent.get(item) for item in sorted(decisions.concerned(event)))
                    self._rulings.learn(event, next((entry for entry in spoken_of if entry is not None), None))
        self._held.put_back(stories)
        # What began before the time that we were told of cannot be known exactly; it takes in no more.
        for story_id in [story_id for story_id, live in self._held.live.items() if live.story is None]:
            self._held.forget(story_id)
        if self._held.lessons:
            self._rulings.teach()
            self._joining.reread()

    def _let_go(self, now: datetime) -> None:
        while self._recent and now - next(iter(self._recent.values())).first_seen_at > self._keep:
            del self._recent[next(iter(self._recent))]

    def _entry(self, entry: Entry, known: Membership | None, open_ones: set[int]) -> None:
        self._recent[entry.entry_id] = entry
        if known is None:
            return
        if known.story_id in open_ones:
            placement = Placement(known.story_id, known.similarity, known.probability, known.reason)
            self._joining.join(entry, text_of(entry), placement, known)
        else:
            joined = self._joined.setdefault(known.story_id, {})
            self._joining.count(entry, known, joined)
            joined.setdefault(known.voice, known.joined_at)

    def _edit(self, edit: Edit) -> None:
        story_id = self._held.story_of.get(edit.entry_id)
        if story_id is not None:
            self._joining.edit(story_id, edit)
        entry = self._recent.get(edit.entry_id)
        if entry is not None:
            self._recent[edit.entry_id] = replace(entry, title=edit.title, summary=edit.summary)
