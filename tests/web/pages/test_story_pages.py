"""Stories with thousands of entries: pages stay small, and every entry is on one of them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from aggregator.store import Store
from tests.web.newsroom import NOW, Newsroom
from web.pages.story import COVERAGE_SIZE

ENTRIES = 730


@pytest.fixture
def long_story(site: FlaskClient, room: Newsroom) -> str:
    """The address of a story with 730 entries."""
    sources = [source.id for source in room.config.sources]
    story_id = room.story(
        "A story that goes on",
        [sources[number % len(sources)] for number in range(ENTRIES)],
        titles=["", *(f"Report number {number}" for number in range(1, ENTRIES))],
        times=[NOW - timedelta(days=2) + timedelta(minutes=3 * number) for number in range(ENTRIES)],
    )
    room.rank()
    return f"/story/{story_id}/a-story-that-goes-on"


def test_a_page_shows_a_hundred_entries_and_leads_to_the_next(site: FlaskClient, long_story: str) -> None:
    seen: list[str] = []
    path = long_story
    for number in range(1, ENTRIES // COVERAGE_SIZE + 2):
        answer = site.get(path)
        assert answer.status_code == 200
        assert len(answer.data) < 300_000
        coverage = answer.text.partition('id="coverage"')[2].partition("</section>")[0]
        shown = re.findall(r"Report number \d+<|A story that goes on<", coverage)
        assert f'start="{1 + len(seen)}"' in coverage
        seen += shown
        following = re.search(r'rel="next" href="([^"]*)"', coverage)
        assert (following is None) == (number > ENTRIES // COVERAGE_SIZE)
        path = following[1] if following else ""
    assert len(seen) == len(set(seen)) == ENTRIES
    assert site.get(f"{long_story}?page=9").status_code == 404


def test_charts_of_long_stories_are_thinned_and_keep_their_ends(site: FlaskClient, long_story: str) -> None:
    text = site.get(long_story).text
    assert text.count("<tr>") < 300
    assert f"{ENTRIES} entries in" in text


def test_comment_pages_of_link_posts_are_shown_once_each_and_only_where_they_can_be_opened(
    site: FlaskClient, room: Newsroom
) -> None:
    sources = [source.id for source in room.config.sources[:4]]
    threads = ["", "https://hn.example/item?id=1", "javascript:alert(1)", "https://hn.example/item?id=1"]
    story_id = room.story("Velora opens a chip factory in Poznan", sources, discussions=threads)
    quiet = room.story("A quiet evening", sources[:2], link="https://news.example/quiet")
    room.rank()

    def shown(number: int) -> str:
        text = site.get(f"/story/{number}/", follow_redirects=True).text
        return text.partition('<p class="discussed">')[2].partition("</p>")[0]

    assert shown(story_id).count("<a ") == 1
    assert 'href="https://hn.example/item?id=1"' in shown(story_id)
    assert shown(quiet) == ""


def test_a_story_does_not_name_the_source_of_its_headline_again_as_the_first(site: FlaskClient, room: Newsroom) -> None:
    source = room.config.sources[0]
    story_id = room.story("Velora opens a chip factory in Poznan", [source.id])
    room.rank()
    assert f"<b>{source.name}</b>" in site.get(f"/story/{story_id}/", follow_redirects=True).text
    assert source.name not in meta_of(site, story_id)


def test_a_story_that_nobody_has_viewed_shows_no_number_of_views(
    site: FlaskClient, room: Newsroom, store: Store
) -> None:
    story_id = room.story("Velora opens a chip factory in Poznan", [room.config.sources[0].id])
    room.rank()
    assert "view" not in meta_of(site, story_id)
    store.feedback.add_views({story_id: 1}, NOW.date())
    store.state.next_edition()
    assert "1 view" in meta_of(site, story_id)


def meta_of(site: FlaskClient, story_id: int) -> str:
    """Return the line below the headline of a story's page."""
    text = site.get(f"/story/{story_id}/", follow_redirects=True).text
    return text.partition('<ul class="meta">')[2].partition("</ul>")[0]
