"""Who may change what: every route that writes is tried with everyone it must refuse."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.store import Store
from aggregator.text.search_words import indexed
from tests.web import newsroom
from tests.web.conftest import Clock
from tests.web.newsroom import Newsroom
from web.auth.credentials import MAX_IDLE, MAX_SESSION_AGE, TRIES, digest, make_token, token_file
from web.request.access import is_open
from web.request.services import services

TOKEN = "correct-horse-battery-staple-0123456789"
HOME = "http://localhost"
VALUES = {"story_id": "1", "token_id": "1", "source_id": "seedbed", "what": "hide"}
FEEDS = """# ours
sources:
  - id: seedbed      # the first
    name: Seedbed
    url: https://seedbed.example/feed.xml
"""

# Every route that writes, with a form that it accepts.
OPERATORS: dict[str, dict[str, str]] = {
    "/admin/sign-out": {},
    "/admin/undo": {"action": "1"},
    "/admin/undo-decision": {"decision": "1"},
    "/admin/vote": {"story": "1", "vote": "up"},
    "/admin/story/<int(max=9223372036854775807):story_id>/<any(split,merge,move,category,hide,pin):what>": {},
    "/admin/sources/find": {"address": ""},
    "/admin/sources/import": {},
    "/admin/sources/add": {"url": "https://new.example/feed.xml"},
    "/admin/sources/<source_id>/<any(pause,resume,remove):what>": {},
    "/admin/sources/<source_id>/poll": {},
    "/admin/rules/try": {"effect": "mute", "rule": "amazon"},
    "/admin/rules/add": {"effect": "mute", "rule": "amazon"},
    "/admin/rules/remove": {"effect": "mute", "rule": "amazon"},
    "/admin/preview/start": {"rule": "amazon", "effect": "mute"},
    "/admin/preview/stop": {},
    "/admin/models/train": {},
    "/admin/tokens/make": {"name": "phone"},
    "/admin/tokens/<int(max=9223372036854775807):token_id>/revoke": {},
    "/admin/models/use": {"model": "prior"},
}
_READER_APPS = "a reader's token is asked for before the view: tests/web/test_reader_api.py"
# Routes that accept a POST from anyone, and why.
EVERYBODYS = {
    "/api/v1/entries": "its view asks for a token: tests/web/api/test_entries.py",
    "/api/greader.php/accounts/ClientLogin": _READER_APPS,
    "/api/greader.php/reader/api/0/stream/contents": _READER_APPS,
    "/api/greader.php/reader/api/0/stream/contents/<path:stream>": _READER_APPS,
    "/api/greader.php/reader/api/0/stream/items/ids": _READER_APPS,
    "/api/greader.php/reader/api/0/stream/items/contents": _READER_APPS,
    "/api/greader.php/reader/api/0/edit-tag": _READER_APPS,
    "/api/greader.php/reader/api/0/mark-all-as-read": _READER_APPS,
    "/api/greader.php/reader/api/0/subscription/edit": _READER_APPS,
    "/api/greader.php/reader/api/0/subscription/quickadd": _READER_APPS,
    "/api/greader.php/reader/api/0/rename-tag": _READER_APPS,
    "/api/greader.php/reader/api/0/disable-tag": _READER_APPS,
    "/websub/<token>": "hubs of others deliver there; the address is a secret and the delivery is signed",
    "/hub": "subscribers are other servers; the hub asks the callback before it believes anything",
    "/admin/sign-in": "whoever has the token may sign in; the origin is checked, tries are counted",
}


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(FEEDS, encoding="utf-8")
    return path


@pytest.fixture
def desk(tmp_path: Path, room: Newsroom, feeds: Path, make_app: Callable[..., Flask], later: Clock) -> FlaskClient:
    room.story("Amazon and OpenAI agree on two gigawatts", ["techcrunch_ai", "seedbed"])
    room.rank()
    return make_app(tmp_path / "news.db", later, token=TOKEN, feeds=feeds).test_client()


def sign_in(client: FlaskClient, token: str = TOKEN, **headers: str) -> TestResponse:
    headers.setdefault("Sec-Fetch-Site", "same-origin")
    return client.post("/admin/sign-in", data={"token": token}, headers=headers)


def form_token(client: FlaskClient) -> str:
    match = re.search(r'name="form_token" value="([^"]+)"', client.get("/admin").text)
    assert match
    return match[1]


def changing(app: Flask) -> list[str]:
    return sorted({r.rule for r in app.url_map.iter_rules() if (r.methods or set()) - {"GET", "HEAD", "OPTIONS"}})


def content(db: Path) -> list[str]:
    """Return everything that a refused request must leave unchanged."""
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
        connection.create_function("search_words", 1, indexed, deterministic=True)  # the text index is made with it
        return [line for line in connection.iterdump() if 'INTO "sessions"' not in line]


def test_every_route_that_changes_something_is_in_one_of_the_tables(desk: FlaskClient) -> None:
    app = desk.application
    assert set(changing(app)) == OPERATORS.keys() | EVERYBODYS.keys()
    open_ = {rule.rule for rule in app.url_map.iter_rules() if is_open(app, rule.endpoint)}
    assert open_ == EVERYBODYS.keys()


Attack = Callable[[FlaskClient, str, dict[str, str]], TestResponse]
SAME = {"Sec-Fetch-Site": "same-origin"}


def no_session(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.application.test_client().post(path, data=form, headers=SAME)


def wrong_token(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.application.test_client().post(path, data=form, headers={"Authorization": "Bearer " + "x" * 43})


def wrong_form_token(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data={**form, "form_token": "y" * 43}, headers=SAME)


def no_form_token(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data={k: v for k, v in form.items() if k != "form_token"}, headers=SAME)


def by_get(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.get(path, query_string=form, headers=SAME)


def foreign_origin(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Origin": "https://evil.example"})


def foreign_origin_that_says_otherwise(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Origin": "https://evil.example", **SAME})


def null_origin(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Origin": "null"})


def cross_site(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site", "Origin": HOME})


def same_site(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Sec-Fetch-Site": "same-site"})


def foreign_referer(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Referer": "http://evil.example/127.0.0.1"})


def from_nowhere(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form)


def foreign_host(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    return client.post(path, data=form, headers={"Host": "evil.example", **SAME})


def bearer_from_a_page(client: FlaskClient, path: str, form: dict[str, str]) -> TestResponse:
    headers = {"Authorization": f"Bearer {TOKEN}", "Sec-Fetch-Site": "cross-site"}
    return client.application.test_client().post(path, data=form, headers=headers)


ATTACKS: tuple[Attack, ...] = (
    no_session, wrong_token, wrong_form_token, no_form_token, by_get, foreign_origin,
    foreign_origin_that_says_otherwise,
    null_origin, cross_site, same_site, foreign_referer, from_nowhere, foreign_host, bearer_from_a_page,
)  # fmt: skip


def address(rule: str) -> str:
    if "/admin/sources" in rule:
        return rule.replace("<source_id>", "seedbed").replace("<any(pause,resume,remove):what>", "remove")
    return re.sub(r"<(?:[^<>:]*(?:\([^)]*\))?:)?(\w+)>", lambda m: VALUES[m[1]], rule)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nobody_else_changes_anything(desk: FlaskClient, tmp_path: Path, feeds: Path, attack: Attack) -> None:
    assert sign_in(desk).status_code == 303
    token = form_token(desk)
    before = content(tmp_path / "news.db")
    for rule, form in OPERATORS.items():
        # Only one thing is wrong each time. Wrong tokens are counted, and the refusal must not come from that counter.
        services(desk.application).credentials._wrong.clear()
        answer = attack(desk, address(rule), {**form, "form_token": token})
        assert answer.status_code in (400, 401, 403, 404, 405), (rule, answer.status_code)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "no-store" in answer.headers["Cache-Control"]
    assert content(tmp_path / "news.db") == before
    assert feeds.read_text(encoding="utf-8") == FEEDS
    assert desk.get("/admin").status_code == 200, "the session stands too"


@pytest.mark.parametrize("span", [MAX_IDLE, MAX_SESSION_AGE])
def test_an_expired_session_changes_nothing(desk: FlaskClient, tmp_path: Path, later: Clock, span: timedelta) -> None:
    sign_in(desk)
    token = form_token(desk)
    end = later.now + span
    while later.now < end - MAX_IDLE:
        later.now += MAX_IDLE - timedelta(minutes=1)
        assert desk.get("/admin").status_code == 200
    before = content(tmp_path / "news.db")
    later.now = max(end, later.now)
    for rule, form in OPERATORS.items():
        answer = desk.post(address(rule), data={**form, "form_token": token}, headers=SAME)
        assert answer.status_code == 401, rule
    assert content(tmp_path / "news.db") == before
    assert desk.get("/admin").status_code == 303


def test_a_session_in_use_stays_while_the_clock_runs(
    tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask]
) -> None:
    """A real clock is later at each look; the use of a session is noted at most once a minute."""
    moment = newsroom.NOW

    def running() -> datetime:
        nonlocal moment
        moment += timedelta(microseconds=1)
        return moment

    client = make_app(tmp_path / "news.db", running, token=TOKEN).test_client()
    sign_in(client)
    for _ in range(10):
        assert client.get("/admin").status_code == 200
        moment += timedelta(seconds=40)


@pytest.mark.parametrize(("back", "status"), [(timedelta(seconds=20), 200), (timedelta(hours=1), 303)])
def test_a_clock_that_is_set_back_far_ends_a_session(
    desk: FlaskClient, later: Clock, back: timedelta, status: int
) -> None:
    sign_in(desk)
    later.now -= back
    assert desk.get("/admin").status_code == status


@pytest.mark.parametrize("how", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": HOME}, {"Referer": HOME + "/admin"}])
def test_the_operator_may(desk: FlaskClient, store: Store, how: dict[str, str]) -> None:
    sign_in(desk)
    form = {"story": "1", "vote": "up", "form_token": form_token(desk)}
    assert desk.post("/admin/vote", data=form, headers=how).status_code == 303
    assert store.feedback.vote_of(1) is True


def test_a_script_may_with_the_token_itself(desk: FlaskClient, store: Store) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert desk.post("/admin/vote", data={"story": "1", "vote": "down"}, headers=headers).status_code == 303
    assert store.feedback.vote_of(1) is False
    assert desk.get("/admin", headers=headers).status_code == 303, "pages are for sessions"
    desk = desk.application.test_client(use_cookies=False)
    for where in ({"query_string": {"token": TOKEN}}, {"headers": {"Cookie": f"groundswell={TOKEN}"}}):
        assert desk.post("/admin/vote", data={"story": "1", "vote": "up"}, **where).status_code in (401, 403)


def test_behind_a_proxy_the_public_origin_is_the_own(
    tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask], config: object
) -> None:
    room.story("One", ["seedbed"])
    from aggregator.model import Config, Site

    named = Config(Site(url="https://news.example"), (), ())
    client = make_app(tmp_path / "news.db", fallback_config=named, token=TOKEN).test_client()
    answer = client.post(
        "/admin/sign-in", data={"token": TOKEN}, headers={"Host": "news.example", "Origin": "https://news.example"}
    )
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-groundswell=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))


# Signing in and out


def test_the_cookie_is_for_this_site_and_no_script(desk: FlaskClient) -> None:
    cookie = sign_in(desk).headers["Set-Cookie"]
    assert re.fullmatch(r"groundswell=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict", cookie)


def test_what_is_stored_opens_nothing(desk: FlaskClient, tmp_path: Path) -> None:
    cookie = sign_in(desk).headers["Set-Cookie"].split(";")[0].removeprefix("groundswell=")
    with sqlite3.connect(tmp_path / "news.db") as connection:
        connection.create_function("search_words", 1, indexed, deterministic=True)
        stored = "\n".join(connection.iterdump())
    assert cookie not in stored
    assert TOKEN not in stored
    assert digest(cookie) in stored


def test_the_sign_in_page_names_the_file_beside_the_database(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    page = make_app(tmp_path / "ours.db", token=TOKEN).test_client().get("/admin/sign-in").text
    assert "It is in the file ours.db.token, or" in page


def test_each_sign_in_gives_a_new_session_and_ends_the_one_before(desk: FlaskClient) -> None:
    first = sign_in(desk).headers["Set-Cookie"].split(";")[0]
    second = sign_in(desk).headers["Set-Cookie"].split(";")[0]
    assert first != second
    stranger = desk.application.test_client(use_cookies=False)
    assert stranger.get("/admin", headers={"Cookie": first}).status_code == 303
    assert stranger.get("/admin", headers={"Cookie": second}).status_code == 200


def test_signing_out_ends_the_session_on_the_server(desk: FlaskClient) -> None:
    cookie = sign_in(desk).headers["Set-Cookie"].split(";")[0]
    answer = desk.post("/admin/sign-out", data={"form_token": form_token(desk)}, headers=SAME)
    assert answer.headers["Set-Cookie"].startswith("groundswell=;")
    assert desk.application.test_client(use_cookies=False).get("/admin", headers={"Cookie": cookie}).status_code == 303


def test_five_wrong_tokens_a_minute_are_enough(tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask]) -> None:
    ticks = [0.0]
    app = make_app(tmp_path / "news.db", token=TOKEN)
    services(app).credentials._ticks = lambda: ticks[0]
    client = app.test_client()
    for _ in range(TRIES):
        assert sign_in(client, "wrong").status_code == 403
    refused = sign_in(client, "wrong")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "Set-Cookie" not in refused.headers
    assert client.post("/admin/vote", headers={"Authorization": "Bearer wrong"}).status_code == 429
    assert sign_in(client).status_code == 303, "nobody can lock the operator out"
    ticks[0] += 61
    assert sign_in(client, "wrong").status_code == 403


def test_signing_in_from_another_site_is_refused(desk: FlaskClient) -> None:
    assert sign_in(desk, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.post("/admin/sign-in", data={"token": TOKEN}, headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", ""],
)
def test_signing_in_leads_to_this_site_only(desk: FlaskClient, back: str) -> None:
    answer = desk.post("/admin/sign-in", data={"token": TOKEN, "back": back}, headers=SAME)
    assert answer.headers["Location"] == "/admin"


def test_a_new_token_ends_every_session(tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask]) -> None:
    room.story("One", ["seedbed"])
    db = tmp_path / "news.db"
    token = make_token(room.store, db, newsroom.NOW)
    assert len(token) == 43, "256 bits"
    assert stat.S_IMODE(os.stat(token_file(db)).st_mode) == 0o600
    assert token_file(db).read_text() == token + "\n"
    client = make_app(db).test_client()
    assert sign_in(client, token).status_code == 303
    assert client.get("/admin").status_code == 200
    another = make_token(room.store, db, newsroom.NOW)
    assert client.get("/admin").status_code == 303
    assert sign_in(client, token).status_code == 403
    assert sign_in(client, another).status_code == 303


# The cache separates what readers and the operator see


def test_an_operators_page_is_neither_cached_nor_served_to_readers(desk: FlaskClient) -> None:
    reader = desk.application.test_client()
    before = reader.get("/")
    assert 'action="/admin/vote"' not in before.text
    assert 'class="hand"' not in before.text
    sign_in(desk)
    mine = desk.get("/")
    assert 'action="/admin/vote"' in mine.text
    assert mine.headers["Cache-Control"] == "no-store"
    assert mine.headers["Referrer-Policy"] == "same-origin"  # otherwise browsers send forms with the Origin "null"
    assert "ETag" not in mine.headers
    after = reader.get("/")
    assert after.data == before.data
    assert "Set-Cookie" not in after.headers
    story = re.findall(r'href="(/story/[^"]+)"', mine.text)[0]
    desk.get(story)
    assert 'action="/admin/vote"' not in reader.get(story).text


def test_readers_pages_do_not_look_for_sessions(desk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    lookups: list[str] = []
    monkeypatch.setattr("aggregator.store.editorial.sessions.Sessions.session", lambda *a: lookups.append("session"))
    assert desk.application.test_client().get("/newest").status_code == 200
    assert lookups == []
