"""Choose the stories of a digest.

The stories with news in its span by score, then by independent sources; then those that grew most among the rest, and
the best of each category among what is left. No story occurs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext

from aggregator.model import Config, Listed
from aggregator.store import Store
from aggregator.store.derived.growth import StoryGrowth
from web.digest.editions import Edition

GREW = 5
MIN_GROWTH = 2
"""Independent sources that a story gained to count as one that grew."""
PER_CATEGORY = 3


@dataclass(frozen=True, slots=True)
class DigestStory:
    """A story and how it grew in the span."""

    listed: Listed
    growth: StoryGrowth

    @property
    def growth_message(self) -> str:
        """`grew from 2 to 9 sources`, "" if it did not, or is new."""
        before, after = self.growth.before, self.growth.after
        return (
            str(gettext("grew from %(before)s to %(after)s sources", before=before, after=after))
            if 0 < before < after
            else ""
        )


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest contains."""

    edition: Edition
    top: tuple[DigestStory, ...]
    grew: tuple[DigestStory, ...]
    categories: tuple[tuple[str, tuple[DigestStory, ...]], ...]
    """Category ID and its stories."""
    total: int
    """Stories with news in the span."""

    @property
    def stories(self) -> tuple[DigestStory, ...]:
        """Every story, in the order of the page."""
        return (*self.top, *self.grew, *(story for _, stories in self.categories for story in stories))


def digest(store: Store, config: Config, edition: Edition) -> Digest:
    """Return the digest of an edition, empty where nothing happened."""
    growths = store.growth.between(edition.begin, edition.end)
    top = growths[: config.digest.stories]
    rest = growths[len(top) :]
    gained = sorted(rest, key=lambda growth: (growth.before - growth.after, -growth.score, growth.story_id))
    grew = [growth for growth in gained if growth.before and growth.after - growth.before >= MIN_GROWTH][:GREW]
    chosen = {growth.story_id for growth in (*top, *grew)}
    categories = []
    for category in config.categories:
        best = [story for story in rest if story.category_id == category.id and story.story_id not in chosen][
            :PER_CATEGORY
        ]
        if best:
            categories.append((category.id, _stories(store, best)))
    return Digest(edition, _stories(store, top), _stories(store, grew), tuple(categories), len(growths))


def _stories(store: Store, growths: Sequence[StoryGrowth]) -> tuple[DigestStory, ...]:
    listed = ((growth, store.story_lists.listed(growth.story_id)) for growth in growths)
    return tuple(DigestStory(story, growth) for growth, story in listed if story is not None)
