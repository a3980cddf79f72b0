"""Page, feeds and API list the same stories in the same order, and third-party parsers read back what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import fastfeedparser
import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Topic
from aggregator.store import Store
from aggregator.text.markup import storable
from tests.web.newsroom import NOW, Newsroom
from tests.web.syndication.test_formats import NASTY, channel, item
from web import syndication
from web.syndication import NAMESPACE

FORMS = ("rss", "atom", "json")
PAGE = 30
"""Stories of a page; feeds have more."""

# path, query, and the same list in the API
LISTS = [
    ("/trending", "", "/stories"),
    ("/trending", "min_score=50", "/stories?min_score=50"),
    ("/trending", "min_sources=2&window=24h", "/stories?min_sources=2&window=24h"),
    ("/newest", "", "/stories?sort=newest"),
    ("/newest", "sort=score", "/stories?sort=score"),
    ("/category/big-tech", "", "/stories?category=big-tech"),
    ("/category/big-tech", "sort=newest&min_score=30", "/stories?category=big-tech&sort=newest&min_score=30"),
    ("/category/models", "sort=score&window=7d", "/stories?category=models&sort=score&window=7d"),
    ("/search", "q=trainium&sort=newest", "/search?q=trainium&sort=newest"),
    ("/search", "q=the&sort=score&category=big-tech", "/search?q=the&sort=score&category=big-tech"),
    ("/search", "q=score:%3E40%20after:2d&sort=newest", "/search?q=score:%3E40%20after:2d&sort=newest"),
    ("/topic/trainium", "", "/topics/trainium"),
    ("/source/seedbed", "", None),
]  # fmt: skip


def ids(urls: list[str]) -> list[int]:
    """Return the stories that *urls* lead to, without repeats."""
    match = (re.match(r"/story/(\d+)/", urlsplit(url).path) for url in urls)
    return list(dict.fromkeys(int(hit[1]) for hit in match if hit))


def on_page(client: FlaskClient, path: str) -> list[int]:
    answer = client.get(path)
    assert answer.status_code == 200
    return ids(re.findall(r'href="(/story/[^"]+)"', answer.text.partition("<main")[2].partition("</main>")[0]))


def in_feed(client: FlaskClient, path: str, form: str) -> list[int]:
    answer = client.get(path)
    assert answer.status_code == 200
    if form == "json":
        return ids([story["url"] for story in answer.get_json()["items"]])
    return ids([entry.link for entry in feedparser.parse(answer.data).entries])


@pytest.fixture(scope="module")
def with_topic(edition_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample edition with a rising topic."""
    path = tmp_path_factory.mktemp("topic") / "news.db"
    with Store.open(edition_db) as store:
        store.copy_to(path, {})
    with Store.open(path) as store, store.transaction():
        entries = [entry.entry_id for entry in store.entries.each() if "trainium" in entry.title.lower()]
        store.topics.replace([(Topic("trainium", "Trainium", 1, 0.5, 4.0, len(entries), 3, 0.2, NOW), entries)], NOW)
    return path


@pytest.fixture
def visitor(with_topic: Path, make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(with_topic).test_client()


@pytest.mark.parametrize(("path", "query", "interface"), LISTS, ids=lambda value: str(value))
def test_page_feeds_and_interface_agree(visitor: FlaskClient, path: str, query: str, interface: str | None) -> None:
    mark = f"?{query}" if query else ""
    shown = on_page(visitor, path + mark)
    assert shown, "a list without stories would agree with anything"
    for form in FORMS:
        fed = in_feed(visitor, f"{path}.{form}{mark}", form)
        assert fed[: len(shown)] == shown, form
        assert len(fed) == len(shown) or len(shown) == PAGE
    if interface is not None:
        answer = visitor.get(f"/api/v1{interface}").get_json()
        assert [story["id"] for story in answer["items"]] == shown


def test_each_entry_of_a_story_is_in_page_and_interface(visitor: FlaskClient) -> None:
    story_id = on_page(visitor, "/trending")[0]
    page = visitor.get(f"/story/{story_id}/", follow_redirects=True).text
    told_by = visitor.get(f"/api/v1/stories/{story_id}").get_json()["told_by"]
    assert len(told_by) > 3
    for entry in told_by:
        assert f'href="{entry["url"]}"' in page


def test_score_and_sources_are_the_same_everywhere(visitor: FlaskClient) -> None:
    facts = [
        (story["id"], story["score"], story["sources"], story["independent_sources"])
        for story in visitor.get("/api/v1/stories").get_json()["items"]
    ]
    fed = [
        (ids([row["url"]])[0], *(row["_groundswell"][name] for name in ("score", "sources", "independent_sources")))
        for row in visitor.get("/trending.json").get_json()["items"][:PAGE]
    ]
    space = f"{{{NAMESPACE}}}"
    root = ET.fromstring(visitor.get("/trending.rss").data)
    items = [
        (
            ids([node.findtext("link") or ""])[0],
            *(int(node.findtext(space + name) or -1) for name in ("score", "sources", "independentSources")),
        )
        for node in root.iter("item")
    ]
    assert facts == fed == items[:PAGE]


# What changes a feed


@pytest.mark.parametrize("path", ["/newest", "/trending", "/category/models", "/search"])
@pytest.mark.parametrize("form", FORMS)
def test_a_view_and_a_fading_trend_do_not_change_a_byte(
    site: FlaskClient, store: Store, room: Newsroom, path: str, form: str
) -> None:
    fading = room.story("One trainium", ["seedbed"], category="models", trend=3)
    two = room.story("Two trainium", ["seedbed", "techcrunch_ai"], category="models", trend=2)
    room.rank()
    address = f"{path}.{form}?q=trainium"
    before = site.get(address)
    with store.transaction():
        store.feedback.add_views({fading: 7, two: 9}, NOW.date())
        store.stories.refresh_trends({"": [(fading, 0.9), (two, 0.1)]})
        store.state.next_edition()
    after = site.get(address)
    assert after.data == before.data
    assert after.headers["Last-Modified"] == before.headers["Last-Modified"]
    for name, header in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        assert site.get(address, headers={name: before.headers[header]}).status_code == 304


def test_what_counts_as_a_change_is_an_item_in_a_new_state() -> None:
    before = channel(item(1), item(2))
    later = item(1).updated_at.replace(hour=20)

    def news(after: Any) -> bool:
        return bool(set(syndication.material(after).split()) - set(syndication.material(before).split()))

    assert not news(channel(item(2), item(1)))
    assert not news(channel(item(2)))
    assert not news(channel(item(1, score=3, provisional=True, facts="other"), item(2)))
    assert news(channel(item(1, updated_at=later), item(2)))
    assert news(channel(item(3), item(1)))


# Readers of others


def read_by_feedparser(data: bytes) -> list[tuple[str, str, str, str]]:
    parsed = feedparser.parse(data)
    assert not parsed.bozo
    return [(e.id, e.link, e.title, e.updated[:19] if "T" in e.get("updated", "") else "") for e in parsed.entries]


def read_by_fastfeedparser(data: bytes) -> list[tuple[str, str, str, str]]:
    parsed = fastfeedparser.parse(data.decode())
    return [(e["id"], e["link"], e["title"], "") for e in parsed.entries]


def read_as_json(data: bytes) -> list[tuple[str, str, str, str]]:
    return [(story["id"], story["url"], story["title"], "") for story in json.loads(data)["items"]]


READERS = {
    "rss": (read_by_feedparser, read_by_fastfeedparser),
    "atom": (read_by_feedparser, read_by_fastfeedparser),
    "json": (read_as_json, read_by_fastfeedparser),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("title", ["Plain words", *(text for text in NASTY if "<" not in text and "&" not in text)])
def test_two_readers_of_others_read_back_what_was_written(form: str, title: str) -> None:
    written = [item(1, title=storable(title)), item(2, title="Second", original="", text="")]
    data = syndication.FORMATS[form].write(channel(*written))
    for reader in READERS[form]:
        read = reader(data)
        assert [(story[0], story[1], " ".join(story[2].split())) for story in read] == [
            (row.id, row.url, " ".join(row.title.split())) for row in written
        ], reader.__name__


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_is_read_back_without_loss(visitor: FlaskClient, form: str) -> None:
    data = visitor.get(f"/newest.{form}", headers={"Accept-Encoding": "identity"}).data
    expected = [
        (listed_story["id"], listed_story["url"]) for listed_story in visitor.get("/newest.json").get_json()["items"]
    ]
    for reader in READERS[form]:
        assert [(listed[0], listed[1]) for listed in reader(data)] == expected
    entries = fastfeedparser.parse(data.decode()).entries
    stories = visitor.get("/api/v1/stories?sort=newest&limit=50").get_json()["items"]
    assert [entry["published"][:19] for entry in entries] == [listed["first_seen_at"][:19] for listed in stories]
