"""Compute the `Story` of a live story: headline, category, score, trend.

Knows which signals of a story its score depends on. Leaves the parts to `insights.lead_entry`, `relevance` and
`ranking.trend`, and closed stories to `closed_stories`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Cause, Changes, LedgerLine, Reason, Story
from scoring.engine.live_story import LiveStory, Member
from scoring.engine.overrides import Overrides
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState
from scoring.insights import lead_entry
from scoring.insights.lead_entry import Headline
from scoring.ranking import trend
from scoring.relevance.counterfactuals import Counterfactual, counterfactuals
from scoring.relevance.model import RelevanceModel
from scoring.relevance.signals import Signals

_NO_TIME = timedelta()


class StoryScorer:
    """Computes live stories, with the model that scores now."""

    def __init__(
        self, state: EngineState, settings: EngineSettings, overrides: Overrides, model: RelevanceModel
    ) -> None:
        self._state = state
        self._settings = settings
        self._overrides = overrides
        self.model = model

    def compute(self, story_id: int, now: datetime) -> Story:
        """Compute everything that pages show of a story, and keep it as its last state."""
        live = self._state.live[story_id]
        lead = self._lead(live)
        # The evidence is summed over all entries, so one report in an unusual wording does not move the story.
        category = self._overrides.category_of(story_id, live)
        scored = self.model.score(_signals(story_id, live, lead, category, now))
        story = Story(
            story_id=story_id,
            headline=lead.title,
            summary=lead.summary,
            lead_entry_id=lead.entry_id,
            category_id=category,
            first_seen_at=live.first_seen_at,
            last_source_at=live.last_voice_at,
            updated_at=now,
            entries=len(live.members),
            sources=len(live.sources),
            independent_sources=len(live.voices),
            score=scored.score,
            relevance=scored.relevance,
            provisional=scored.provisional,
            trend=self.trend(live, scored.relevance, now),
            contributions=scored.contributions,
            hidden=self._overrides.constraints.hidden(story_id),
            pinned=self._overrides.constraints.pinned(live.members),
            published_at=min((m.published for m in live.members.values() if m.published), default=None),
        )
        live.story = story
        return story

    def _lead(self, live: LiveStory) -> Member:
        """Return the entry that gives a story its headline."""
        members = list(live.members.values())
        if len(members) == 1:
            return members[0]
        # Rated here and not when an entry joins, since half of all stories never get a second entry.
        headlines = [Headline(m.entry_id, m.title, self._state.texts.clarity(m), m.copy, m.embedding) for m in members]
        present = None if live.story is None else live.story.lead_entry_id
        return live.members[lead_entry.choose(lead_entry.rated(headlines), present)]

    def trend(self, live: LiveStory, relevance: float, now: datetime) -> float:
        """Return the trend of a story of this relevance at a moment."""
        k = trend.pull((max(now - voice.joined, _NO_TIME), voice.reach) for voice in live.voices.values())
        since = max(now - live.last_voice_at, _NO_TIME)
        age = max(now - live.first_seen_at, _NO_TIME)
        return trend.trend(k, live.usual, age, relevance, since, self._settings.config.scoring.half_life)

    def recompute_all(self, now: datetime, cause: Cause, reason: Reason) -> Changes:
        """Compute every live story again; return those that changed."""
        changed: list[Story] = []
        ledger: list[LedgerLine] = []
        for story_id, live, before in sorted(self._state.listed(now, self._settings.config.scoring.window)):
            story = self.compute(story_id, now)
            # Trend and time always change; neither is worth a new edition.
            if replace(story, updated_at=before.updated_at, trend=before.trend) == before:
                live.story = before
                continue
            changed.append(story)
            if story.score != before.score or story.category_id != before.category_id:
                ledger.append(LedgerLine(story_id, now, cause, reason, before.score, story.score))
        return Changes(stories=tuple(changed), ledger=tuple(ledger))

    def counterfactuals(self, story_id: int) -> tuple[Counterfactual, ...]:
        """Return what a live story's score would be without each of its sources; nothing for a closed story.

        Based on the story as last computed. Empty where the model would give another score by now.
        """
        live = self._state.live.get(story_id)
        story = None if live is None else live.story
        if live is None or story is None:
            return ()
        lead = live.members[story.lead_entry_id]
        signals = _signals(story_id, live, lead, story.category_id, story.updated_at)
        # A model that was replaced since, or votes: then "87, without Plover 80" would contradict the page.
        if self.model.score(signals).score != story.score:
            return ()
        names: dict[str, str] = {}
        for member in live.members.values():
            source = self._settings.config.source(member.source_id)
            names.setdefault(member.voice, source.name if source else member.source_id)
        return tuple(counterfactuals(self.model, signals, names))


def _signals(story_id: int, live: LiveStory, lead: Member, category: str, now: datetime) -> Signals:
    return Signals(
        title=lead.title,
        summary=lead.summary,
        source_ids=tuple(live.sources),
        voices=tuple(live.voices),
        voice_ages=tuple([max(now - voice.joined, _NO_TIME) for voice in live.voices.values()]),
        entries=len(live.members),
        category_id=category,
        language=lead.language,
        first_seen_at=live.first_seen_at,
        at=now,
        link=live.link,
        context=live.context,
        story_id=story_id,
        embedding=lead.embedding,
        entry_ids=tuple(live.members),
    )
