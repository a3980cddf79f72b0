"""The only SQL: parameters go in, domain objects come out."""

from __future__ import annotations

from aggregator.store.store import (
    Arrival,
    Checkpoint,
    ConfigFault,
    Found,
    ListQuery,
    Outline,
    PollRecord,
    Store,
    StoreFault,
    Told,
)

__all__ = [
    "Arrival",
    "Checkpoint",
    "ConfigFault",
    "Found",
    "ListQuery",
    "Outline",
    "PollRecord",
    "Store",
    "StoreFault",
    "Told",
]
