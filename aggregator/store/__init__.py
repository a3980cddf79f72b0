"""The only SQL: parameters go in, domain objects come out."""

from __future__ import annotations

from aggregator.store.store import (
    Arrival,
    ConfigProblem,
    ListQuery,
    PollRecord,
    SearchResult,
    SimilarStory,
    SourceOutline,
    Store,
    StoredSnapshot,
    StoreFault,
)

__all__ = [
    "Arrival",
    "ConfigProblem",
    "ListQuery",
    "PollRecord",
    "SearchResult",
    "SimilarStory",
    "SourceOutline",
    "Store",
    "StoreFault",
    "StoredSnapshot",
]
