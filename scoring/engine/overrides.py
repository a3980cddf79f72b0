"""Apply editorial decisions to stories, and collect the category corrections among them.

Knows which category applies, what is hidden and pinned, and which headline a correction is about. The decisions
themselves are in `editorial.decisions`, splits and merges in `decisions`, and learning in `categories`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from aggregator.model import Decision, DecisionKind, Entry, Story, Undo
from scoring.editorial.decisions import Constraints
from scoring.engine.live_story import LiveStory, Member
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState


class Overrides:
    """The decisions in force, in the form that the engine needs."""

    def __init__(self, state: EngineState, settings: EngineSettings) -> None:
        self._state = state
        self._settings = settings
        self.constraints = Constraints()

    def replace(self, standing: Iterable[Decision]) -> None:
        """Use these decisions and no others."""
        self.constraints = Constraints(standing)

    def learn(self, event: Decision | Undo, first: Entry | Member | None) -> bool:
        """Add a category correction, or remove an undone one; return whether the corrections changed.

        first: the first entry of its story, whose text the correction is about

        `learn_corrections` puts the change into effect.
        """
        # The text is kept with the correction: the entry may be edited, and its story is closed within days.
        corrections = self._state.corrections
        if isinstance(event, Undo):
            return corrections.pop(event.decision.decision_id, None) is not None
        if first is None or event.kind is not DecisionKind.CATEGORY or event.decision_id in corrections:
            return False
        corrections[event.decision_id] = (event.story_id, event.category_id, first.title, first.summary)
        return True

    def learn_corrections(self) -> None:
        """Train the categories again with all corrections, before the next text is classified."""
        self._settings.categorizer.learn_corrections(self._state.corrections.values())

    def category(self, story_id: int, evidence: Sequence[float], default: str, entries: int) -> str:
        """Return a story's category: the editor's choice while it is configured, else what its texts indicate."""
        chosen = self.constraints.category(story_id)
        # A category that left feeds.yaml has no page; the decision applies again when it returns.
        if chosen is not None and self._settings.config.category(chosen) is not None:
            return chosen
        return self._settings.categorizer.decide(evidence, default, entries)

    def category_of(self, story_id: int, live: LiveStory) -> str:
        """Return the category of a live story."""
        return self.category(story_id, live.evidence, live.default, len(live.members))

    def with_decisions(self, story: Story, live: LiveStory) -> Story:
        """Return a live story with the decisions in force applied."""
        return dataclasses.replace(
            story,
            category_id=self.category_of(story.story_id, live),
            hidden=self.constraints.hidden(story.story_id),
            pinned=self.constraints.pinned(live.members),
        )
