"""Read and saved stories: stored in the browser, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from aggregator.model import Changes
from aggregator.store import Store
from tests.browser.chromium import tab
from tests.browser.conftest import Visit
from tests.browser.site import application, served
from tests.web import newsroom
from tests.web.newsroom import Newsroom

pytestmark = pytest.mark.long


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Newsroom, list[int], str]]:
    """A newsroom with three stories of one report each, and the address of its site."""
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        room = Newsroom(store, newsroom.sample_config())
        ids = [room.story(f"Headline {n}", ["seedbed"], trend=9.0 - n) for n in (1, 2, 3)]
        room.rank()
        with application(db) as app, served(app) as home:
            yield room, ids, home


def mark(page: Page, headline: str, what: str) -> None:
    page.locator(".card").filter(has_text=headline).get_by_role("button", name=f"{what}: ").click()


def state(page: Page) -> dict[str, dict[str, object]]:
    marks: dict[str, dict[str, object]] = json.loads(page.evaluate("localStorage.getItem('groundswell:/')"))
    return marks


def test_an_opened_story_counts_as_read_and_can_be_hidden(
    browser: Browser, small: tuple[Newsroom, list[int], str]
) -> None:
    _, ids, home = small
    with tab(browser, home) as shown:
        shown.open("/trending")
        shown.page.get_by_role("link", name="Headline 2").click()
        shown.page.wait_for_url("**/story/**")
        shown.page.go_back()
        assert list(state(shown.page)["read"]) == [str(ids[1])]
        switch = shown.page.get_by_role("button", name="Unread only")
        expect(switch).to_have_attribute("aria-pressed", "false")
        switch.click()
        expect(switch).to_have_attribute("aria-pressed", "true")
        expect(shown.page.get_by_role("link", name="Headline 2")).to_be_hidden()
        expect(shown.page.get_by_text("1 read story hidden.")).to_be_visible()
        # The switch keeps its state on the next page.
        shown.open("/")
        expect(shown.page.locator(".top").get_by_role("link", name="Headline 2")).to_be_hidden()
        expect(shown.page.locator(".top").get_by_role("link", name="Headline 3")).to_be_visible()
        assert shown.page.context.cookies() == []
        assert shown.faults == []


def test_marking_all_above_leaves_what_is_below(browser: Browser, small: tuple[Newsroom, list[int], str]) -> None:
    _, ids, home = small
    with tab(browser, home) as shown:
        shown.open("/trending")
        shown.page.keyboard.press("j")
        shown.page.keyboard.press("j")
        shown.page.keyboard.press("Shift+M")
        assert set(state(shown.page)["read"]) == {str(ids[0]), str(ids[1])}
        expect(shown.page.get_by_text("2 stories marked as read.")).to_be_visible()
        shown.page.get_by_role("button", name="Mark all above as read").click()
        assert set(state(shown.page)["read"]) == {str(id_) for id_ in ids}


def test_a_story_that_grew_says_so_and_counts_as_unread(
    browser: Browser, small: tuple[Newsroom, list[int], str]
) -> None:
    room, ids, home = small
    with tab(browser, home) as shown:
        shown.open("/trending")
        mark(shown.page, "Headline 1", "Read")
        expect(shown.page.get_by_text("since you read it")).to_have_count(0)
        grow(room, ids[0], reports=3)
        # Another list: with the tests' clock, Chromium considers the old page unchanged (HTTP/1.0, same second).
        shown.open("/newest")
        card = shown.page.locator(".card").filter(has_text="Headline 1")
        expect(card.get_by_text("2 new reports since you read it")).to_be_visible()
        expect(card.get_by_role("button", name="Read: ")).to_have_attribute("aria-pressed", "false")
        card.get_by_role("link", name="Headline 1").click()
        expect(shown.page.get_by_text("2 new reports since you read it")).to_be_visible()
        shown.page.reload()
        expect(shown.page.get_by_text("since you read it")).to_have_count(0)


def grow(room: Newsroom, story_id: int, reports: int) -> None:
    """Let further entries join a story."""
    story = room.store.stories.get(story_id)
    assert story is not None
    with room.store.transaction():
        grown = replace(story, entries=reports)
        room.store.stories.save(Changes(stories=(grown,)))
        room.store.state.next_edition()


def test_saved_stories_are_listed_exported_and_imported(
    browser: Browser, small: tuple[Newsroom, list[int], str], tmp_path: Path
) -> None:
    _, ids, home = small
    with tab(browser, home, accept_downloads=True) as shown:
        page = shown.page
        shown.open("/trending")
        page.keyboard.press("j")
        page.keyboard.press("s")
        page.keyboard.press("j")
        page.keyboard.press("m")
        page.get_by_role("link", name="Saved (1)").click()
        saved = page.locator("[data-saved-list]")
        expect(saved.get_by_role("link", name="Headline 1")).to_be_visible()
        assert shown.violations() == []
        with page.expect_download() as download:
            page.get_by_role("button", name="Export as JSON").click()
        file = tmp_path / "marks.json"
        download.value.save_as(file)
        exported = json.loads(file.read_text())
        assert (exported["format"], exported["version"]) == ("groundswell-marks", 1)
        assert exported["saved"][str(ids[0])]["headline"] == "Headline 1"
        assert list(exported["read"]) == [str(ids[1])]

        page.get_by_role("button", name="Remove all marks").click()
        expect(saved.get_by_role("link", name="Headline 1")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(saved.get_by_role("link", name="Headline 1")).to_be_visible()
        page.get_by_role("button", name="Remove all marks").click()

        # External links are not affected.
        exported["saved"]["999"] = {"url": "https://evil.example/story/1", "headline": "Elsewhere", "at": 1}
        file.write_text(json.dumps(exported))
        page.get_by_label("Import").set_input_files(file)
        expect(saved.get_by_text("1 story added.")).to_be_visible()
        assert set(state(page)["saved"]) == {str(ids[0])}
        file.write_text("[]")
        page.get_by_label("Import").set_input_files(file)
        expect(saved.get_by_text("not an export of a Groundswell site")).to_be_visible()
        assert shown.faults == []


def test_marks_that_cannot_be_stored_give_a_message_and_broken_ones_are_none(
    browser: Browser, small: tuple[Newsroom, list[int], str]
) -> None:
    _, _, home = small
    with tab(browser, home) as shown:
        shown.open("/trending")
        for broken in ("{", "[]", '{"read": [], "saved": 7}'):
            shown.page.evaluate("text => localStorage.setItem('groundswell:/', text)", broken)
            shown.open("/trending")
            expect(shown.page.get_by_role("link", name="Saved (0)")).to_be_visible()
        full = "() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }; }"
        shown.page.evaluate(full)
        mark(shown.page, "Headline 1", "Save")
        expect(shown.page.get_by_text("This browser’s storage for marks is full or turned off.")).to_be_visible()
        assert shown.faults == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_marked_pages_stay_accessible(browser: Browser, edition: tuple[Visit, Visit], width: int, scheme: str) -> None:
    with tab(browser, edition[0].home, width=width, color_scheme=scheme) as shown:
        shown.open("/trending")
        for _ in range(3):
            shown.page.keyboard.press("j")
            shown.page.keyboard.press("m")
            shown.page.keyboard.press("s")
        for path in ("/", "/trending", "/saved"):
            shown.open(path)
            assert shown.violations() == [], path
            assert shown.overflow() == [], path


def test_without_scripts_the_page_of_saved_stories_says_what_to_do(
    browser: Browser, edition: tuple[Visit, Visit]
) -> None:
    with tab(browser, edition[0].home, javascript=False) as shown:
        shown.open("/saved")
        expect(shown.page.get_by_text("This needs JavaScript.")).to_be_visible()
        expect(shown.page.get_by_role("link", name="OPML")).to_be_visible()
        expect(shown.page.get_by_role("button", name="Export as JSON")).to_be_hidden()
        shown.open("/")
        expect(shown.page.get_by_role("button", name="Unread only")).to_have_count(0)
