"""Ask a server for a feed, and bring back what it said as a value."""

from __future__ import annotations

from aggregator.fetch.client import (
    USER_AGENT,
    Answered,
    Client,
    RefusedAddressError,
    call,
    fetch,
    fresh_for,
    retry_after,
    user_agent,
)

__all__ = [
    "USER_AGENT",
    "Answered",
    "Client",
    "RefusedAddressError",
    "call",
    "fetch",
    "fresh_for",
    "retry_after",
    "user_agent",
]
