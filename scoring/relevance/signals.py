"""The signals of a story at a moment, and a model's estimate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import Contribution, Embedding
from scoring.relevance.news_context import NO_CONTEXT, TitleContext


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known about a story at a moment, and nothing later."""

    title: str
    """Of the lead entry, as is `summary`."""
    summary: str
    source_ids: tuple[str, ...]
    """Distinct, in order of arrival."""
    voices: tuple[str, ...]
    """Independent ones, in order of arrival."""
    voice_ages: tuple[timedelta, ...]
    """Time from each voice joining to `at`, in the same order; never negative."""
    entries: int
    category_id: str
    language: str
    first_seen_at: datetime
    at: datetime
    link: str = ""
    """Of the first entry, as are `tags`; "" without one."""
    tags: tuple[str, ...] = ()
    context: TitleContext = NO_CONTEXT
    """What others reported about the same subjects when the first entry arrived, and when each further voice did."""
    story_id: int = 0
    """For votes; 0 without a story yet."""
    embedding: Embedding | None = None
    """Of the title, if a sentence encoder has read it."""
    entry_ids: tuple[int, ...] = ()
    """IDs of its entries: a vote follows the first entry of the story that it was for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of a story."""

    relevance: float
    """Probability, 0..1."""
    score: int
    """100 x relevance, a whole number from `MIN_SCORE` to `MAX_SCORE`."""
    provisional: bool
    """Whether there is too little evidence to rely on it; see `RelevanceModel.score`."""
    contributions: tuple[Contribution, ...]
