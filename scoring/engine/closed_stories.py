"""Apply an edit, a decision or a vote to a closed story, which is no longer part of the engine's state.

The score of such a story is final: only what was edited, decided or voted changes. The caller loads the story. Splits
and merges reopen it, see `decisions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aggregator.model import (
    Cause,
    Changes,
    Contribution,
    Decision,
    DecisionKind,
    Edit,
    LedgerLine,
    ReasonKind,
    Story,
    Undo,
    because,
)
from scoring.editorial import decisions
from scoring.engine.live_story import ClosedStory, plus
from scoring.engine.overrides import Overrides
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState
from scoring.insights import lead_entry
from scoring.insights.lead_entry import Headline
from scoring.relevance.model import RelevanceModel
from scoring.relevance.signals import Scored


class ClosedStories:
    """Computes changes of closed stories; call it after the step of the same event."""

    def __init__(self, state: EngineState, settings: EngineSettings, overrides: Overrides) -> None:
        self._state = state
        self._settings = settings
        self._overrides = overrides

    def concerned(self, event: Decision | Undo, now: datetime) -> list[int]:
        """Return the entries that a decision concerns and whose story is closed at *now*. Call it before the step."""
        self._state.advance(now)
        return [entry_id for entry_id in decisions.concerned(event) if entry_id not in self._state.story_of]

    def edited(self, closed: ClosedStory, edit: Edit) -> Changes:
        """Return the changes that *edit* makes: the headline follows as a live story's does, the score stays.

        closed: with its entries' text as it is after the edit
        """
        story, members = closed
        # The score rests on what was known while the story was live: votes, coverage, news context. None of that is
        # stored with a closed story, so a new headline cannot be scored fairly.
        headlines = []
        for entry, membership in members:
            # A copy never leads: its own text is the original's, and the original deserves the link.
            copy = membership.voice != self._settings.owner_of(entry)
            clarity = lead_entry.clarity(entry.title, entry.summary)
            headlines.append(Headline(entry.entry_id, entry.title, clarity, copy, entry.embedding))
        lead_id = lead_entry.choose(lead_entry.rated(headlines), story.lead_entry_id)
        lead = next(entry for entry, _ in members if entry.entry_id == lead_id)
        revised = replace(story, headline=lead.title, summary=lead.summary, lead_entry_id=lead_id, updated_at=edit.at)
        reason = because(ReasonKind.TEXT_CHANGED)
        line = LedgerLine(story.story_id, edit.at, Cause.EDITED, reason, story.score, story.score, edit.entry_id)
        return Changes(stories=(revised,), ledger=(line,))

    def decided(self, closed: ClosedStory, event: Decision | Undo) -> Changes:
        """Return the changes that hiding, pinning or another category makes."""
        story, members = closed
        if self._overrides.learn(event, members[0][0]):
            self._overrides.learn_corrections()
            # The step could not learn from the correction, as it did not have the headline. A replay from an older
            # snapshot would not have it either, so a new one is due at once.
            self._state.has_reopened = True
        category = story.category_id
        if decisions.kind_of(event) is DecisionKind.CATEGORY:
            evidence: list[float] = []
            for entry, _ in members:
                of_entry = self._settings.evidence(
                    entry.source_id, entry.title, entry.summary, entry.link, entry.embedding
                )
                evidence = plus(evidence, of_entry)
            default = self._settings.default(members[0][0].source_id)
            category = self._overrides.category(story.story_id, evidence, default, len(members))
        revised = replace(
            story,
            category_id=category,
            hidden=self._overrides.constraints.hidden(story.story_id),
            pinned=self._overrides.constraints.pinned([entry.entry_id for entry, _ in members]),
        )
        # A decision that changes nothing leaves no line in the ledger, or undo and redo would fill it.
        if revised == story:
            return Changes()
        reason = decisions.reason_of(event)
        line = LedgerLine(story.story_id, event.at, Cause.DECIDED, reason, story.score, story.score)
        return Changes(stories=(replace(revised, updated_at=event.at),), ledger=(line,))

    def voted(self, closed: ClosedStory, now: datetime, model: RelevanceModel) -> Changes:
        """Return the changes that the current votes make."""
        story, members = closed
        before = Scored(story.relevance, story.score, story.provisional, story.contributions)
        scored = model.voted(before, story.story_id, [entry.entry_id for entry, _ in members])
        if _log_odds(scored.contributions) == _log_odds(story.contributions):
            return Changes()
        revised: Story = replace(
            story,
            relevance=scored.relevance,
            score=scored.score,
            contributions=scored.contributions,
            updated_at=now,
        )
        line = LedgerLine(
            story.story_id, now, Cause.VOTED, because(ReasonKind.EDITORS_VOTED), story.score, scored.score
        )
        return Changes(stories=(revised,), ledger=(line,))


def _log_odds(contributions: Sequence[Contribution]) -> dict[str, float]:
    return {part.name: part.log_odds for part in contributions}
