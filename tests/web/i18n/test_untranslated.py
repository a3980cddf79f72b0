"""No English is left on the pages of a site in another language, unless it is marked or comes from a feed.

The site is Japanese, so that words in Latin letters stand out; three in a row are taken for a sentence.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Site
from aggregator.site.backup import Contents
from aggregator.site.last_backup import note_made
from aggregator.store import Store
from aggregator.store.alerts import NewMessage
from aggregator.translatable import Translatable, stored
from scoring.learning.trial import attempt
from scoring.relevance.model import load_prior
from tests.web import newsroom
from tests.web.admin.test_operator import FEEDS, TOKEN, Desk

SENTENCE = re.compile(r"[A-Za-z]{3,}(?: [a-z]{2,}){2,}")
AS_THEY_ARE = ("layoffs unless score:", "groundswell token create NAME --post")
"""An example of a rule, and a command."""
READ_ALOUD = ("alt", "aria-label", "content", "placeholder", "title")
EMPTY = ("br", "circle", "col", "hr", "img", "input", "link", "meta", "path", "wbr")
CODE = ("code", "kbd", "pre", "script", "style")


class _Texts(HTMLParser):
    """What readers see or hear of a page, but for code and what is marked as another language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in EMPTY:
            self._open.append((tag, attributes.get("lang")))
        self._see(*(attributes[name] or "" for name in READ_ALOUD if name in attributes))

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not any(tag in CODE for tag, _ in self._open):
            self._see(data)

    def _see(self, *texts: str) -> None:
        languages = [language for _, language in self._open if language]
        if not languages or languages[-1] == "ja":
            self.texts += [" ".join(text.split()) for text in texts]


@pytest.fixture
def of_feeds(edition_db: Path) -> str:
    """All texts of the sample edition."""
    with closing(sqlite3.connect(edition_db)) as database:
        rows = database.execute("select title, summary, content from entries").fetchall()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", " ".join(map(str, row)))) for row in rows)


def sentences(page: str, of_feeds: str) -> list[str]:
    parser = _Texts()
    parser.feed(page)
    return [
        text
        for text in parser.texts
        if any(sentence not in of_feeds for sentence in SENTENCE.findall(text))
        and not any(untranslated in text for untranslated in AS_THEY_ARE)
    ]


def japanese(make_app: Callable[..., Flask], db: Path, **options: object) -> FlaskClient:
    config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language="ja"))
    return make_app(db, fallback_config=config, **options).test_client()


def test_the_check_finds_a_sentence_and_knows_what_is_marked() -> None:
    page = (
        '<html lang="ja"><p>The worker is not running</p><p lang="en">said the server twice</p><p>From a feed it came'
    )
    assert sentences(page, "From a feed it came") == ["The worker is not running"]
    assert sentences('<html lang="ja"><img alt="A picture of the page">', "") == ["A picture of the page"]


def test_pages_of_readers_hold_no_english(edition_db: Path, make_app: Callable[..., Flask], of_feeds: str) -> None:
    client = japanese(make_app, edition_db)
    stories = re.findall(r'href="(/story/[^"]+)"', client.get("/").text)[:2]
    lists = ("/", "/trending", "/newest", "/category/policy", "/topics", "/saved", "/at/2026-11-19T12:00Z")
    searches = ("/search", "/search?q=amazon", "/search?q=kind:x", "/search?q=xyzzy")
    about = ("/about", "/accuracy", "/digest", "/digest/2026-11-18", "/sources", "/source/seedbed", "/feeds", "/api")
    for path in (*lists, *searches, *about, *stories, "/nothing", "/trending?page=9999"):
        assert sentences(client.get(path, follow_redirects=True).text, of_feeds) == [], path


def _note_outcomes(db: Path) -> None:
    """Store outcomes of a backup, a training, a message and a preview, as the worker and its commands do."""
    preview = {"at": newsroom.NOW.isoformat(), "state": "failed"}
    message = stored(Translatable("this site has no configuration yet; `groundswell run` applies one"))
    db.with_name(f"{db.name}.preview.json").write_text(json.dumps({**preview, "message": message}))
    refused = Translatable("a socket of this machine")
    problem = Translatable(
        "refused: %(what)s; `allow_private: yes` under alerts permits the hosts named there", what=refused
    )
    with Store.open(db) as store:
        note_made(store, Path("backups/groundswell-1.db"), Contents(1200, 3, 2, True, 2_000_000))
        store.state.set("train_said", stored(attempt([], newsroom.NOW, load_prior()).message))
        store.alert_messages.add([NewMessage("chips", "story:1", 0, "", "ntfy", {"title": "x"})], newsroom.NOW)
        (sent,) = store.alert_messages.newest(1)
        store.alert_messages.settle(sent.message_id, "failed", problem, newsroom.NOW)


def test_the_desk_holds_no_english(
    tmp_path: Path, edition_db: Path, make_app: Callable[..., Flask], of_feeds: str
) -> None:
    db, feeds = tmp_path / "news.db", tmp_path / "feeds.yaml"
    shutil.copy(edition_db, db)
    feeds.write_text(f"{FEEDS}rules:\n  - mute: amazon\n", encoding="utf-8")
    desk = Desk(japanese(make_app, db, token=TOKEN, feeds=feeds))
    story = re.findall(r'href="/story/(\d+)', desk.client.get("/").text)[0]
    desk.post("/admin/vote", story=story, vote="up")
    _note_outcomes(db)
    pages = ["/admin", *(f"/admin/{name}" for name in ("sources", "rules", "rules/0", "preview", "tokens", "models"))]
    for path in (*pages, f"/admin/story/{story}"):
        page = desk.client.get(path)
        assert page.status_code == 200, path
        assert sentences(page.text, of_feeds) == [], path
    assert "backups/groundswell-1.db（2 MB）、検証済み：記事1,200件、ニュース3件" in desk.client.get("/admin").text
    assert "ntfy: <span>拒否：このマシンのソケットです。" in desk.client.get("/admin").text
    assert "ラベル付きのニュースがまだありません" in desk.client.get("/admin/models").text
    assert "このサイトにはまだ設定がありません" in desk.client.get("/admin/preview").text
