"""What a site says when it refuses, in its own language: pages, forms of the operator's desk, and plain text."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.model import Site
from aggregator.translatable import Translatable
from tests.web import newsroom
from tests.web.admin.test_operator import TOKEN, Desk
from tests.web.i18n.messages import ROOT
from web.http.gateway import ARRIVING, BUSY, FAILED, TOO_LARGE
from web.request.services import services

Make = Callable[..., FlaskClient]


@pytest.fixture
def site(tmp_path: Path, edition_db: Path, make_app: Callable[..., Flask]) -> Make:
    """A German site over the sample edition, or over an empty database."""

    def make(*, empty: bool = False, **options: object) -> FlaskClient:
        config = replace(newsroom.sample_config(), site=Site(title="Groundswell", language="de"))
        db = tmp_path / "news.db" if empty else edition_db
        return make_app(db, fallback_config=config, **options).test_client()

    return make


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/trending?page=5000", "Listen haben höchstens 1.000 Seiten."),
        ("/trending.rss?limit=x", "Der Parameter limit muss eine Zahl von 1 bis"),
        ("/trending?q=" + "x" * 9_000, "Die Adresse ist zu lang."),
        ("/search?q=score:high", "score: verlangt eine Zahl, etwa score:&gt;80, score:&lt;30 oder score:60..80."),
        ("/search?q=source:nobody", "Keine Quelle heißt &#39;nobody&#39;."),
        ("/search?q=" + "ab+" * 300, "Nur die ersten 200 Zeichen wurden verwendet."),
    ],
)
def test_a_page_says_in_its_language_what_it_did_not_take(site: Make, path: str, message: str) -> None:
    page = site().get(path).text
    assert message in page
    assert 'lang="en">' not in page.partition("<main")[2].partition(message)[0][-30:]


def test_a_refused_request_is_explained_in_the_language_of_the_site(site: Make) -> None:
    client = site(token=TOKEN)
    elsewhere = client.post("/admin/vote", headers={"Sec-Fetch-Site": "cross-site"})
    assert "Anfrage abgelehnt. Sie kam von einer anderen Website." in elsewhere.text
    signed_out = client.post("/admin/vote", headers={"Sec-Fetch-Site": "same-origin"})
    assert "Sie sind nicht angemeldet" in signed_out.text
    wrong = client.post("/admin/sign-in", data={"token": "wrong"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert "Das ist nicht das Token des Betreibers." in wrong.text
    large = client.post("/admin/sign-in", data=b"x" * 1_000_001, headers={"Sec-Fetch-Site": "same-origin"})
    assert large.status_code == 413
    assert "Anfragen dürfen höchstens 1 MB groß sein." in large.text.replace("\xa0", " ")


def test_the_desk_says_in_its_language_what_is_wrong_with_a_form(site: Make, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("sources:\n  - {id: one, url: https://one.example/feed.xml}\n", encoding="utf-8")
    desk = Desk(site(empty=True, token=TOKEN, feeds=feeds))
    for path, form, message in (
        (
            "/admin/rules/try",
            {"effect": "mute", "rule": "score:x"},
            "Die Regel ist keine Suche: score: verlangt eine Zahl",
        ),
        ("/admin/rules/add", {"effect": "", "rule": "chips"}, "Wählen Sie Stummschalten oder Anheben."),
        ("/admin/rules/add", {"effect": "mute", "rule": "chips", "until": "x"}, "Der letzte Tag ist kein Datum"),
        ("/admin/sources/find", {"address": "no address"}, "Das ist keine Webadresse. Geben Sie eine ein"),
        ("/admin/sources/import", {}, "Wählen Sie eine OPML-Datei."),
        ("/admin/sources/add", {"url": "https://one.example/feed.xml"}, "Dieser Feed steht bereits in feeds.yaml."),
        ("/admin/sources/nobody/pause", {}, "Quelle &#39;nobody&#39; gibt es nicht."),
        ("/admin/tokens/make", {"name": " "}, "Ein Token braucht einen Namen, etwa den der App."),
        ("/admin/tokens/7/revoke", {}, "Token 7 gibt es nicht"),
        ("/admin/models/use", {"model": "prior"}, "Prior ist bereits in Gebrauch."),
        ("/admin/story/7/hide", {}, "Meldung 7 gibt es nicht."),
        ("/admin/undo", {"action": "77"}, "Aktion 77 gibt es nicht."),
        ("/admin/preview/start", {"days": "0"}, "Wählen Sie 1 bis"),
    ):
        answer = desk.post(path, **form)
        assert 400 <= answer.status_code < 500, path
        assert message in answer.text, path


def test_an_error_of_feeds_yaml_is_quoted_in_english_and_says_so(site: Make, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("sources: none\n", encoding="utf-8")
    desk = Desk(site(empty=True, token=TOKEN, feeds=feeds))
    page = desk.post("/admin/sources/add", url="https://two.example/feed.xml").text
    assert '<p class="wrong" role="alert" lang="en">feeds.yaml:1' in page


def test_the_api_is_in_english_in_every_language(site: Make) -> None:
    refused = site(token=TOKEN).post("/api/v1/entries", headers={"Sec-Fetch-Site": "cross-site"}, json={})
    assert refused.mimetype == "application/problem+json"
    assert not set("äöüß") & set(refused.text)


def test_plain_text_is_in_the_language_of_the_site_once_a_page_was(site: Make) -> None:
    client = site()
    say = services(client.application).say
    assert say(FAILED, "/") == "Something went wrong."
    client.get("/")
    assert say(FAILED, "/") == "Etwas ist schiefgegangen."
    assert say(TOO_LARGE, "/admin/vote") == "Anfragen dürfen höchstens 1 MB groß sein."
    assert say(BUSY, "/api/v1/stories") == "Too many requests are waiting; try again in a few seconds."
    assert say(ARRIVING, "/").startswith("Es kommen zu viele Anfragen an")
    assert say(Translatable("on no page %(n)s", n="1"), "/") == "on no page 1"


PAGES = ("web/admin", "web/pages", "web/request", "web/app.py")


def test_no_reason_for_a_refusal_is_a_text_that_cannot_be_translated() -> None:
    files = [path for name in PAGES for path in ((ROOT / name).rglob("*.py") if "." not in name else (ROOT / name,))]
    plain = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("abort", "_page", "notice")
        and any(isinstance(arg, ast.JoinedStr | ast.Constant) and not _is_number(arg) for arg in node.args)
    ]
    assert plain == []


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
