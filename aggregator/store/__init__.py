"""The only SQL: parameters go in, domain objects come out.

store.Store                opens a database; an attribute for each topic: store.feeds, store.entries, store.stories ...
    feeds, source_status   the polling state; what pages read of it
    entries, events        what arrived, and the steps that the scorer takes
    stories, derived       stories, memberships, the ledger; topics, scorecard, snapshot: a rebuild makes them again
    editorial, readers     votes, decisions, sessions; marks and tokens
    websub, alerts, files  hubs and subscribers; messages; model files and pictures
connection, dialect        what topics need of a database
    sqlite, postgres       each database: connection, migrations, text search
schema                     every table as a document; the migrations are in steps and postgres/steps
cluster, transfer          several pollers on one PostgreSQL; moving a site there
"""

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
