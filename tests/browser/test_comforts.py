"""What a page does by itself: the notice of new stories, and what it hides on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from aggregator.store import Store
from tests.browser.chromium import tab
from tests.browser.conftest import Visit
from tests.browser.site import application, served
from tests.web import newsroom
from tests.web.newsroom import Newsroom

pytestmark = pytest.mark.long


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Newsroom, str]]:
    """A newsroom with one story, and the address of its site."""
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        room = Newsroom(store, newsroom.sample_config())
        room.story("The first story", ["seedbed"])
        room.rank()
        with application(db) as app, served(app) as home:
            yield room, home


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_front_page_announces_new_stories_once_and_links_to_them(
    browser: Browser, small: tuple[Newsroom, str], scheme: str
) -> None:
    room, home = small
    with tab(browser, home, width=390, color_scheme=scheme) as shown:
        shown.page.clock.install()
        shown.open("/")
        notice = shown.page.locator(".fresh")
        expect(notice).to_be_empty()

        for number in (1, 2):
            room.story(f"News of the hour {number}", ["rulemaker"])
        room.rank()
        with shown.page.expect_response("**/fresh?*"):
            shown.page.clock.run_for(31_000)
        link = notice.get_by_role("link", name="2 new stories")
        expect(link).to_be_in_viewport()
        assert shown.overflow() == []
        assert shown.violations() == []
        # It stays within reach while the reader scrolls.
        shown.page.mouse.wheel(0, 600)
        expect(link).to_be_in_viewport()

        link.click()
        expect(notice).to_be_empty()
        assert shown.page.url == f"{home}/"
        assert shown.faults == []


def test_a_page_in_the_background_sends_no_requests(browser: Browser, small: tuple[Newsroom, str]) -> None:
    room, home = small
    requests: list[str] = []
    with tab(browser, home) as shown:
        shown.page.clock.install()
        shown.open("/")
        shown.page.on("request", lambda request: requests.append(request.url) if "/fresh" in request.url else None)
        shown.page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
        room.story("News of the hour", ["rulemaker"])
        shown.page.clock.run_for(95_000)
        assert requests == []


def test_nothing_moves_by_itself_where_that_is_not_wanted(browser: Browser, edition: tuple[Visit, Visit]) -> None:
    with tab(browser, edition[0].home, reduced_motion="reduce") as shown:
        for path in edition[0].pages.values():
            shown.open(path)
            assert shown.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
            assert shown.page.evaluate("document.getAnimations().length") == 0


def test_on_paper_there_is_the_news_and_nothing_to_press(browser: Browser, edition: tuple[Visit, Visit]) -> None:
    reader = edition[0]
    story = next(path for rule, path in reader.pages.items() if rule.startswith("/story/"))
    with tab(browser, reader.home, width=720, color_scheme="dark") as shown:
        shown.page.emulate_media(media="print")
        for path in ("/", story, "/sources"):
            shown.open(path)
            pressed = shown.page.locator("button:visible, input:visible, select:visible, nav:visible")
            assert pressed.count() == 0, path
            expect(shown.page.locator("h1, h2").first).to_be_visible()
            assert shown.overflow() == []
            # Black on white, whatever the screen's colors.
            ink = shown.page.evaluate("getComputedStyle(document.body).color")
            assert max(int(part) for part in ink[4:-1].split(",")) < 80, ink
