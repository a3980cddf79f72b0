from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser

from aggregator.model import Topic
from aggregator.store import Store
from tests.browser.chromium import launched
from tests.browser.site import addresses, application, served, signed_in
from tests.web import newsroom
from web.http.headers import COOKIE


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this package, closed before tests with their own event loop run."""
    with launched() as browser:
        yield browser


@dataclass(frozen=True)
class Visit:
    """The site with the sample edition, for one kind of visitor."""

    home: str
    pages: dict[str, str]
    """An address of each page, by its route."""
    cookies: tuple[Any, ...] = ()


@pytest.fixture(scope="package")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Visit, Visit]]:
    """The sample edition for readers and for the operator."""
    db = newsroom.filled(tmp_path_factory.mktemp("browser") / "news.db")
    with Store.open(db) as store, store.transaction():
        # What the worker adds over time.
        (lead,) = store.story_lists.ranked("", 1)
        members = [entry.entry_id for entry, _ in store.memberships.of_story(lead.story.story_id)]
        topic = Topic("trainium", "Trainium", 1, 0.4, 5.1, len(members), 4, 1.2, newsroom.NOW)
        store.topics.replace([(topic, members)], newsroom.NOW)
        store.front_pages.keep(newsroom.NOW)
        store.state.next_edition()
    with application(db) as app, served(app) as home:
        reader = addresses(app.test_client())
        client, value = signed_in(app)
        cookie: Any = {"name": COOKIE, "value": value, "url": home, "httpOnly": True, "sameSite": "Strict"}
        first = re.search(r"/admin/story/[0-9]+", client.get("/").text)
        assert first
        operators = addresses(client, first[0])
        # Readers' pages that have additional content for the operator.
        desk = {rule: path for rule, path in operators.items() if rule.startswith(("/admin", "/story/")) or rule == "/"}
        assert len(desk) >= 6
        yield Visit(home, reader), Visit(home, desk, (cookie,))


@pytest.fixture(params=["reader", "operator"])
def visit(request: pytest.FixtureRequest, edition: tuple[Visit, Visit]) -> Visit:
    return edition[request.param == "operator"]
