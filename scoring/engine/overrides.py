"""Editors' decisions in force, and what the categories learn from them.

Knows which category applies, what is hidden and pinned, and from which headline a correction teaches. Leaves the
decisions themselves to `editorial.decisions`, splits and merges to `decisions`, and learning to `categories`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from aggregator.model import Decision, DecisionKind, Entry, Story, Undo
from scoring.editorial.decisions import Editors
from scoring.engine.live_story import LiveStory, Member
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState


class Overrides:
    """The decisions in force, as the parts of the engine need them."""

    def __init__(self, state: EngineState, settings: EngineSettings) -> None:
        self._state = state
        self._settings = settings
        self.editors = Editors()

    def replace(self, standing: Iterable[Decision]) -> None:
        """Use these decisions and no others."""
        self.editors = Editors(standing)

    def learn(self, event: Decision | Undo, first: Entry | Member | None) -> bool:
        """Add a correction of a category to the lessons, or remove one that is undone; return whether they changed.

        first: the first entry of its story, whose text the correction is about

        `teach` puts the changed lessons into effect.
        """
        # The text is kept with the lesson: the entry may be edited, and its story is closed within days.
        lessons = self._state.lessons
        if isinstance(event, Undo):
            return lessons.pop(event.decision.decision_id, None) is not None
        if first is None or event.kind is not DecisionKind.CATEGORY or event.decision_id in lessons:
            return False
        lessons[event.decision_id] = (event.story_id, event.category_id, first.title, first.summary)
        return True

    def teach(self) -> None:
        """Have the categories learn the lessons again, before the next text is read."""
        self._settings.categorizer.teach(self._state.lessons.values())

    def category(self, story_id: int, evidence: Sequence[float], default: str, entries: int) -> str:
        """Return a story's category: the editor's choice while it is configured, else what its texts say."""
        chosen = self.editors.category(story_id)
        # A category that left feeds.yaml has no page; the decision applies again when it returns.
        if chosen is not None and self._settings.config.category(chosen) is not None:
            return chosen
        return self._settings.categorizer.decide(evidence, default, entries)

    def category_of(self, story_id: int, live: LiveStory) -> str:
        """Return the category of a live story."""
        return self.category(story_id, live.evidence, live.default, len(live.members))

    def restated(self, story: Story, live: LiveStory) -> Story:
        """Return a live story with the decisions in force applied."""
        return dataclasses.replace(
            story,
            category_id=self.category_of(story.story_id, live),
            hidden=self.editors.hidden(story.story_id),
            pinned=self.editors.pinned(live.members),
        )
