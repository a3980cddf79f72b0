"""What editors say of a story, and what the categories learn of it.

Knows which category holds, what is hidden and pinned, and by which headline a correction teaches. Leaves which
decisions stand to `editors`, which entries they part and unite to `decided`, and learning to `categories`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from aggregator.model import Decision, DecisionKind, Entry, Story, Undo
from scoring.editorial.decisions import Editors
from scoring.engine.live_story import Live, Member
from scoring.engine.settings import Setting
from scoring.engine.state import Held


class Rulings:
    """The decisions that stand, as the engine's rooms ask for them."""

    def __init__(self, state: Held, setting: Setting) -> None:
        self._held = state
        self._setting = setting
        self.editors = Editors()

    def stand(self, standing: Iterable[Decision]) -> None:
        """Go by these decisions and no others."""
        self.editors = Editors(standing)

    def learn(self, event: Decision | Undo, first: Entry | Member | None) -> bool:
        """Let a correction teach by the first entry of its story, or no longer; return whether that is new.

        What changed is taught by `teach`.
        """
        lessons = self._held.lessons
        if isinstance(event, Undo):
            return lessons.pop(event.decision.decision_id, None) is not None
        if first is None or event.kind is not DecisionKind.CATEGORY or event.decision_id in lessons:
            return False
        lessons[event.decision_id] = (event.story_id, event.category_id, first.title, first.summary)
        return True

    def teach(self) -> None:
        """Let the categories go by what was learned."""
        self._setting.categorizer.teach(self._held.lessons.values())

    def category(self, story_id: int, evidence: Sequence[float], default: str, entries: int) -> str:
        """Return a story's category: an editor's, while it is configured, else what the texts say."""
        said = self.editors.category(story_id)
        if said is not None and self._setting.config.category(said) is not None:
            return said
        return self._setting.categorizer.decide(evidence, default, entries)

    def category_of(self, story_id: int, live: Live) -> str:
        """Return the category of a live story."""
        return self.category(story_id, live.evidence, live.default, len(live.members))

    def restated(self, story: Story, live: Live) -> Story:
        """Return a live story with what editors say of it."""
        return replace(
            story,
            category_id=self.category_of(story.story_id, live),
            hidden=self.editors.hidden(story.story_id),
            pinned=self.editors.pinned(live.members),
        )
