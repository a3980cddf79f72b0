"""Pages besides lists and stories: the front page as it was, topics, key facts, what is new."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import ReasonKind, Topic, because
from aggregator.store import Store
from aggregator.store.derived.summaries import Summary
from tests.web.newsroom import HOUR, NOW, Newsroom
from tests.web.pages.test_pages import get, text
from web.present import sparkline


def story_page(site: FlaskClient, story_id: int) -> str:
    return site.get(f"/story/{story_id}", follow_redirects=True).text


# The front page as it was


def spelled(hours_ago: float) -> str:
    return f"/at/{NOW - hours_ago * HOUR:%Y-%m-%dT%H:%MZ}"


def test_the_front_page_of_then_has_the_headlines_and_scores_of_then(site: FlaskClient, room: Newsroom) -> None:
    room.story("First headline of all", ["techcrunch_ai", "seedbed"], score=41, trend=3.0)
    room.rank()
    room.store.front_pages.keep(NOW - 5 * HOUR)
    room.story("Came later and went to the top", ["techcrunch_ai", "seedbed"], score=88, trend=9.0)
    room.rank()
    room.store.front_pages.keep(NOW - 2 * HOUR)

    then, later = get(site, spelled(3)), get(site, spelled(1))

    assert "First headline of all" in then
    assert "Came later" not in then
    assert "Score at the time: 41" in text(then)
    assert later.index("Came later") < later.index("First headline of all")
    assert f'rel="next" href="{spelled(2)}"' in then
    assert f'rel="prev" href="{spelled(5)}"' in later


def test_the_front_page_links_to_earlier_ones_that_exist(site: FlaskClient, room: Newsroom) -> None:
    room.story("First headline of all", ["techcrunch_ai", "seedbed"])
    room.rank()
    room.store.front_pages.keep(NOW - 5 * HOUR)
    room.store.state.next_edition()
    assert "Earlier front pages:" not in text(get(site, "/"))
    room.story("Second headline of all", ["techcrunch_ai", "seedbed"], score=88, trend=9.0)
    room.rank()
    room.store.front_pages.keep(NOW - 7 * HOUR)
    room.store.state.next_edition()
    page = get(site, "/")
    assert f'href="{spelled(6)}">6 hours ago</a>' in page
    assert "yesterday" not in page


def test_before_the_first_and_after_now_it_says_why_there_is_none(site: FlaskClient, room: Newsroom) -> None:
    assert "No front page from that time" in get(site, spelled(3))
    assert "That time is in the future" in get(site, spelled(-3))


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-13-45", "1e9", "0001-01-01T00:00Z", "9999-12-31T23:59-23:00", "x" * 99]
)
def test_an_invalid_time_is_not_found(full: FlaskClient, time: str) -> None:
    get(full, f"/at/{time}", 404)


def test_a_moment_has_one_address_and_the_form_leads_there(full: FlaskClient) -> None:
    for other in ("2026-11-19T09:00", "2026-11-19T09:00:31Z", "2026-11-19T10:00%2B01:00"):
        answer = full.get(f"/at/{other}")
        assert (answer.status_code, answer.location) == (301, "/at/2026-11-19T09:00Z")
    assert full.get("/at?time=2026-11-19T09:00").location == "/at/2026-11-19T09:00Z"
    assert full.get("/at?time=nonsense").location == spelled(24)


# What is new since


def test_a_page_that_is_open_can_ask_how_many_stories_are_new(site: FlaskClient, room: Newsroom) -> None:
    first = room.story("One", ["techcrunch_ai"])
    room.story("Two", ["techcrunch_ai"])
    newest = room.story("Three", ["techcrunch_ai"])
    room.rank()
    assert f'data-newest="{newest}"' in get(site, "/")
    assert site.get(f"/fresh?since={first}").get_json() == {"new": 2}
    assert site.get(f"/fresh?since={newest}").get_json() == {"new": 0}
    for odd in ("", "x", "-1", "9" * 40, "%00"):
        assert site.get(f"/fresh?since={odd}").get_json() == {"new": 0}


# Topics


def test_a_topic_shows_how_it_came_about_and_its_stories(site: FlaskClient, room: Newsroom, store: Store) -> None:
    story_id = room.story("Trainium sells out", ["techcrunch_ai", "seedbed"])
    entries = [entry.entry_id for entry, _ in store.memberships.of_story(story_id)]
    topic = Topic("trainium", "Trainium", 1, 0.6, 4.2, 2, 2, 0.1, NOW)
    with store.transaction():
        store.topics.replace([(topic, entries)], NOW)
        store.state.next_edition()
    room.rank()

    assert "Trainium" in text(get(site, "/"))
    assert "2 entries from 2 sources in a day, usually almost none" in text(get(site, "/topics"))
    page = get(site, "/topic/trainium")
    assert "Trainium sells out" in page
    assert "2 entries in 8 days" in text(page)
    assert "Show as a table" in page
    get(site, "/topic/nothing-of-the-sort", 404)


def test_without_a_rising_topic_the_page_says_so(site: FlaskClient) -> None:
    assert "No rising topics" in get(site, "/topics")


# A story


def test_key_facts_have_their_sources_and_a_difference_both_sides(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story(
        "Blast at Veldra plant in Ghent",
        ["techcrunch_ai", "seedbed"],
        titles=["", "A blast at the Veldra plant in Ghent injured 14 workers."],
        summary="The blast at the Veldra plant in Ghent injured 12 workers. Veldra paid 40 million euros for it.",
    )
    page = text(story_page(site, story_id))
    assert "Key facts" in page
    assert "Sources differ 12 workers" in page
    assert "14 workers A blast at the Veldra plant in Ghent injured 14 workers. Seedbed" in page


def test_the_analysis_says_who_was_first_and_who_followed(full: FlaskClient) -> None:
    path = re.findall(r'class="hed"[^>]*><a href="([^"]+)"', get(full, "/"))[0]
    page = text(get(full, path))
    assert "TechCrunch AI was first, Thu 09:20." in page
    assert "Half of the 7 independent sources reported it within" in page
    assert "Figures that several sources report" in page
    assert "1.4 million" in page


def test_a_story_of_one_entry_has_no_analysis_of_itself(site: FlaskClient, room: Newsroom) -> None:
    page = story_page(site, room.story("Alone with its news", ["techcrunch_ai"]))
    assert 'id="analysis"' not in page
    assert "<img" not in page


def test_prose_is_labelled_and_is_text(site: FlaskClient, room: Newsroom, store: Store) -> None:
    story_id = room.story("Alone with its news", ["techcrunch_ai"])
    store.summaries.save(Summary(story_id, NOW, "small <model>", ("One sentence <b>here</b>.",), 2, "x"))
    page = story_page(site, story_id)
    assert "One sentence &lt;b&gt;here&lt;/b&gt;." in page
    assert "Written by small &lt;model&gt;" in page
    assert "2 sentences left out because they could not be verified" in text(page)


def test_a_story_can_be_passed_on_by_plain_links(site: FlaskClient, room: Newsroom) -> None:
    page = story_page(site, room.story('Chips & "dips" for #all', ["techcrunch_ai"]))
    share = page[page.index('class="share"') : page.index("</nav>", page.index('class="share"'))]
    for name in ("Mastodon", "Bluesky", "LinkedIn", "X", "Reddit", "Hacker News", "E-mail"):
        assert f">{name}</a>" in share
    links = re.findall(r'href="(https[^"]+|mailto[^"]+)"', share)
    assert len(links) == 7
    assert all("/story/" in unquote(link) for link in links)
    assert not any(" " in link or '"' in link for link in links)


def test_what_ifs_stand_beside_the_score_they_belong_to(site: FlaskClient, room: Newsroom, store: Store) -> None:
    story_id = room.story("Chips again", ["techcrunch_ai", "seedbed"], score=62)
    store.counterfactuals.save(story_id, 62, [(because(ReasonKind.WITHOUT, "Seedbed"), 40)], "x")
    assert "40 without Seedbed" in text(story_page(site, story_id))
    store.counterfactuals.save(story_id, 63, [(because(ReasonKind.WITHOUT, "Seedbed"), 40)], "x")
    room.merge(room.story("Another", ["seedbed"]), story_id)
    assert "without Seedbed" not in text(story_page(site, story_id))


def test_a_story_explains_its_place(site: FlaskClient, room: Newsroom, store: Store) -> None:
    story_id = room.story("Chips again", ["techcrunch_ai", "seedbed"], score=62)
    assert "This story is in no list at present" in text(story_page(site, story_id))
    other = room.story("Chips once more", ["techcrunch_ai", "seedbed"], score=62)
    store.places.replace({other: [("worth", 1.2, 0.82), ("coverage", 0.4, 2.0), ("age", -0.1, 2.0)]})
    page = text(story_page(site, other))
    assert "82% likely on an editor's front page, by its text, 2 independent sources" in page
    assert "+1.20" in page


# The drawing of a list


def test_a_sparkline_rises_with_each_voice_and_stays_in_its_box() -> None:
    assert sparkline([NOW], NOW) == ""
    path = sparkline([NOW - 30 * HOUR, NOW - 12 * HOUR, NOW - timedelta(minutes=1)], NOW)
    assert path.startswith("M0.0 16V")
    heights = [float(y) for y in re.findall(r"V([\d.]+)", path)][:-1]
    assert heights == sorted(heights, reverse=True)
    assert min(float(y) for y in re.findall(r"V([\d.]+)", sparkline([NOW] * 80, NOW))) >= 0


# Accessible by construction


@pytest.mark.parametrize(
    "path", ["/", "/trending", "/category/big-tech", "/topics", "/at/2026-11-19T09:00Z", "/search?q=ai"]
)
def test_pages_have_landmarks_and_headings_in_order(full: FlaskClient, path: str) -> None:
    check_outline(get(full, path))


def test_a_story_has_landmarks_and_headings_in_order(full: FlaskClient) -> None:
    check_outline(get(full, re.findall(r'class="hed"[^>]*><a href="([^"]+)"', get(full, "/"))[0]))


def check_outline(page: str) -> None:
    page = re.sub(r"(?s)<dialog.*?</dialog>", "", page)
    assert page.count("<main") == page.count("<h1") == 1
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for name in re.findall(r'aria-labelledby="([^"]+)"', page):
        assert name in ids
    assert all("alt=" in img and "width=" in img and "height=" in img for img in re.findall(r"<img[^>]*>", page))


def test_the_front_page_of_a_site_without_sources_says_so_instead_of_counting_none(
    room: Newsroom, tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    room.story("First headline of all", ["techcrunch_ai"])
    room.rank()
    room.store.feeds.sync((), NOW)
    without_sources = replace(room.config, sources=())
    page = text(get(make_app(tmp_path / "news.db", fallback_config=without_sources).test_client(), "/"))
    assert "No sources are configured." in page
    assert "0 of 0" not in page


def test_every_page_works_on_an_empty_database(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    client = make_app(tmp_path / "none.db").test_client()
    for path in ("/", "/trending", "/newest", "/category/big-tech", "/topics", "/at/2026-11-19T09:00Z", "/sources"):
        get(client, path)
