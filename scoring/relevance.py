"""Work out how likely a story is to be relevant, as a sum of named parts.

Knows what is known of a story at a moment (`Signals`) and what that says (`RelevanceModel`).
Leaves learning to `train`, points and reasons to `explain`, files to `modelfile`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import Contribution


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a story at a moment, and nothing later."""

    title: str
    """Of the lead entry, as is `summary`."""
    summary: str
    source_ids: tuple[str, ...]
    """Distinct, in order of arrival."""
    voices: tuple[str, ...]
    """Independent ones, in order of arrival."""
    voice_ages: tuple[timedelta, ...]
    """How long before `at` each voice joined, same order; never negative."""
    entries: int
    category_id: str
    language: str
    first_seen_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model says of a story."""

    relevance: float
    score: int
    provisional: bool
    contributions: tuple[Contribution, ...]


class RelevanceModel:
    """Prior, or prior and what was learned here; immutable: the same signals get the same score."""

    version: str = "prior-0"

    def score(self, signals: Signals) -> Scored:
        """Return the relevance of a story with its parts."""
        base = -2.2
        coverage = 1.5 * math.log(max(1, len(signals.voices)))
        relevance = 1 / (1 + math.exp(-base - coverage))
        score = round(100 * relevance)
        floor = round(100 / (1 + math.exp(-base)))
        return Scored(
            relevance,
            score,
            True,
            (
                Contribution("base", base, float(floor), "what any story starts with"),
                Contribution("coverage", coverage, float(score - floor), f"{len(signals.voices)} independent sources"),
            ),
        )


def load_prior() -> RelevanceModel:
    """Return the model that ships with the program."""
    return RelevanceModel()
