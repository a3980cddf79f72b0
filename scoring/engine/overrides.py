"""What editors say of a story, and what the categories learn of it.

Knows which category holds, what is hidden and pinned, and by which headline a correction teaches. Leaves which
decisions stand to `editors`, which entries they part and unite to `decided`, and learning to `categories`.
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
    """The decisions that stand, as the engine's rooms ask for them."""

    def __init__(self, state: EngineState, settings: EngineSettings) -> None:
        self._state = state
        self._settings = settings
        self.editors = Editors()

    def replace(self, standing: Iterable[Decision]) -> None:
        """Go by these decisions and no others."""
        self.editors = Editors(standing)

    def learn(self, event: Decision | Undo, first: Entry | Member | None) -> bool:
        """Let a correction teach by the first entry of its story, or no longer; return whether that is new.

        What changed is taught by `teach`.
        """
        lessons = self._state.lessons
        if isinstance(event, Undo):
            return lessons.pop(event.decision.decision_id, None) is not None
        if first is None or event.kind is not DecisionKind.CATEGORY or event.decision_id in lessons:
            return False
        lessons[event.decision_id] = (event.story_id, event.category_id, first.title, first.summary)
        return True

    def teach(self) -> None:
        """Let the categories go by what was learned."""
        self._settings.categorizer.teach(self._state.lessons.values())

    def category(self, story_id: int, evidence: Sequence[float], default: str, entries: int) -> str:
        """Return a story's category: an editor's, while it is configured, else what the texts say."""
        said = self.editors.category(story_id)
        if said is not None and self._settings.config.category(said) is not None:
            return said
        return self._settings.categorizer.decide(evidence, default, entries)

    def category_of(self, story_id: int, live: LiveStory) -> str:
        """Return the category of a live story."""
        return self.category(story_id, live.evidence, live.default, len(live.members))

    def restated(self, story: Story, live: LiveStory) -> Story:
        """Return a live story with what editors say of it."""
        return dataclasses.replace(
            story,
            category_id=self.category_of(story.story_id, live),
            hidden=self.editors.hidden(story.story_id),
            pinned=self.editors.pinned(live.members),
        )
