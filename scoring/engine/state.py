"""What the engine holds between two steps, and how that is written down.

Knows the live stories, the counts that placing and scoring go by, and when so much came that a checkpoint is due.
Leaves what goes in to `joining` and `regroup`, and the spelling of a checkpoint to `checkpoint`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from aggregator.model import Story
from scoring.categories.classifier import Lesson
from scoring.clustering.clusterer import Clusterer
from scoring.engine import snapshot
from scoring.engine.live_story import Live
from scoring.language.terms import DocumentFrequency, load_background
from scoring.ranking.baseline import CategoryRhythm
from scoring.relevance.news_context import Surroundings

HISTORY = timedelta(days=30)
"""How far back term counts and rhythms reach; whole UTC days."""

LONGEST = timedelta(days=14)
"""A story of that age takes in nothing more: what comes then is another event."""

CHECKPOINT = 2_000
"""Entries after which a checkpoint is due; where more entries live, a quarter of their number. With 6,900 live entries
a checkpoint is read in 1.6 CPU seconds and written in 2, and taking in 2,000 entries to find their stories is 3.5."""

WAITING = 4
"""Times as many while more waits to be taken in: the checkpoint would be an old one at once."""


class Held:
    """Live stories and counts. All of it is in a checkpoint, stories as last computed aside: these are in the store."""

    def __init__(self, window: timedelta) -> None:
        self.frequency = DocumentFrequency(load_background(), days=HISTORY.days)
        self.clusterer = Clusterer(self.frequency, window=window, longest=LONGEST)
        self.rhythm = CategoryRhythm(HISTORY.days)
        self.surroundings = Surroundings()
        self.live: dict[int, Live] = {}
        self.story_of: dict[int, int] = {}
        self.lessons: dict[int, Lesson] = {}
        """What the categories learn of editors, by decision."""
        self.taken = 0
        """Entries since the last checkpoint."""
        self.woke = False
        """A story that was over was taken up since then: what it was before is written nowhere else."""

    def advance(self, now: datetime) -> None:
        """Let time pass: counts of long ago go, and stories end."""
        moment = now.timestamp()
        day = int(moment // 86_400)
        self.frequency.advance(day)
        self.rhythm.advance(day)
        for story_id in self.clusterer.expire(moment):
            self.forget(story_id)

    def forget(self, story_id: int) -> None:
        """Hold a story no longer."""
        live = self.live.pop(story_id, None)
        if live is not None:
            for entry_id in live.members:
                del self.story_of[entry_id]

    def stories_of(self, entry_ids: Iterable[int]) -> list[int]:
        """Return the live stories of these entries."""
        return sorted({self.story_of[entry_id] for entry_id in entry_ids if entry_id in self.story_of})

    def listed(self, now: datetime, window: timedelta) -> Iterator[tuple[int, Live, Story]]:
        """Yield the live stories that were computed and got an entry within *window* of *now*."""
        for story_id, live in self.live.items():
            if live.story is not None and now - live.last_arrival_at < window:
                yield story_id, live, live.story

    def put_back(self, stories: Iterable[Story]) -> None:
        """Take *stories*, as last written, for what the live ones were computed to be."""
        for story in stories:
            live = self.live.get(story.story_id)
            if live is not None:
                live.story = story

    def checkpoint_due(self, more_waits: bool) -> bool:
        """Return whether so much came since the last checkpoint that a start from there would take long."""
        enough = max(CHECKPOINT, len(self.story_of) // 4)
        return self.woke or self.taken >= (WAITING * enough if more_waits else enough)

    def write(self) -> str:
        """Return all of it as text, and count anew from here."""
        self.taken = 0
        self.woke = False
        return snapshot.dumps(vars(self), _outside(), (Story,))

    def read(self, state: str) -> None:
        """Hold what `write` gave."""
        vars(self).update(snapshot.loads(state, _outside()))


def _outside() -> dict[str, object]:
    return {"background": load_background()}
