from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import feedparser
import pytest

from aggregator.model import Enclosure
from aggregator.text.markup import storable
from tests.web.syndication.feed_rules import atom_errors, json_feed_errors, rss_errors
from web.syndication import FORMATS, NAMESPACE, Channel, Image, Item

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
        "published_at": datetime(2026, 11, 19, 9, 20, tzinfo=UTC),
        "first_seen_at": datetime(2026, 11, 19, 9, 40, tzinfo=UTC),
        "updated_at": datetime(2026, 11, 19, 12, 0, tzinfo=UTC),
        "related": (("The Ledgerline", "Two gigawatts for one tenant", "https://ledgerline.example/a"),),
    }
    return Item(**{**values, **changes})


def with_picture() -> Image:
    return Image("https://news.example/picture/7", "image/jpeg", 640, 360, "Racks & cables", "A. Photographer")


def channel(*items: Item, **changes: Any) -> Channel:
    return Channel(
        "Groundswell: Big Tech",
        "Stories ranked by trend",
        "https://news.example/category/big-tech",
        "https://news.example/category/big-tech.rss?min_score=80&sort=newest",
        "en",
        items,
        **changes,
    )


# Held against the specifications


def test_rss_follows_the_specification() -> None:
    root = ET.fromstring(FORMATS["rss"].write(channel(item(1), item(2, category=""))))
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
        allowed = {"title", "link", "description", "guid", "pubDate", "category"}
        assert all(name in allowed or name.startswith("{") for name in names)
    assert items[1].find("category") is None


def test_atom_follows_rfc_4287() -> None:
    root = ET.fromstring(FORMATS["atom"].write(channel(item(1), item(2, text="", original=""))))
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


def test_json_feed_follows_version_1_1() -> None:
    document = json.loads(FORMATS["json"].write(channel(item(1), item(2, original="", category=""))))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["title"]
    for entry in document["items"]:
        assert isinstance(entry["id"], str)
        assert entry["content_html"]
        assert entry["content_text"]
        for date in ("date_published", "date_modified"):
            assert datetime.fromisoformat(entry[date]).tzinfo is not None
        extensions = [key for key in entry if key.startswith("_")]
        assert extensions == ["_groundswell"]
    assert "external_url" not in document["items"][1]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_stories_give_the_same_bytes(form: str) -> None:
    write = FORMATS[form].write
    assert write(channel(item(1), item(2))) == write(channel(item(1), item(2)))
    assert write(channel(item(1))) != write(channel(item(2)))


@pytest.mark.parametrize(("form", "errors"), [("rss", rss_errors), ("atom", atom_errors), ("json", json_feed_errors)])
def test_an_empty_list_is_a_valid_feed(form: str, errors: Callable[[bytes], list[str]]) -> None:
    assert errors(FORMATS[form].write(channel())) == []


def test_a_picture_is_media_and_an_enclosure() -> None:
    written = FORMATS["rss"].write(channel(item(image=with_picture())))
    (entry,) = feedparser.parse(written).entries
    (enclosure,) = entry.enclosures
    assert (enclosure.href, enclosure.type) == ("https://news.example/picture/7", "image/jpeg")
    (media,) = entry.media_content
    assert (media["url"], media["medium"]) == ("https://news.example/picture/7", "image")
    assert (media["width"], media["height"]) == ("640", "360")
    # A caption is not part of the item's text.
    assert entry.summary.count("A summary.") == 1
    assert "content" not in entry
    root = ET.fromstring(written)
    assert root.findtext(".//{http://search.yahoo.com/mrss/}title") == "Racks & cables"
    assert root.findtext(".//{http://search.yahoo.com/mrss/}credit") == "A. Photographer"


def test_a_picture_in_atom_and_json_feed() -> None:
    (entry,) = feedparser.parse(FORMATS["atom"].write(channel(item(image=with_picture())))).entries
    assert [item_.href for item_ in entry.enclosures] == ["https://news.example/picture/7"]
    (node,) = json.loads(FORMATS["json"].write(channel(item(image=with_picture()))))["items"]
    assert node["image"] == "https://news.example/picture/7"
    assert node["attachments"] == [
        {"url": "https://news.example/picture/7", "mime_type": "image/jpeg", "title": "Racks & cables"}
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_recording_keeps_its_type_and_length(form: str) -> None:
    recording = Enclosure("https://audio.example/1.mp3?a=1&b=2", "audio/mpeg", 34_216_300)
    written = FORMATS[form].write(channel(item(image=with_picture(), enclosure=recording)))
    if form == "json":
        node = json.loads(written)["items"][0]
        assert node["attachments"][0] == {"url": recording.url, "mime_type": "audio/mpeg", "size_in_bytes": 34_216_300}
        assert node["image"] == with_picture().url
        return
    (entry,) = feedparser.parse(written).entries
    enclosure = entry.enclosures[0]
    assert (enclosure.href, enclosure.type, enclosure.length) == (recording.url, "audio/mpeg", "34216300")
    assert entry.media_content[0]["url"] == with_picture().url
    assert not (rss_errors(written) if form == "rss" else atom_errors(written))


def test_a_recording_of_unknown_length_has_length_zero_in_rss() -> None:
    written = FORMATS["rss"].write(channel(item(enclosure=Enclosure("https://audio.example/1.mp3", "audio/mpeg"))))
    assert b'length="0"' in written
    assert not rss_errors(written)


def test_a_picture_of_unknown_type_is_not_an_enclosure_in_rss() -> None:
    picture = Image("https://news.example/picture/7", "")
    written = FORMATS["rss"].write(channel(item(image=picture)))
    assert rss_errors(written) == []
    assert ET.fromstring(written).find(".//enclosure") is None
    assert ET.fromstring(written).find(".//{http://search.yahoo.com/mrss/}content") is not None


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_the_next_page_is_linked(form: str) -> None:
    root = ET.fromstring(FORMATS[form].write(channel(item(), next_url="https://news.example/n?cursor=1-1")))
    hrefs = [link.get("href") for link in root.iter(f"{ATOM}link") if link.get("rel") == "next"]
    assert hrefs == ["https://news.example/n?cursor=1-1"]


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_style_sheets_stand_before_the_document(form: str) -> None:
    styles = (("text/xsl", "/static/feed.xsl?v=1&w"), ("text/css", "/static/feed.css"))
    written = FORMATS[form].write(channel(item(), style_urls=styles)).decode()
    assert '<?xml-stylesheet type="text/xsl" href="/static/feed.xsl?v=1&amp;w"?>' in written
    assert written.index("text/css") < written.index("<rss" if form == "rss" else "<feed")
    assert not feedparser.parse(written.encode()).bozo


def test_a_story_without_a_stated_date_carries_when_it_was_first_seen() -> None:
    root = ET.fromstring(FORMATS["rss"].write(channel(item(1), item(2, published_at=None))))
    dated, undated = root.findall(".//item")
    assert dated.findtext("pubDate") == "Thu, 19 Nov 2026 09:20:00 GMT"
    assert undated.findtext("pubDate") == "Thu, 19 Nov 2026 09:40:00 GMT"
    assert (dated.findtext(f"{GS}dateStated"), undated.findtext(f"{GS}dateStated")) == ("true", "false")
    assert dated.findtext(f"{GS}firstSeen") == "2026-11-19T09:40:00Z"


# Read back


@pytest.mark.parametrize("title", NASTY)
@pytest.mark.parametrize("form", ["rss", "atom"])
def test_feedparser_reads_back_what_was_written(form: str, title: str) -> None:
    clean = storable(title)
    written = FORMATS[form].write(
        channel(item(title=clean, text=clean, source=clean, related=(("R", clean, "https://r.example/"),)))
    )
    parsed = feedparser.parse(written)
    assert not parsed.bozo
    entry = parsed.entries[0]
    read = unescape(entry.title) if entry.title_detail.type == "text/html" else entry.title
    assert read == clean.strip()
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
    """A reader that treats every text as HTML sees the words, and no tag other than ours."""
    root = ET.fromstring(FORMATS[form].write(channel(item(title=title, text=title, facts=title))))
    for node in root.iter():
        ours = re.sub(r"</?(p|a|strong|ul|li)\b[^>]*>", "", node.text or "")
        assert not re.search(r"<\s*\w", ours), node.tag
