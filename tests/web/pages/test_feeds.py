"""Feeds as readers get them from the site."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Enclosure, Picture
from aggregator.store import Store
from tests.web.newsroom import HOUR, NOW, Newsroom
from tests.web.syndication.feed_rules import atom_errors, json_feed_errors, rss_errors
from web.syndication import NAMESPACE

MakeApp = Callable[..., Flask]
FORMS = ("rss", "atom", "json")
TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_says_what_its_page_says(full: FlaskClient, form: str) -> None:
    page = full.get("/category/big-tech").text
    shown = [
        (unescape(title), path, int(score))
        for score, path, title in re.findall(
            r'Score: (?:</span>)?<b>(\d+)</b>.*?<h2 class="hed"[^>]*><a href="([^"]+)">([^<]+)</a>', page, re.S
        )
    ]
    assert len(shown) > 5
    answer = full.get(f"/category/big-tech.{form}")
    assert answer.content_type == TYPES[form]
    if form == "json":
        items = [(i["title"], urlsplit(i["url"]).path, i["_groundswell"]["score"]) for i in answer.get_json()["items"]]
    else:
        parsed = feedparser.parse(answer.data)
        assert not parsed.bozo
        items = [(e.title, urlsplit(e.link).path, int(e.gs_score)) for e in parsed.entries]
        for entry in parsed.entries:
            body = entry.content[0].value if form == "atom" else entry.summary
            assert f"<strong>Score: {entry.gs_score}" in body
    assert items == shown


# Addresses


@pytest.mark.parametrize(
    "path",
    ["/trending", "/newest", "/category/big-tech", "/search", "/source/techcrunch_ai", "/category/chips-and-none"],
)
@pytest.mark.parametrize("form", FORMS)
def test_every_list_is_a_feed(full: FlaskClient, path: str, form: str) -> None:
    answer = full.get(f"{path}.{form}?q=trainium")
    if path.endswith("none"):
        assert answer.status_code == 404
        return
    assert answer.status_code == 200
    assert answer.content_type == TYPES[form]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    if form != "json":
        assert feedparser.parse(answer.data).entries
    else:
        assert answer.get_json()["items"]


def titles(client: FlaskClient, path: str) -> list[str]:
    return [item["title"] for item in client.get(path).get_json()["items"]]


def test_filters_of_a_list_hold_for_its_feed(site: FlaskClient, room: Newsroom) -> None:
    room.story("Hot", ["techcrunch_ai"], category="models", trend=5, score=50, at=NOW - 30 * HOUR)
    room.story("Good", ["techcrunch_ai", "seedbed"], category="models", trend=3, score=90, at=NOW - 2 * HOUR)
    room.rank()
    assert titles(site, "/category/models.json") == ["Hot", "Good"]
    assert titles(site, "/category/models.json?min_score=80") == ["Good"]
    assert titles(site, "/category/models.json?min_sources=2") == ["Good"]
    assert titles(site, "/category/models.json?sort=newest") == ["Good", "Hot"]
    assert titles(site, "/category/models.json?window=24h") == ["Good"]
    assert titles(site, "/source/seedbed.json") == ["Good"]
    assert titles(site, "/search.json?q=hot") == ["Hot"]
    assert titles(site, "/search.json") == []
    feed = site.get("/category/models.json?min_score=80&junk=1").get_json()
    assert feed["feed_url"].endswith("/category/models.json?min_score=80")
    assert feed["home_page_url"].endswith("/category/models?min_score=80")


# Pages of a feed


def burst(room: Newsroom, source: str, count: int) -> None:
    for i in range(count):
        room.story(f"{source} {i}", [source], at=NOW - 5 * HOUR + i * timedelta(minutes=1), trend=0.1)


@pytest.mark.parametrize("form", FORMS)
def test_a_burst_of_one_source_hides_nothing(site: FlaskClient, room: Newsroom, form: str) -> None:
    room.story("Budget fails by one vote", ["seedbed"], at=NOW - 6 * HOUR)
    burst(room, "techcrunch_ai", 120)
    seen: list[str] = []
    address = f"/newest.{form}"
    for _ in range(5):
        answer = site.get(address)
        if form == "json":
            feed = answer.get_json()
            seen += [item["title"] for item in feed["items"]]
            following = feed.get("next_url", "")
        else:
            feed = feedparser.parse(answer.data)
            seen += [entry.title for entry in feed.entries]
            following = next((link.href for link in feed.feed.links if link.rel == "next"), "")
        assert (f'<{following}>; rel="next"' in answer.headers["Link"]) == bool(following)
        if not following:
            break
        address = following.removeprefix("http://localhost")
    assert len(seen) == len(set(seen)) == 121
    assert seen[-1] == "Budget fails by one vote"


def test_limit_says_how_many_items_a_feed_has(site: FlaskClient, room: Newsroom) -> None:
    burst(room, "techcrunch_ai", 120)
    assert len(titles(site, "/newest.json")) == 50
    assert len(titles(site, "/newest.json?limit=100")) == 100
    feed = site.get("/newest.json?limit=7&min_score=10").get_json()
    assert len(feed["items"]) == 7
    assert feed["feed_url"].endswith("/newest.json?min_score=10&limit=7")
    assert "limit=7" in feed["next_url"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=1", "cursor=x-1"])
def test_a_part_that_no_feed_has_is_refused(site: FlaskClient, query: str) -> None:
    answer = site.get(f"/newest.rss?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


def test_a_page_begins_where_the_last_one_ended_when_stories_arrive(site: FlaskClient, room: Newsroom) -> None:
    burst(room, "techcrunch_ai", 20)
    first = site.get("/newest.json?limit=10").get_json()
    for i in range(3):
        room.story(f"Later {i}", ["seedbed"], at=NOW - HOUR)
    second = titles(site, first["next_url"].removeprefix("http://localhost"))
    assert second == [f"techcrunch_ai {i}" for i in range(9, -1, -1)]


@pytest.mark.parametrize(
    "path",
    ["/trending", "/newest", "/category/big-tech", "/search", "/source/techcrunch_ai", "/topic/none"],
)
@pytest.mark.parametrize(("form", "errors"), [("rss", rss_errors), ("atom", atom_errors), ("json", json_feed_errors)])
def test_every_feed_keeps_the_validator_s_rules(
    full: FlaskClient, path: str, form: str, errors: Callable[[bytes], list[str]]
) -> None:
    answer = full.get(f"{path}.{form}?q=a")
    if path.endswith("none"):
        assert answer.status_code == 404
        return
    assert errors(answer.data) == []


# Identity, dates, pictures


def test_ids_outlive_a_change_of_address(tmp_path: Path, store: Store, room: Newsroom, make_app: MakeApp) -> None:
    room.story("Kept", ["techcrunch_ai"])
    store.state.keep_id_base("http://127.0.0.1:8000")
    store.state.keep_id_base("https://news.example.org")
    moved = replace(room.config, site=replace(room.config.site, url="https://news.example.org"))
    site = make_app(tmp_path / "news.db", fallback_config=moved).test_client()
    (item,) = site.get("/newest.json", headers={"Host": "news.example.org"}).get_json()["items"]
    assert item["id"].startswith("tag:127.0.0.1,2026:story/")
    assert item["url"].startswith("https://news.example.org/story/")
    (story,) = site.get("/api/v1/stories?sort=newest", headers={"Host": "news.example.org"}).get_json()["items"]
    assert story["uri"] == item["id"]


def test_a_feed_states_the_publisher_s_date(site: FlaskClient, room: Newsroom) -> None:
    stated = datetime(2024, 11, 1, 12, tzinfo=UTC)
    room.story("Old", ["techcrunch_ai"], published_at=stated)
    room.story("Undated", ["seedbed"])
    feed = site.get("/newest.json").get_json()
    items = {item["title"]: item for item in feed["items"]}
    assert items["Old"]["date_published"] == "2024-11-01T12:00:00Z"
    assert "first seen" not in items["Old"]["content_text"]
    assert items["Undated"]["_groundswell"]["published_at"] is None
    assert items["Undated"]["date_published"] == items["Undated"]["_groundswell"]["first_seen_at"]
    assert "first seen 19 Nov 2026" in items["Undated"]["content_text"]


def test_a_picture_is_offered_at_this_site_s_address(site: FlaskClient, room: Newsroom) -> None:
    picture = Picture("https://publisher.example/a.jpg", caption="Racks", width=640, height=360)
    room.story("Pictured", ["techcrunch_ai"], picture=picture)
    (item,) = site.get("/newest.json").get_json()["items"]
    assert item["image"].startswith("http://localhost/picture/")
    assert item["attachments"][0]["mime_type"] == "image/jpeg"
    assert "publisher.example" not in site.get("/newest.rss").text


def test_a_recording_is_offered_on_the_page_in_feeds_and_in_the_api(site: FlaskClient, room: Newsroom) -> None:
    recording = Enclosure("https://audio.example/1.mp3", "audio/mpeg", 34_216_300)
    story_id = room.story("Episode 1", ["techcrunch_ai"], enclosure=recording)
    page = site.get(f"/story/{story_id}", follow_redirects=True).text
    assert re.search(r'href="https://audio.example/1.mp3"[^>]*>Listen \(34 MB\)<', page)
    assert (
        '<enclosure url="https://audio.example/1.mp3" length="34216300" type="audio/mpeg"'
        in site.get("/newest.rss").text
    )
    (entry,) = site.get(f"/api/v1/stories/{story_id}").get_json()["told_by"]
    assert entry["enclosure"] == {"url": recording.url, "media_type": "audio/mpeg", "length": 34_216_300}


# In a browser


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_a_browser_gets_a_type_that_it_applies_the_style_sheet_to(full: FlaskClient, form: str) -> None:
    reader = full.get(f"/newest.{form}")
    browser = full.get(f"/newest.{form}", headers={"Accept": "text/html,application/xhtml+xml"})
    assert reader.content_type == TYPES[form]
    assert browser.content_type == "application/xml; charset=utf-8"
    assert browser.data == reader.data
    assert {"Accept", "Accept-Encoding"} <= set(browser.headers["Vary"].split(", "))
    address = re.search(r'<\?xml-stylesheet type="text/xsl" href="([^"]+)"\?>', browser.text)
    assert address is not None
    sheet = full.get(address[1])
    assert sheet.content_type == "text/xsl; charset=utf-8"
    assert NAMESPACE in sheet.text


@pytest.mark.parametrize("path", ["/feed.xml", "/index.rss", "/rss", "/feed", "/rss.xml", "/index.xml"])
def test_readers_that_guess_find_the_feed(full: FlaskClient, path: str) -> None:
    answer = full.get(path)
    assert (answer.status_code, answer.location) == (301, "/trending.rss")


def test_pages_say_where_their_feed_is(full: FlaskClient) -> None:
    page = full.get("/category/big-tech?min_score=80").text
    offered = re.findall(r'<link rel="alternate" type="([^"]+)"[^>]* href="([^"]+)">', page)
    assert offered == [
        ("application/rss+xml", "/category/big-tech.rss?min_score=80"),
        ("application/atom+xml", "/category/big-tech.atom?min_score=80"),
        ("application/feed+json", "/category/big-tech.json?min_score=80"),
    ]
    assert 'href="/trending.rss"' in full.get("/").text


def test_an_item_keeps_its_id_when_its_headline_changes(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story("Before", ["techcrunch_ai"])
    room.rank()
    assert site.get("/trending.json").get_json()["items"][0]["id"] == f"tag:127.0.0.1,2026:story/{story_id}"


def test_links_of_a_local_site_use_the_address_of_the_request(full: FlaskClient) -> None:
    feed = full.get("/trending.json", headers={"Host": "localhost:8123"}).get_json()
    assert feed["feed_url"] == "http://localhost:8123/trending.json"
    assert feed["items"][0]["url"].startswith("http://localhost:8123/story/")
    assert feed["items"][0]["id"].startswith("tag:127.0.0.1,2026:")
