from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from aggregator.discovery import opml
from aggregator.model import Config, Limits, Source
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.media import social_card
from web.media.social_card import Card
from web.present.sources import feed_address

SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}


class Head(HTMLParser):
    """What a page's head contains for programs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.described: list[Any] = []
        self._in_data = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "meta" and attributes.get("property", attributes.get("name")):
            self.meta[attributes.get("property") or attributes.get("name") or ""] = attributes.get("content") or ""
        self._in_data = tag == "script" and attributes.get("type") == "application/ld+json"

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.described.append(json.loads(data))
            self._in_data = False


def head(client: FlaskClient, path: str) -> Head:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    return Head(answer.text)


def test_a_story_without_a_stated_date_claims_none(site: FlaskClient, room: Newsroom) -> None:
    metadata = head(site, f"/story/{room.story('Undated', ['seedbed'])}/")
    (article,) = metadata.described
    assert "datePublished" not in article
    assert article["dateModified"]
    assert "article:published_time" not in metadata.meta


def test_a_story_describes_itself_as_news(site: FlaskClient, room: Newsroom) -> None:
    nasty = 'He said "</script><b>&amp; -->" \u2028 ' + "so " * 60
    stated = NOW - 9 * HOUR
    story_id = room.story(nasty, ["seedbed"], summary="In short", category="models", score=64, published_at=stated)
    metadata = head(site, f"/story/{story_id}/")
    (article,) = metadata.described
    assert article["@type"] == "NewsArticle"
    assert article["headline"].startswith('He said "</script><b>&amp; -->"')
    assert len(article["headline"]) <= 110
    assert article["datePublished"] == f"{stated:%Y-%m-%dT%H:%M:%SZ}"
    assert metadata.meta["article:published_time"] == article["datePublished"]
    assert article["isBasedOn"] == "https://news.example/a-0"
    assert article["image"] == [metadata.meta["og:image"]]
    assert metadata.meta["og:type"] == "article"
    assert metadata.meta["og:title"] == nasty
    assert metadata.meta["twitter:card"] == "summary_large_image"
    assert metadata.meta["article:section"] == "Models"


@pytest.mark.parametrize("path", ["/", "/category/big-tech", "/newest"])
def test_a_list_describes_itself_in_its_order(full: FlaskClient, path: str) -> None:
    metadata = head(full, path)
    (described,) = metadata.described
    assert described["@type"] == "ItemList"
    assert [item["position"] for item in described["itemListElement"]] == list(range(1, described["numberOfItems"] + 1))
    first = described["itemListElement"][0]
    assert full.get(first["url"]).status_code == 200
    assert metadata.meta["og:type"] == "website"


def test_a_story_without_a_picture_gets_a_card_that_changes_with_it(site: FlaskClient, room: Newsroom) -> None:
    story_id = room.story("Trainium for everybody", ["seedbed"], score=64)
    url = head(site, f"/story/{story_id}/").meta["og:image"]
    answer = site.get(url)
    assert answer.content_type == "image/png"
    assert "immutable" in answer.headers["Cache-Control"]
    assert Image.open(BytesIO(answer.data)).size == (1200, 630)
    assert len(answer.data) < 60_000
    old = site.get(re.sub(r"-\w+\.png", "-old.png", url))
    assert (old.status_code, old.location) == (302, urlsplit(url).path)
    assert site.get("/card/99999-x.png").status_code == 404
    assert site.get(head(site, "/about").meta["og:image"]).content_type == "image/png"


@pytest.mark.parametrize(
    "headline",
    [
        "Plain words",
        "Été à Zürich – “Łódź”",
        "Новости",
        "英伟达发布",
        "عاجل",
        "x" * 500,
        "so " * 166,
        "🎉",
        "",
        "\u202e",
    ],
)
def test_a_card_can_be_drawn_for_any_headline_and_is_the_same_each_time(headline: str) -> None:
    what = Card("Groundswell", headline, "Models", "1 source", 64)
    assert social_card.card(what) == social_card.card(what)
    assert replace(what, score=65).digest != what.digest == replace(what).digest


def test_what_the_font_cannot_write_is_left_out_rather_than_boxed() -> None:
    assert social_card.writable("Été Новости “Łódź” – 5 %")
    assert not any(map(social_card.writable, ("英伟达", "عاجل", "🎉")))


def test_icons_and_manifest_belong_together(full: FlaskClient) -> None:
    manifest = full.get("/manifest.webmanifest").get_json()
    for icon in manifest["icons"]:
        answer = full.get(icon["src"])
        assert answer.content_type.partition(";")[0] == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, Image.open(BytesIO(answer.data)).size)) == icon["sizes"]
    assert 'rel="manifest" href="/manifest.webmanifest"' in full.get("/").text


def test_the_sitemap_has_the_stories_of_two_days_as_news(site: FlaskClient, room: Newsroom) -> None:
    new = room.story("New & <fresh>", ["seedbed"], published_at=NOW - timedelta(hours=4))
    undated = room.story("Undated", ["seedbed"])
    room.story("Old", ["seedbed"], at=NOW - timedelta(days=3))
    root = ET.fromstring(site.get("/sitemap.xml").data)
    news = [node for node in root if node.find("n:news", SITEMAP) is not None]
    assert [node.findtext("n:news/n:title", namespaces=SITEMAP) for node in news] == ["New & <fresh>"]
    assert f"/story/{new}/" in (news[0].findtext("s:loc", namespaces=SITEMAP) or "")
    stated = news[0].findtext("n:news/n:publication_date", namespaces=SITEMAP) or ""
    assert datetime.fromisoformat(stated) == NOW - 4 * HOUR
    locations = [node.findtext("s:loc", namespaces=SITEMAP) or "" for node in root]
    assert any(f"/story/{undated}/" in location for location in locations), "listed, but not as news of a date"
    for node in root:
        path = urlsplit(node.findtext("s:loc", namespaces=SITEMAP) or "").path
        assert site.get(path).status_code == 200, path


def test_robots_keep_out_of_what_never_ends(full: FlaskClient) -> None:
    text = full.get("/robots.txt").text
    assert "Disallow: /search\n" in text
    assert text.endswith("Sitemap: http://localhost/sitemap.xml\n")


def test_the_sources_can_be_taken_elsewhere(full: FlaskClient, config: Config) -> None:
    read = opml.read(full.get("/sources.opml").data)
    assert not read.notes
    assert {feed.url for feed in read.feeds} == {source.url for source in config.sources}
    assert {feed.folder for feed in read.feeds} <= {category.name for category in config.categories}


PRIVATE = [
    "http://127.0.0.1/feed", "http://localhost/feed", "http://192.168.1.5/feed", "http://[::1]/feed", "http://nas/feed",
    "http://news.local/feed", "http://wiki.corp/rss", "http://intranet.example.org/rss",
    "https://a.example/feed?api_key=1", "https://a.example/feed?x=1&auth=2", "https://a.example/feed?sessionToken=",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_no_private_address_is_published(
    make_app: Callable[..., Flask], tmp_path: Path, config: Config, url: str
) -> None:
    hidden = Source("hidden", "Hidden", url, config.categories[0].id)
    limits = Limits(allow_private=("intranet.example.org",))
    client = make_app(
        tmp_path / "x.db", fallback_config=replace(config, sources=(hidden,), limits=limits)
    ).test_client()
    for path in ("/sources.opml", "/api/v1/sources"):
        assert (urlsplit(url).hostname or "?") not in client.get(path).text.replace("http://localhost/", ""), path


def test_an_address_is_shown_without_what_lets_one_in() -> None:
    def shown(url: str, **more: Any) -> str:
        return feed_address(Source("a", "A", url, "x", **more), Limits())

    assert shown("https://me:pw@a.example/feed?format=rss") == "https://a.example/feed?format=rss"
    assert shown("https://a.example/monkeys?key_words=1") == "https://a.example/monkeys?key_words=1"
    assert shown("https://a.example/feed", headers=(("Authorization", "x"),)) == ""
