"""The only SQL: parameters go in, domain objects come out."""

from __future__ import annotations

from aggregator.store.store import (
    Arrival,
    Checkpoint,
    ConfigProblem,
    ListQuery,
    PollRecord,
    SearchResult,
    SimilarStory,
    SourceOutline,
    Store,
    StoreFault,
)

__all__ = [
    "Arrival",
    "Checkpoint",
    "ConfigProblem",
    "ListQuery",
    "PollRecord",
    "SearchResult",
    "SimilarStory",
    "SourceOutline",
    "Store",
    "StoreFault",
]
