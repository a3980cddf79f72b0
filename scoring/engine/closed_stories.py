"""What an edit, a decision or a vote makes of a story that is over, which the engine holds no more.

Knows that such a story is settled: it changes in what was said of it, and in nothing else. Leaves finding it to the
caller, who has it as it was last written; and splits and merges, for which it is woken, to `decided`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aggregator.model import Cause, Changes, Contribution, Decision, DecisionKind, Edit, LedgerLine, Story, Undo
from scoring.editorial import decisions
from scoring.engine.live_story import Asleep, plus
from scoring.engine.overrides import Rulings
from scoring.engine.settings import Setting
from scoring.insights import lead_entry
from scoring.relevance.model import RelevanceModel
from scoring.relevance.signals import Scored


def edited(sleeping: Asleep, edit: Edit, setting: Setting) -> Changes:
    """Return what *edit* makes of it: headline and summary follow as a live story's do; its score is settled.

    sleeping: with its entries' text as it is after the edit
    """
    story, members = sleeping
    values = []
    for entry, membership in members:
        copy = membership.voice != setting.owner_of(entry)
        values.append((entry.entry_id, lead_entry.clarity(entry.title, entry.summary) - copy))
    lead_id = lead_entry.choose(values, story.lead_entry_id)
    lead = next(entry for entry, _ in members if entry.entry_id == lead_id)
    revised = replace(story, headline=lead.title, summary=lead.summary, lead_entry_id=lead_id, updated_at=edit.at)
    words = "its source changed the text"
    line = LedgerLine(story.story_id, edit.at, Cause.EDITED, words, story.score, story.score, edit.entry_id)
    return Changes(stories=(revised,), ledger=(line,))


def restated(sleeping: Asleep, event: Decision | Undo, setting: Setting, rulings: Rulings) -> Changes:
    """Return what hiding, pinning or another category makes of it."""
    story, members = sleeping
    evidence: list[float] = []
    for entry, _ in members:
        evidence = plus(evidence, setting.evidence(entry.source_id, entry.title, entry.summary, entry.link))
    category = story.category_id
    if decisions.kind_of(event) is DecisionKind.CATEGORY:
        default = setting.default(members[0][0].source_id)
        category = rulings.category(story.story_id, evidence, default, len(members))
    said = replace(
        story,
        category_id=category,
        hidden=rulings.editors.hidden(story.story_id),
        pinned=rulings.editors.pinned([entry.entry_id for entry, _ in members]),
    )
    if said == story:
        return Changes()
    line = LedgerLine(story.story_id, event.at, Cause.DECIDED, decisions.described(event), story.score, story.score)
    return Changes(stories=(replace(said, updated_at=event.at),), ledger=(line,))


def voted(sleeping: Asleep, now: datetime, model: RelevanceModel) -> Changes:
    """Return what the votes that stand make of it."""
    story, members = sleeping
    said = Scored(story.relevance, story.score, story.provisional, story.contributions)
    scored = model.voted(said, story.story_id, [entry.entry_id for entry, _ in members])
    if _log_odds(scored.contributions) == _log_odds(story.contributions):
        return Changes()
    revised: Story = replace(
        story,
        relevance=scored.relevance,
        score=scored.score,
        contributions=scored.contributions,
        updated_at=now,
    )
    line = LedgerLine(story.story_id, now, Cause.VOTED, "editors voted", story.score, scored.score)
    return Changes(stories=(revised,), ledger=(line,))


def _log_odds(contributions: Sequence[Contribution]) -> dict[str, float]:
    return {part.name: part.log_odds for part in contributions}
