"""What the tests of fetching share: one client that may ask this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.fetch import Access, Client, fetch
from aggregator.model import Failed, Limits, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
OWN = Access(frozenset({"127.0.0.1", "localhost"}), "127.0.0.1")
LIMITS = Limits(feed_bytes=100_000, fetch=timedelta(seconds=10))

Ask = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Fetch an address with the permission to reach this machine."""
    async with Client(LIMITS) as client:

        async def fetched(url: str, access: Access = OWN, limits: Limits = LIMITS, **more: object) -> Outcome:
            return await fetch(client, url, limits=limits, now=NOON, access=access, **more)  # type: ignore[arg-type]

        yield fetched


def failed(outcome: Outcome) -> Failed:
    """Return *outcome*, which must be a failure with a message that can be shown."""
    assert isinstance(outcome, Failed), outcome
    assert outcome.message.isprintable()
    return outcome
