"""The engine's state between two steps, and its snapshot.

Knows the live stories, the counts that placing and scoring depend on, and when a new snapshot is worth writing.
Leaves filling them to `membership` and `regrouping`, and the bytes of a snapshot to `recovery.snapshot`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model import Story
from scoring.categories.classifier import Correction
from scoring.clustering.clusterer import Clusterer, ClustererState
from scoring.engine.live_story import LiveStory, LiveStorySnapshot, RecentTexts
from scoring.language.terms import DocumentFrequency, FrequencyState, load_background
from scoring.ranking.baseline import CategoryRhythm, RhythmState
from scoring.relevance.news_context import NewsContext, NewsContextState

HISTORY = timedelta(days=30)
"""How far back document frequencies and category counts reach; whole UTC days."""

MAX_STORY_AGE = timedelta(days=14)
"""No entry joins an older story: a later report is of another event."""

MIN_UNSAVED_ENTRIES = 2_000
"""Entries after which a snapshot is due; a quarter of the live entries where that is more.

Writing a snapshot blocks scoring for a moment; a start has to step again through what came after the last one."""

BACKLOG_FACTOR = 4
"""Snapshots are this much rarer while more entries wait: each would be outdated at once."""


class StateSnapshot(Struct, array_like=True, frozen=True):
    """The values of `EngineState`; the computed stories are in the store."""

    frequency: FrequencyState
    clusterer: ClustererState
    rhythm: RhythmState
    news_context: NewsContextState
    live: list[LiveStorySnapshot]
    corrections: dict[int, Correction]


class EngineState:
    """Live stories and counts. A snapshot has all of it but the computed stories, which are in the store."""

    def __init__(self, window: timedelta) -> None:
        self.frequency = DocumentFrequency(load_background(), days=HISTORY.days)
        self.clusterer = Clusterer(self.frequency, window=window, longest=MAX_STORY_AGE)
        self.rhythm = CategoryRhythm(HISTORY.days)
        self.news_context = NewsContext()
        # Not part of a snapshot, because it is only a memo: every text can be analysed again.
        self.live: dict[int, LiveStory] = {}
        self.texts = RecentTexts()
        self.story_of: dict[int, int] = {}
        """Live story by entry."""
        self.corrections: dict[int, Correction] = {}
        """Category corrections, by decision."""
        self.unsaved_entries = 0
        """Entries since the last snapshot."""
        self.has_reopened = False
        """A closed story was reopened since the last snapshot; its earlier state is not stored anywhere."""

    def advance(self, now: datetime) -> None:
        """Drop the counts that are too old at *now*, and the stories that have ended."""
        # Counts leave by whole UTC days and not entry by entry. So a rebuild that starts at any moment of a day comes
        # to the same counts, and forgetting costs nothing between midnights.
        moment = now.timestamp()
        day = int(moment // 86_400)
        self.frequency.advance(day)
        self.rhythm.advance(day)
        for story_id in self.clusterer.expire(moment):
            self.forget(story_id)

    def forget(self, story_id: int) -> None:
        """Remove a live story."""
        live = self.live.pop(story_id, None)
        if live is not None:
            for entry_id in live.members:
                del self.story_of[entry_id]
                self.texts.forget(entry_id)

    def stories_of(self, entry_ids: Iterable[int]) -> list[int]:
        """Return the live stories of these entries."""
        return sorted({self.story_of[entry_id] for entry_id in entry_ids if entry_id in self.story_of})

    def listed(self, now: datetime, window: timedelta) -> Iterator[tuple[int, LiveStory, Story]]:
        """Yield the live stories that were computed and got an entry within *window* of *now*."""
        for story_id, live in self.live.items():
            if live.story is not None and now - live.last_arrival_at < window:
                yield story_id, live, live.story

    def set_stories(self, stories: Iterable[Story]) -> None:
        """Set the last computed state of the live stories from *stories*, as stored."""
        for story in stories:
            live = self.live.get(story.story_id)
            if live is not None:
                live.story = story

    # Snapshots

    def snapshot_due(self, more_waits: bool) -> bool:
        """Return whether a start from the last snapshot would take long by now."""
        # A quarter of the live entries keeps the cost of writing, which grows with them, below that of a few steps an
        # entry, however large the site is.
        enough = max(MIN_UNSAVED_ENTRIES, len(self.story_of) // 4)
        return self.has_reopened or self.unsaved_entries >= (BACKLOG_FACTOR * enough if more_waits else enough)

    def snapshot(self) -> StateSnapshot:
        """Return all of it, valid until the next change."""
        return StateSnapshot(
            frequency=self.frequency.state(),
            clusterer=self.clusterer.state(),
            rhythm=self.rhythm.state(),
            news_context=self.news_context.state(),
            live=[live.snapshot(story_id) for story_id, live in self.live.items()],
            corrections=self.corrections,
        )

    def saved(self) -> None:
        """Note that a snapshot was taken."""
        self.unsaved_entries = 0
        self.has_reopened = False

    def restore(self, snapshot: StateSnapshot) -> None:
        """Replace everything with *snapshot*, which is no longer the caller's."""
        self.frequency.restore(snapshot.frequency)
        self.clusterer.restore(snapshot.clusterer)
        self.rhythm.restore(snapshot.rhythm)
        self.news_context.restore(snapshot.news_context)
        self.live = {live.story_id: LiveStory.restored(live) for live in snapshot.live}
        self.story_of = {entry_id: story_id for story_id, live in self.live.items() for entry_id in live.members}
        self.corrections = snapshot.corrections
        self.saved()
