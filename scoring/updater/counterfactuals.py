"""Compute the counterfactuals of listed stories that are out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.model import Ranking, Reason
from aggregator.store import Store
from scoring.engine import Engine

LISTED = 20
"""Stories of each list with counterfactuals."""
AT_ONCE = 40
"""Stories computed at a time: each takes several scores, a few milliseconds."""


@dataclass(frozen=True, slots=True)
class StoryCounterfactuals:
    """The counterfactuals of one story, with the score that they belong to."""

    story_id: int
    score: int
    lines: Sequence[tuple[Reason, int]]
    made_of: str


def outdated(store: Store, engine: Engine, ranking: Ranking) -> list[StoryCounterfactuals]:
    """Return new counterfactuals of at most `AT_ONCE` listed stories, those at the top first."""
    listed = dict.fromkeys(story_id for stories in ranking.values() for story_id, _ in stories[:LISTED])
    stored = store.counterfactuals.made_of(list(listed))
    results: list[StoryCounterfactuals] = []
    for story_id in listed:
        if len(results) == AT_ONCE:
            break
        story = store.stories.get(story_id)
        if story is None:
            continue
        made_of = f"{story.updated_at.isoformat()} {engine.model.version}"
        if stored.get(story_id) != made_of:
            lines = [(what_if.condition, what_if.score) for what_if in engine.counterfactuals(story_id)]
            results.append(StoryCounterfactuals(story_id, story.score, lines, made_of))
    return results
