"""The Google Reader API, used by a client written from the public descriptions, and by newsboat."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.errors import GroundswellError
from aggregator.model import Changes, NamedList
from aggregator.store import Store
from groundswell.cli import cli
from tests.browser.site import served
from tests.web import newsroom
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.api.reader.streams import MAX_STORY_AGE
from web.auth.credentials import TRIES
from web.auth.reader_tokens import REQUESTS_PER_MINUTE, make_reader_token, revoke_reader_token

BASE = "/api/greader.php"
API = f"{BASE}/reader/api/0"
STATE = "user/-/state/com.google/"
LISTS = (NamedList("chips", "Trainium watch", "trainium score:>50"),)


@dataclass
class App:
    """A reader app: signs in once and sends the returned token with each request."""

    client: FlaskClient
    auth: str = ""

    def sign_in(self, password: str) -> TestResponse:
        form = {"Email": "me", "Passwd": password, "service": "reader", "accountType": "HOSTED_OR_GOOGLE"}
        answer = self.client.post(f"{BASE}/accounts/ClientLogin", data=form)
        for line in answer.text.splitlines():
            name, _, value = line.partition("=")
            self.auth = value if name == "Auth" else self.auth
        return answer

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"GoogleLogin auth={self.auth}"}

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"{API}/{path}", query_string={"output": "json", **params}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.get_json()

    def post(self, path: str, **form: Any) -> str:
        answer = self.client.post(f"{API}/{path}", data={"T": self.token(), **form}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def token(self) -> str:
        return self.client.get(f"{API}/token", headers=self.headers).text

    def titles(self, stream: str, **params: Any) -> list[str]:
        return [item["title"] for item in self.get(f"stream/contents/{stream}", **params)["items"]]


@dataclass
class World:
    room: Newsroom
    app: Flask
    ids: list[int]
    token: str

    def reader(self, password: str = "") -> App:
        reader_app = App(self.app.test_client())
        assert reader_app.sign_in(password or self.token).status_code == 200
        return reader_app


@pytest.fixture
def world(tmp_path: Path, make_app: Callable[..., Flask]) -> Iterator[World]:
    config = replace(newsroom.sample_config(), lists=LISTS)
    with Store.open(tmp_path / "news.db") as store:
        room = Newsroom(store, config)
        headlines = [
            ("Trainium ships", "models", 71),
            ("A quiet day", "models", 12),
            ("Rules <b>& norms", "policy", 64),
        ]
        ids = [
            room.story(title, ["seedbed"], category=category, score=score, at=NOW - (5 - n) * HOUR, summary="Text.")
            for n, (title, category, score) in enumerate(headlines)
        ]
        secret, _ = make_reader_token(store, "phone", NOW)
        yield World(room, make_app(tmp_path / "news.db", fallback_config=config), ids, secret)


def test_categories_and_lists_are_feeds_in_folders(world: World) -> None:
    app = world.reader()
    feeds = {subscription["id"]: subscription for subscription in app.get("subscription/list")["subscriptions"]}
    assert feeds["feed/category/models"]["categories"] == [{"id": "user/-/label/Models", "label": "Models"}]
    assert feeds["feed/list/chips"]["title"] == "Trainium watch"
    folders = {tag["id"] for tag in app.get("tag/list")["tags"]}
    assert {f"{STATE}starred", "user/-/label/Models", "user/-/label/Trainium watch"} <= folders
    assert app.get("user-info")["userName"] == "default"


def test_stories_are_items_newest_first(world: World) -> None:
    app = world.reader()
    assert app.titles(f"{STATE}reading-list") == ["Rules &lt;b&gt;&amp; norms", "A quiet day", "Trainium ships"]
    assert app.titles(f"{STATE}reading-list", r="o")[0] == "Trainium ships"
    assert app.titles("feed/category/models") == ["A quiet day", "Trainium ships"]
    assert app.titles("user/-/label/Models") == ["A quiet day", "Trainium ships"]
    assert app.titles("user/1005/label/Policy")[0].startswith("Rules")
    assert app.titles("feed/list/chips") == ["Trainium ships"]
    item = app.get("stream/contents/feed/list/chips")["items"][0]
    assert item["origin"]["streamId"] == "feed/category/models"
    assert item["alternate"][0]["href"].endswith(f"/story/{world.ids[0]}/trainium-ships")
    assert "Score: 71" in item["summary"]["content"]
    since = int((NOW - timedelta(hours=3, minutes=30)).timestamp())
    assert len(app.titles(f"{STATE}reading-list", ot=since)) == 1
    assert len(app.titles(f"{STATE}reading-list", nt=since)) == 2


def test_a_stream_is_paged_through_without_gaps(world: World) -> None:
    app = world.reader()
    seen: list[str] = []
    params: dict[str, Any] = {"n": 1}
    for _ in range(3):
        page = app.get("stream/contents", s=f"{STATE}reading-list", **params)
        seen += [item["id"] for item in page["items"]]
        params["c"] = page.get("continuation", "")
    assert params["c"] == ""
    assert seen == [f"tag:google.com,2005:reader/item/{story_id:016x}" for story_id in reversed(world.ids)]
    page = app.get("stream/items/ids", s=f"{STATE}reading-list", n=2)
    assert [itemref["id"] for itemref in page["itemRefs"]] == [str(id_) for id_ in world.ids[:0:-1]]
    assert page["continuation"] == str(world.ids[1])
    rest = app.get("stream/items/ids", s=f"{STATE}reading-list", n=2, c=page["continuation"])
    assert [itemref["id"] for itemref in rest["itemRefs"]] == [str(world.ids[0])]
    chosen = app.client.post(
        f"{API}/stream/items/contents", data={"i": [seen[2], str(world.ids[1]), "999", "x"]}, headers=app.headers
    ).get_json()
    assert [item["title"] for item in chosen["items"]] == ["Trainium ships", "A quiet day"]


def test_read_and_starred_are_synchronized_between_apps(world: World) -> None:
    phone = world.reader()
    second, _ = make_reader_token(world.room.store, "tablet", NOW)
    other, _ = make_reader_token(world.room.store, "guest", NOW, reader="guest")
    tablet, guest = world.reader(second), world.reader(other)
    assert phone.post("edit-tag", i=[str(world.ids[0])], a=f"{STATE}read") == "OK"
    assert (
        phone.post("edit-tag", i=[f"tag:google.com,2005:reader/item/{world.ids[1]:016x}"], a=f"{STATE}starred") == "OK"
    )
    assert "Trainium ships" not in tablet.titles(f"{STATE}reading-list", xt=f"{STATE}read")
    assert tablet.titles(f"{STATE}starred") == ["A quiet day"]
    assert guest.titles(f"{STATE}starred") == []
    counts = {row["id"]: row["count"] for row in tablet.get("unread-count")["unreadcounts"]}
    assert (counts[f"{STATE}reading-list"], counts["feed/category/models"], counts["feed/list/chips"]) == (2, 1, 0)
    tablet.post("edit-tag", i=[str(world.ids[0])], r=f"{STATE}read")
    tablet.post("edit-tag", i=[str(world.ids[1])], r=f"{STATE}starred")
    assert len(phone.titles(f"{STATE}reading-list", xt=f"{STATE}read")) == 3
    assert phone.titles(f"{STATE}starred") == []
    # IDs that are not stories leave no mark.
    phone.post("edit-tag", i=["999999", "0"], a=f"{STATE}read")
    assert world.room.store.reader_marks.of("default", [999999, 0]) == {}


def test_a_starred_story_leaves_the_app_when_it_is_hidden(world: World) -> None:
    app = world.reader()
    app.post("edit-tag", i=[str(world.ids[0])], a=f"{STATE}starred")
    story = world.room.store.stories.get(world.ids[0])
    assert story is not None
    world.room.store.stories.save(Changes(stories=(replace(story, hidden=True),)))
    assert app.titles(f"{STATE}starred") == []


def test_everything_up_to_a_moment_is_marked_as_read(world: World) -> None:
    app = world.reader()
    moment = int((NOW - timedelta(hours=4)).timestamp() * 1_000_000)
    assert app.post("mark-all-as-read", s="user/-/label/Models", ts=moment) == "OK"
    assert app.titles(f"{STATE}reading-list", xt=f"{STATE}read") == ["Rules &lt;b&gt;&amp; norms"]
    assert app.post("mark-all-as-read", s=f"{STATE}reading-list") == "OK"
    assert app.titles(f"{STATE}reading-list", xt=f"{STATE}read") == []
    assert len(app.titles(f"{STATE}reading-list")) == 3


def test_apps_write_the_id_of_an_item_in_four_ways(world: World) -> None:
    # NetNewsWire leaves the padding out, Reeder the prefix, Liferea writes decimals.
    app, story_id = world.reader(), world.ids[0]
    tag = "tag:google.com,2005:reader/item/"
    ids = [f"{tag}{story_id:016x}", f"{tag}{story_id:x}", f"{story_id:016x}", str(story_id)]

    for written in ids:
        answer = app.client.post(f"{API}/stream/items/contents", data={"i": written}, headers=app.headers)
        assert [item["title"] for item in answer.get_json()["items"]] == ["Trainium ships"], written


def test_the_time_of_the_newest_item_marks_that_item_as_read_too(world: World) -> None:
    world.room.story("To the microsecond", ["seedbed"], category="models", at=NOW - timedelta(microseconds=654_321))
    app = world.reader()
    newest = app.get("stream/items/ids", s=f"{STATE}reading-list", n=1)["itemRefs"][0]["timestampUsec"]

    app.post("mark-all-as-read", s=f"{STATE}reading-list", ts=newest)

    assert app.titles(f"{STATE}reading-list", xt=f"{STATE}read") == []


def test_unread_is_a_state_and_other_states_are_empty(world: World) -> None:
    app = world.reader()
    app.post("edit-tag", i=[str(world.ids[1])], a=f"{STATE}read")
    unread = ["Rules &lt;b&gt;&amp; norms", "Trainium ships"]

    assert app.titles(f"{STATE}kept-unread") == unread
    assert app.titles(f"{STATE}reading-list", it=f"{STATE}unread") == unread
    assert app.titles(f"{STATE}reading-list", xt=f"{STATE}unread") == ["A quiet day"]
    assert app.titles(f"{STATE}broadcast") == []


def test_a_sign_in_is_answered_in_json_if_asked(world: World) -> None:
    app = world.reader()
    form = {"Email": "me", "Passwd": world.token, "output": "json"}
    auth = app.client.post(f"{BASE}/accounts/ClientLogin", data=form).get_json()["Auth"]

    for header in (f"GoogleLogin auth={auth}", f"GoogleLogin Auth = {auth}", f"GoogleLogin auth=me/{auth}"):
        assert app.client.get(f"{API}/user-info", headers={"Authorization": header}).status_code == 200


def test_a_token_may_leave_out_low_scores_and_show_them_in_titles(world: World) -> None:
    secret, _ = make_reader_token(world.room.store, "watch", NOW, score_in_title=True, min_score=60)
    assert world.reader(secret).titles(f"{STATE}reading-list") == [
        "[64] Rules &lt;b&gt;&amp; norms",
        "[71] Trainium ships",
    ]


def test_old_stories_leave_the_app_unless_they_are_starred(world: World) -> None:
    old = world.room.story("From long ago", ["seedbed"], at=NOW - MAX_STORY_AGE - HOUR)
    app = world.reader()
    assert "From long ago" not in app.titles(f"{STATE}reading-list")
    app.post("edit-tag", i=[str(old)], a=f"{STATE}starred")
    assert app.titles(f"{STATE}starred") == ["From long ago"]


def test_nothing_is_served_without_a_valid_token(world: World) -> None:
    app = App(world.app.test_client())
    for auth in ("", "wrong"):
        app.auth = auth
        for path in ("subscription/list", "stream/contents/user/-/state/com.google/reading-list", "token"):
            answer = app.client.get(f"{API}/{path}", headers=app.headers)
            assert answer.status_code in (401, 429)
            assert "Trainium" not in answer.text
    client = App(world.app.test_client())
    assert client.sign_in("guess").status_code in (401, 429)
    assert client.auth == ""
    # GET does not sign in, because passwords in addresses end up in logs.
    assert app.client.get(f"{BASE}/accounts/ClientLogin?Passwd={world.token}").status_code in (401, 429)


def test_guessing_is_slowed_down_and_locks_nobody_out(world: World) -> None:
    app = App(world.app.test_client())
    codes = [app.sign_in("guess").status_code for _ in range(TRIES + 3)]
    assert codes[:TRIES] == [401] * TRIES
    assert set(codes[TRIES:]) == {429}
    assert app.sign_in(world.token).status_code == 200


def test_a_token_has_a_limit_of_requests(world: World) -> None:
    app = world.reader()
    codes = {
        app.client.get(f"{API}/user-info", headers=app.headers).status_code for _ in range(REQUESTS_PER_MINUTE + 2)
    }
    assert codes == {200, 429}


def test_a_revoked_token_is_refused(world: World) -> None:
    app = world.reader()
    (record,) = world.room.store.reader_tokens.all()
    assert record.used_at is not None
    revoke_reader_token(world.room.store, record.token_id, NOW)
    assert app.client.get(f"{API}/user-info", headers=app.headers).status_code == 401
    with pytest.raises(GroundswellError, match="was revoked on"):
        revoke_reader_token(world.room.store, record.token_id, NOW)


def test_the_database_holds_no_token(world: World, tmp_path: Path) -> None:
    files = list(tmp_path.glob("news.db*"))
    assert files
    assert all(world.token.encode() not in file.read_bytes() for file in files)


def test_a_token_opens_neither_the_desk_nor_other_changes(world: World) -> None:
    app = world.reader()
    for headers in (app.headers, {"Authorization": f"Bearer {world.token}"}):
        assert app.client.get("/admin", headers=headers).status_code == 303
        assert app.client.post("/admin/vote", data={"story": "1", "vote": "up"}, headers=headers).status_code in (
            401,
            403,
        )
    refused = app.client.post(f"{API}/subscription/edit", data={"ac": "subscribe"}, headers=app.headers)
    assert refused.status_code == 403
    assert "feeds.yaml" in refused.text


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("stream/contents/feed/category/unknown", {}),
        ("stream/contents/feed/https://evil.example/", {}),
        ("stream/contents/user/-/label/Nothing", {}),
        ("stream/items/ids", {"s": "x" * 500}),
    ],
)
def test_an_unknown_stream_is_not_found(world: World, path: str, params: dict[str, str]) -> None:
    app = world.reader()
    assert app.client.get(f"{API}/{path}", query_string=params, headers=app.headers).status_code == 404


@pytest.mark.parametrize(
    "params", [{"n": "-5"}, {"n": "9" * 40}, {"c": "x"}, {"ot": "9" * 18}, {"nt": "0"}, {"r": "%"}]
)
def test_invalid_parameters_are_ignored(world: World, params: dict[str, str]) -> None:
    app = world.reader()
    answer = app.client.get(f"{API}/stream/contents", query_string=params, headers=app.headers)
    assert answer.status_code == 200


def test_tokens_are_created_listed_and_revoked_on_the_command_line(tmp_path: Path) -> None:
    db = str(tmp_path / "news.db")
    run = CliRunner()
    # In the wrong folder, a token would be made for a site that nobody runs.
    assert "there is no database" in str(run.invoke(cli, ["token", "create", "phone", "--db", db]).exception)
    Store.open(Path(db)).close()
    created = run.invoke(cli, ["token", "create", "phone", "--db", db])
    assert created.exit_code == 0, created.output
    assert len(created.stdout.strip()) == 32
    assert "phone" in run.invoke(cli, ["token", "list", "--db", db]).stdout
    assert run.invoke(cli, ["token", "revoke", "1", "--db", db]).exit_code == 0
    assert "revoked" in run.invoke(cli, ["token", "list", "--db", db]).stdout


@pytest.mark.long
def test_newsboat_reads_the_site_with_its_marks(world: World, tmp_path: Path) -> None:
    """Through its FeedHQ source: the same protocol as `freshrss`, which newsboat has from 2.24 on."""
    newsboat = shutil.which("newsboat")
    if newsboat is None:
        pytest.skip("there is no newsboat on this machine (Debian: apt-get install newsboat)")
    home = tmp_path / "home"
    home.mkdir()
    world.reader().post("edit-tag", i=[str(world.ids[0])], a=f"{STATE}read")
    with served(world.app) as address:
        (home / "config").write_text(
            f'urls-source "feedhq"\nfeedhq-url "{address}{BASE}"\nfeedhq-login "me"\n'
            f'feedhq-password "{world.token}"\nfeedhq-min-items 20\n'
        )
        (home / "urls").write_text("")
        options = ["-C", str(home / "config"), "-u", str(home / "urls"), "-c", str(home / "cache.db")]
        subprocess.run(
            [newsboat, *options, "-x", "reload"], check=True, timeout=60, env={"HOME": str(home), "TERM": "xterm"}
        )
        with sqlite3.connect(home / "cache.db") as cache:
            items = set(cache.execute("select title, unread from rss_item"))
        assert {("Trainium ships", 0), ("A quiet day", 1)} <= items
