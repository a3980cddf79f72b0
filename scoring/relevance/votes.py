"""Apply editors' votes to scores at once, between two trainings.

Knows how far a vote moves the story it is for, and stories like it. Leaves keeping votes to the
store, and learning from them for good to `train`.

Both are addends of a story's log-odds, so an explanation names them. Many votes also recalibrate: they move what any
story starts with, see `recalibration`. All of it is a function of the votes that stand: taking one back restores every
number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aggregator.model import Vote
from scoring.relevance.calibration import shift

OWN = 2.5
"""Log-odds for the story itself: from 30 to 84 of 100, and from 70 to 16."""

LIKE = 1.5
"""Log-odds that a vote gives another story of the very same words, of which `LIMIT` is let through."""

OF_SOURCE = 0.1
"""For every other story that the same source had first; three votes count at most."""

LIMIT, MAX_LIMIT = 0.8, 2.0
"""The most that votes for other stories add or take: from 50 to 69 of 100 with a few votes, to 88 with many.

A test measures what calibration loses.
"""

HALF_LIMIT_VOTES = 100
"""Votes at which the limit is half way up."""


MIN_JUDGED, MIN_JUDGED_OF_A_CLASS = 30, 10
"""Votes for stories that the prior knows, in all and of either kind, below which nothing is recalibrated."""

NEWEST_JUDGED = 300
"""Votes that recalibrate, the newest: what editors choose drifts with the news."""

SHIFT_SPREAD, MAX_SHIFT = 0.5, 1.0
"""Log-odds. With 30 votes about half of what they say counts, with 300 nearly all; at most from 50 to 73 of 100.

With Techmeme's picks as votes, six weeks: where scores are 1.0 too high, the calibration error falls from .118 to .023;
1.0 too low, from .097 to .042; where they are right, from .019 to .015. A slope is not fitted: editors who vote only
where they disagree would reverse the order.
"""


def limit(votes: int) -> float:
    """Return the most that so many votes for other stories add or take, in log-odds."""
    return LIMIT + (MAX_LIMIT - LIMIT) * votes / (votes + HALF_LIMIT_VOTES)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes that stand, as they count for scores."""

    own: Mapping[int, int] = field(default_factory=dict)
    """1 up, -1 down, by story."""
    words: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    shift: float = 0.0
    """Log-odds added to every story that the prior knows; see `recalibration`."""

    def __bool__(self) -> bool:
        return bool(self.own)

    def of(self, story_id: int, entry_ids: Iterable[int]) -> int:
        """Return the vote for a story: its own, else that of a story that became part of it; 0 for none."""
        if not self.own or story_id in self.own:
            return self.own.get(story_id, 0)
        return next((self.own[entry_id] for entry_id in entry_ids if entry_id in self.own), 0)

    def like(self, values: Iterable[tuple[str, float]], source_id: str) -> float:
        """Return the log-odds that votes for other stories give one with these words, within `limit`.

            LIKE * sum over votes of sign * cosine + OF_SOURCE * net votes of its source

        values: the words of its title with their TF-IDF, of length 1
        """
        likeness = math.fsum(self.words.get(word, 0.0) * value for word, value in values)
        of_source = max(-3, min(3, self.sources.get(source_id, 0)))
        most = limit(len(self.own))
        return max(-most, min(most, LIKE * likeness + OF_SOURCE * of_source))


NO_VOTES = Ballot()


def recalibration(votes: Iterable[Vote], logit_of: Callable[[str], float | None]) -> float:
    """Return the log-odds by which the newest votes say that the prior is too low; 0.0 for too few of them.

    logit_of: what the prior says of a title; None where it does not know its words

    One amount for all stories, so their order stays.
    """
    newest = sorted(votes, key=lambda vote: (vote.voted_at, vote.story_id), reverse=True)
    judged = [(logit, int(vote.up)) for vote in newest if (logit := logit_of(vote.title)) is not None][:NEWEST_JUDGED]
    up = sum(label for _, label in judged)
    if len(judged) < MIN_JUDGED or min(up, len(judged) - up) < MIN_JUDGED_OF_A_CLASS:
        return 0.0
    moved = shift([logit for logit, _ in judged], [label for _, label in judged], SHIFT_SPREAD)
    return max(-MAX_SHIFT, min(MAX_SHIFT, moved))


def ballot(
    votes: Iterable[Vote],
    values_of: Callable[[str], Iterable[tuple[str, float]]],
    logit_of: Callable[[str], float | None] = lambda title: None,
) -> Ballot:
    """Return *votes* as they count.

    values_of: the words of a title with their TF-IDF, of length 1
    logit_of:  see `recalibration`
    """
    cast = list(votes)
    own: dict[int, int] = {}
    words: dict[str, list[float]] = {}
    sources: dict[str, int] = {}
    for vote in cast:
        sign = own[vote.story_id] = 1 if vote.up else -1
        for word, value in values_of(vote.title):
            words.setdefault(word, []).append(sign * value)
        sources[vote.source_id] = sources.get(vote.source_id, 0) + sign
    # fsum: the order of the votes makes no difference, to the last bit.
    summed = {word: math.fsum(shares) for word, shares in words.items()}
    return Ballot(own, summed, sources, recalibration(cast, logit_of))
