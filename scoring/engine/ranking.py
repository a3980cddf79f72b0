"""Rank the live stories at a moment: the front page and the list of each category.

Knows which stories can be in a list. Leaves their order to `scoring.ranking`, and rising topics to `topics`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from aggregator.model import BACKLOG_AGE, Embedding, Ranking, Story
from scoring.engine.live_story import LiveStory, Member
from scoring.engine.scoring import StoryScorer
from scoring.engine.settings import EngineSettings
from scoring.engine.state import EngineState
from scoring.language.terms import terms
from scoring.ranking import page_order


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who reported a live story, and when: what `trend` and the evaluations need."""

    story_id: int
    category_id: str
    source_id: str
    """Of the lead entry, as is the headline."""
    headline: str
    first_seen_at: datetime
    last_voice_at: datetime
    last_arrival_at: datetime
    entries: int
    usual: float
    """Coverage that its category usually gets."""
    voices: tuple[tuple[datetime, float], ...]
    """When each joined, and how many sources follow it, relative to a usual one."""
    entry_ids: tuple[int, ...] = ()
    score: int = 0
    relevance: float = 0.0
    worths: tuple[float, ...] = ()
    """Worth of the first entry of each independent source."""
    hidden: bool = False
    weights: tuple[float, ...] = ()
    """Weight of the source of each of `worths`; empty if all are 1."""
    embedding: Embedding | None = None
    """Of the lead entry."""


def ranking(
    state: EngineState,
    settings: EngineSettings,
    scorer: StoryScorer,
    now: datetime,
    muted: Collection[int] = (),
    boosted: Collection[int] = frozenset(),
) -> Ranking:
    """Return the lists at *now*: "" is the front page, the others are the categories."""
    listed = [row for row in _listed(state, settings, now) if row[0] not in muted]
    candidates = _candidates(listed, settings, scorer, now, boosted)
    lists = {"": page_order.ranked(candidates, now)}
    for category in settings.config.categories:
        lists[category.id] = page_order.ranked((c for c in candidates if c.category_id == category.id), now)
    return lists


def places(
    state: EngineState,
    settings: EngineSettings,
    scorer: StoryScorer,
    now: datetime,
    story_ids: Collection[int],
    boosted: Collection[int] = frozenset(),
) -> dict[int, tuple[page_order.PlacePart, ...]]:
    """Return what the position of each of these live stories follows from at *now*."""
    listed = [row for row in _listed(state, settings, now) if row[0] in story_ids]
    return {
        candidate.story_id: page_order.parts(candidate, now)
        for candidate in _candidates(listed, settings, scorer, now, boosted)
    }


def _listed(state: EngineState, settings: EngineSettings, now: datetime) -> list[tuple[int, LiveStory, Story]]:
    """Return the live stories that can be in a list at *now*."""
    listed = [row for row in state.listed(now, settings.config.scoring.window) if not row[2].hidden]
    # The undated backlog of a new source may be of any age, so it is in a list only where nothing else is.
    return [row for row in listed if not _is_backlog(row[1])] or listed


def _candidates(
    listed: Iterable[tuple[int, LiveStory, Story]],
    settings: EngineSettings,
    scorer: StoryScorer,
    now: datetime,
    boosted: Collection[int],
) -> list[page_order.Candidate]:
    return [
        page_order.Candidate(
            story_id=story_id,
            category_id=story.category_id,
            relevance=story.relevance,
            score=story.score,
            worths=_worths(live),
            joined=tuple(voice.joined for voice in live.voices.values()),
            trend=scorer.trend(live, story.relevance, now),
            source_id=live.members[story.lead_entry_id].source_id,
            topics=frozenset(terms(story.headline)),
            boosted=story_id in boosted,
            weights=_weights(live, settings),
            embedding=live.members[story.lead_entry_id].embedding,
        )
        for story_id, live, story in listed
    ]


def _is_backlog(live: LiveStory) -> bool:
    """Return whether every entry of a story came undated in the first document of its source."""
    return live.last_voice_at <= live.first_seen_at - BACKLOG_AGE and all(
        member.published is None for member in live.members.values()
    )


def _worths(live: LiveStory) -> tuple[float, ...]:
    """Return the worth of the first entry of each independent source, so that a copy never raises a story."""
    # By voice and not by entry: a text that twenty sites reprint is chosen by an editor once.
    return tuple(member.worth for member in _first_by_voice(live))


def _weights(live: LiveStory, settings: EngineSettings) -> tuple[float, ...]:
    """Return the weights of the sources whose worths `_worths` returns; () if all are 1."""
    if settings.has_weights:
        weights = tuple(settings.weight(member.source_id) for member in _first_by_voice(live))
        if any(weight != 1 for weight in weights):
            return weights
    return ()


def _first_by_voice(live: LiveStory) -> Iterable[Member]:
    first: dict[str, Member] = {}
    for member in live.members.values():
        first.setdefault(member.voice, member)
    return first.values()


def coverage(state: EngineState, settings: EngineSettings) -> Iterator[Coverage]:
    """Yield who covers each live story, as of the last step."""
    for story_id, live in state.live.items():
        if live.story is not None:
            yield Coverage(
                story_id=story_id,
                category_id=live.story.category_id,
                source_id=live.members[live.story.lead_entry_id].source_id,
                headline=live.story.headline,
                first_seen_at=live.first_seen_at,
                last_voice_at=live.last_voice_at,
                last_arrival_at=live.last_arrival_at,
                entries=len(live.members),
                usual=live.usual,
                voices=tuple((voice.joined, voice.reach) for voice in live.voices.values()),
                entry_ids=tuple(live.members),
                score=live.story.score,
                worths=_worths(live),
                relevance=live.story.relevance,
                hidden=live.story.hidden,
                weights=_weights(live, settings),
                embedding=live.members[live.story.lead_entry_id].embedding,
            )
