from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import feedparser
import pytest
from flask.testing import FlaskClient

from aggregator.text.tokens import storable
from tests.web.newsroom import HOUR, NOW, Newsroom
from web import syndicate
from web.syndicate import NAMESPACE, Channel, Item

ATOM = "{http://www.w3.org/2005/Atom}"
GS = f"{{{NAMESPACE}}}"
FORMS = ("rss", "atom", "json")
NASTY = [
    "<script>alert(1)</script>",
    "AT&T & Co: 1 < 2, 3 > 2",
    "&amp; means &lt;b&gt;",
    "]]> {{ 7*7 }} ${x}",
    "صفقة — 亚马逊 \U0001f680",
    "A tab\tand \x0b control \x00 \x1f and \ufffe",
]

TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


def item(number: int = 1, **changes: Any) -> Item:
    values: dict[str, Any] = {
        "id": f"tag:news.example,2026:story/{number}",
        "url": f"https://news.example/story/{number}/x",
        "title": f"Story {number}",
        "text": "A summary.",
        "facts": "Score: 87 · 9 sources, 6 independent · via TechCrunch AI",
        "original": "https://techcrunch.com/a?b=1&c=2",
        "via": "techcrunch_ai",
        "source": "TechCrunch AI",
        "category": "Big Tech",
        "category_id": "big-tech",
        "language": "en",
        "score": 87,
        "provisional": False,
        "sources": 9,
        "independent": 6,
        "published": datetime(2026, 11, 19, 9, 20, tzinfo=UTC),
        "updated": datetime(2026, 11, 19, 12, 0, tzinfo=UTC),
    }
    return Item(**{**values, **changes})


def channel(*items: Item) -> Channel:
    return Channel(
        "Groundswell: Big Tech",
        "Stories ranked by trend",
        "https://news.example/category/big-tech",
        "https://news.example/category/big-tech.rss?min_score=80&sort=newest",
        "en",
        items,
    )


# Held against the specifications


def test_rss_is_as_the_specification_wants_it() -> None:
    root = ET.fromstring(syndicate.rss(channel(item(1), item(2, category=""))))
    assert (root.tag, root.get("version"), len(root)) == ("rss", "2.0", 1)
    head = root[0]
    for required in ("title", "link", "description"):
        assert len(head.findall(required)) == 1
        assert head.findtext(required)
    own = head.find(f"{ATOM}link")
    assert own is not None
    assert own.attrib == {"href": channel().self_url, "rel": "self", "type": "application/rss+xml"}
    assert parsedate_to_datetime(head.findtext("lastBuildDate") or "").tzinfo is not None
    items = head.findall("item")
    assert len(items) == 2
    for node in items:
        names = [child.tag for child in node]
        for once in ("title", "link", "description", "guid", "pubDate"):
            assert names.count(once) == 1
        guid = node.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        assert re.fullmatch(r"tag:[a-z0-9.-]+,\d{4}:story/\d+", guid.text or "")
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", node.findtext("pubDate") or "")
        assert urlsplit(node.findtext("link") or "").scheme == "https"
        known = {"title", "link", "description", "guid", "pubDate", "category"}
        assert all(name in known or name.startswith("{") for name in names)
    assert items[1].find("category") is None


def test_atom_is_as_rfc_4287_wants_it() -> None:
    root = ET.fromstring(syndicate.atom(channel(item(1), item(2, text="", original=""))))
    assert root.tag == f"{ATOM}feed"
    for required in ("id", "title", "updated"):
        assert len(root.findall(f"{ATOM}{required}")) == 1
    assert [link.get("rel") for link in root.findall(f"{ATOM}link")] == ["self", "alternate"]
    for node in root.findall(f"{ATOM}entry"):
        for required in ("id", "title", "updated", "author", "content"):
            assert len(node.findall(f"{ATOM}{required}")) == 1
        assert node.findtext(f"{ATOM}author/{ATOM}name")
        assert len([n for n in node.findall(f"{ATOM}link") if n.get("rel") == "alternate"]) == 1
        for date in ("published", "updated"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", node.findtext(f"{ATOM}{date}") or "")
    ids = [node.findtext(f"{ATOM}id") for node in root.findall(f"{ATOM}entry")]
    assert len(set(ids)) == 2


def test_json_feed_is_as_version_1_1_wants_it() -> None:
    document = json.loads(syndicate.json_feed(channel(item(1), item(2, original="", category=""))))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["title"]
    for one in document["items"]:
        assert isinstance(one["id"], str)
        assert one["content_html"]
        assert one["content_text"]
        for date in ("date_published", "date_modified"):
            assert datetime.fromisoformat(one[date]).tzinfo is not None
        extensions = [key for key in one if key.startswith("_")]
        assert extensions == ["_groundswell"]
    assert "external_url" not in document["items"][1]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_stories_give_the_same_bytes(form: str) -> None:
    write = syndicate.FORMATS[form].write
    assert write(channel(item(1), item(2))) == write(channel(item(1), item(2)))
    assert write(channel())


# Read back


@pytest.mark.parametrize("title", NASTY)
@pytest.mark.parametrize("form", ["rss", "atom"])
def test_feedparser_reads_back_what_was_written(form: str, title: str) -> None:
    clean = storable(title)
    written = syndicate.FORMATS[form].write(
        channel(item(title=clean, text=clean, source=clean, related=(("R", clean, "https://r.example/"),)))
    )
    parsed = feedparser.parse(written)
    assert not parsed.bozo
    entry = parsed.entries[0]
    read = unescape(entry.title) if entry.title_detail.type == "text/html" else entry.title
    assert read == " ".join(clean.split()) or read == clean.strip()
    assert entry.id == "tag:news.example,2026:story/1"
    assert entry.link == "https://news.example/story/1/x"
    assert [link.href for link in entry.links if link.rel == "via"] == ["https://techcrunch.com/a?b=1&c=2"]
    assert (entry.gs_score, entry.gs_sources, entry.gs_independentsources) == ("87", "9", "6")
    assert (entry.gs_provisional, entry.gs_via) == ("false", "techcrunch_ai")
    assert entry.published_parsed[:5] == (2026, 11, 19, 9, 20)
    assert entry.updated_parsed[:5] == (2026, 11, 19, 12, 0)
    body = entry.content[0].value if form == "atom" else entry.description
    assert "<script" not in body
    assert "Score: 87" in body
    assert 'href="https://r.example/"' in body


@pytest.mark.parametrize("title", NASTY)
@pytest.mark.parametrize("form", ["rss", "atom"])
def test_no_text_turns_into_markup(form: str, title: str) -> None:
    """A reader that takes every text for HTML sees the words, and no tag that is not ours."""
    root = ET.fromstring(syndicate.FORMATS[form].write(channel(item(title=title, text=title, facts=title))))
    for node in root.iter():
        ours = re.sub(r"</?(p|a|strong|ul|li)\b[^>]*>", "", node.text or "")
        assert not re.search(r"<\s*\w", ours), node.tag


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
        told = [(i["title"], urlsplit(i["url"]).path, i["_groundswell"]["score"]) for i in answer.get_json()["items"]]
    else:
        parsed = feedparser.parse(answer.data)
        assert not parsed.bozo
        told = [(e.title, urlsplit(e.link).path, int(e.gs_score)) for e in parsed.entries]
        assert all(f"Score: {e.gs_score}" in str(e) for e in parsed.entries)
    assert told == shown


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
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    if form != "json":
        assert feedparser.parse(answer.data).entries
    else:
        assert answer.get_json()["items"]


def titles(client: FlaskClient, path: str) -> list[str]:
    return [one["title"] for one in client.get(path).get_json()["items"]]


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


@pytest.mark.parametrize("path", ["/feed.xml", "/index.rss", "/rss", "/feed", "/rss.xml"])
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


def test_links_lead_to_the_site_as_it_was_asked_while_it_is_only_local(full: FlaskClient) -> None:
    feed = full.get("/trending.json", headers={"Host": "localhost:8123"}).get_json()
    assert feed["feed_url"] == "http://localhost:8123/trending.json"
    assert feed["items"][0]["url"].startswith("http://localhost:8123/story/")
    assert feed["items"][0]["id"].startswith("tag:127.0.0.1,2026:")
