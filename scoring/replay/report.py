"""Write the results of a replay: story and score of each line, as known at its arrival."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from aggregator.model import Changes, Story


class Report:
    """Writes the story and score of each line of the stream."""

    def __init__(self, assignments: TextIO | None, scores: TextIO | None) -> None:
        self._assignments = assignments
        self._scores = scores
        self._story_of: list[int] = [0]
        """By entry; entries are numbered from 1."""
        self._last: dict[int, tuple[int, float, int, str, bool]] = {}

    @property
    def stories(self) -> int:
        """Number of stories; a merged story has no entries left."""
        return len(set(self._story_of) - {0})

    def write(self, moment: datetime, lines: Sequence[tuple[str, int]], changes: Changes) -> None:
        """Write lines as they are after their step.

        lines: the ID of each, and its entry
        """
        if changes.memberships:
            self._story_of += [0] * (max(m.entry_id for m in changes.memberships) + 1 - len(self._story_of))
            for membership in changes.memberships:
                self._story_of[membership.entry_id] = membership.story_id
        if self._scores is not None:
            for story in changes.stories:
                self._last[story.story_id] = _shown(story)
        for line_id, entry_id in lines:
            story_id = self._story_of[entry_id]
            if self._assignments is not None:
                self._assignments.write(f"{line_id}\t{story_id}\n")
            if self._scores is not None:
                score, trend, independent, category, provisional = self._last[story_id]
                row = {
                    "id": line_id,
                    "story": story_id,
                    "at": moment.isoformat().replace("+00:00", "Z"),
                    "score": score,
                    "trend": trend,
                    "independent_sources": independent,
                    "category": category,
                    "provisional": provisional,
                }
                self._scores.write(json.dumps(row, ensure_ascii=False) + "\n")


def _shown(story: Story) -> tuple[int, float, int, str, bool]:
    return (story.score, story.trend, story.independent_sources, story.category_id, story.provisional)
