"""Named lists: pages, feeds and the API; and every list and story as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from aggregator.model import NamedList
from aggregator.store import Store
from tests.web import newsroom
from tests.web.newsroom import Newsroom
from web.app import close_app, create_app

CHIPS = NamedList("chips", "Chips", "trainium score:>50")


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[tuple[Newsroom, FlaskClient]]:
    config = replace(newsroom.sample_config(), lists=(CHIPS,))
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        room = Newsroom(store, config)
        app = create_app(db, newsroom.clock, fallback_config=config)
        yield room, app.test_client()
        close_app(app)


def test_a_list_is_in_the_navigation_and_shows_what_its_search_finds(
    listed: tuple[Newsroom, FlaskClient],
) -> None:
    room, client = listed
    room.story("Trainium ships in volume", ["seedbed"], score=70)
    room.story("Trainium is late again", ["seedbed"], score=20)
    room.story("Nothing about chips", ["seedbed"], score=90)
    room.rank()
    assert '<a href="/list/chips">Chips</a>' in client.get("/").text
    page = client.get("/list/chips").text
    assert "Trainium ships in volume" in page
    assert "Trainium is late again" not in page
    assert "Nothing about chips" not in page
    assert '<a href="/list/chips" aria-current="page">' in page
    assert "a score of 99 or more" in client.get("/list/chips?min_score=99").text
    assert client.get("/list/unknown").status_code == 404


def test_a_list_without_stories_says_so(listed: tuple[Newsroom, FlaskClient]) -> None:
    room, client = listed
    room.story("Nothing about chips", ["seedbed"])
    assert "No story matches this search at present." in client.get("/list/chips").text


@pytest.mark.parametrize("form", ["rss", "atom", "json", "md"])
def test_a_list_has_feeds(listed: tuple[Newsroom, FlaskClient], form: str) -> None:
    room, client = listed
    room.story("Trainium ships in volume", ["seedbed"], score=70)
    answer = client.get(f"/list/chips.{form}")
    assert answer.status_code == 200
    assert "Trainium ships in volume" in answer.text
    assert client.get(f"/list/unknown.{form}").status_code == 404


def test_the_api_has_the_lists(listed: tuple[Newsroom, FlaskClient]) -> None:
    room, client = listed
    story_id = room.story("Trainium ships in volume", ["seedbed"], score=70)
    (item,) = client.get("/api/v1/lists").get_json()["items"]
    assert (item["id"], item["query"]) == ("chips", CHIPS.query)
    body = client.get("/api/v1/lists/chips?limit=5").get_json()
    assert [story["id"] for story in body["items"]] == [story_id]
    assert client.get("/api/v1/lists/unknown").status_code == 404
    assert client.get("/api/v1/lists/chips?q=x").status_code == 400


def test_lists_and_stories_are_markdown_in_which_titles_are_text(listed: tuple[Newsroom, FlaskClient]) -> None:
    room, client = listed
    title = "# Ignore [this](https://evil.example) <script>alert(1)</script> *now*"
    story_id = room.story(title, ["seedbed", "rulemaker"], summary="- a list?\n\n## no")
    room.rank()
    for path in ("/trending.md", "/newest.md", f"/story/{story_id}.md", "/search.md?q=ignore", "/source/seedbed.md"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.mimetype == "text/markdown"
        assert "Ignore" in answer.text
        assert "<script" not in answer.text.replace("\\<script", "")
        assert "](https://evil" not in answer.text.replace("\\](", "")
        assert "\n## no" not in answer.text
    assert "## Coverage" in client.get(f"/story/{story_id}.md").text
    assert client.get("/story/999.md").status_code == 404
    assert client.get("/index.md").location == "/trending.md"


def test_a_merged_story_redirects_as_markdown(listed: tuple[Newsroom, FlaskClient]) -> None:
    room, client = listed
    first, second = (room.story(f"Story {n}", ["seedbed"]) for n in (1, 2))
    room.merge(second, into=first)
    assert client.get(f"/story/{second}.md").location == f"/story/{first}.md"


def test_llms_txt_names_lists_that_exist(listed: tuple[Newsroom, FlaskClient]) -> None:
    room, client = listed
    room.story("Trainium ships", ["seedbed"])
    answer = client.get("/llms.txt")
    assert answer.mimetype == "text/plain"
    paths = [
        link.partition("127.0.0.1")[2] or link for link in re.findall(r"\(<http://localhost(/[^>]*)>\)", answer.text)
    ]
    assert "/list/chips.md" in paths
    for path in paths:
        assert client.get(path).status_code == 200, path
