from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched
from tests.browser.site import addresses, application, served
from tests.web import newsroom


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this package, gone before those with a loop of their own run."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The site over the sample edition: its address, and an address of each of its pages."""
    db = newsroom.filled(tmp_path_factory.mktemp("browser") / "news.db")
    with application(db) as app, served(app) as home:
        yield home, addresses(app.test_client())
