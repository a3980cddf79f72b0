"""The operator's actions on the site, from the form to the stored fact and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.config import parse_config, patch
from aggregator.config.yaml_edit import with_enabled
from aggregator.errors import ConfigError
from aggregator.model import DecisionKind
from aggregator.store import Store
from tests.feedserver import FeedServer
from tests.web.conftest import Clock
from tests.web.newsroom import HOUR, NOW, Newsroom
from web.http.headers import COOKIE

TOKEN = "the operator's token in this test"
FEEDS = """# ours
sources:
  - id: seedbed      # the first
    name: Seedbed
    url: https://seedbed.example/feed.xml
    # a word about the second
  - name: Second
    id: second
    enabled: true  # on purpose
    url: https://second.example/feed.xml
"""


class Desk:
    """A signed-in operator."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        headers = {"Sec-Fetch-Site": "same-origin"}
        assert client.post("/admin/sign-in", data={"token": TOKEN}, headers=headers).status_code == 303
        match = re.search(r'name="form_token" value="([^"]+)"', client.get("/admin").text)
        assert match
        self.token = match[1]

    def post(self, path: str, **form: Any) -> TestResponse:
        data = {**form, "form_token": self.token}
        return self.client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})

    def undo_last(self) -> TestResponse:
        match = re.search(
            r'name="action" value="([0-9]+)"><button class="quiet">Undo<span', self.client.get("/admin").text
        )
        assert match, "nothing can be undone"
        return self.post("/admin/undo", action=match[1])


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(FEEDS, encoding="utf-8")
    return path


@pytest.fixture
def stories(room: Newsroom) -> tuple[int, int]:
    deal = room.story("Amazon and OpenAI agree on two gigawatts", ["techcrunch_ai", "seedbed", "rulemaker"])
    two = room.story("OpenAI and Amazon: a deal for chips", ["commons_log"], at=NOW - HOUR)
    room.rank()
    return deal, two


@pytest.fixture
def desk(tmp_path: Path, stories: tuple[int, int], feeds: Path, make_app: Callable[..., Flask], later: Clock) -> Desk:
    return Desk(make_app(tmp_path / "news.db", later, token=TOKEN, feeds=feeds).test_client())


def test_a_vote_in_place_shows_immediately_and_can_be_undone(
    desk: Desk, store: Store, stories: tuple[int, int]
) -> None:
    answer = desk.post("/admin/vote", story=stories[0], vote="up", back="/newest#hand-1")
    assert answer.headers["Location"] == "/newest#hand-1"
    assert store.feedback.vote_of(stories[0]) is True
    page = desk.client.get("/newest").text
    assert page.count('aria-pressed="true"') == 1
    assert "Voted “Amazon and OpenAI agree on two gigawatts” relevant" in page
    desk.post("/admin/vote", story=stories[0], vote="down")
    assert store.feedback.vote_of(stories[0]) is False
    desk.undo_last()
    assert store.feedback.vote_of(stories[0]) is True
    desk.post("/admin/vote", story=stories[0], vote="none")
    assert store.feedback.vote_of(stories[0]) is None


def test_what_was_changed_since_is_not_undone_blindly(desk: Desk, store: Store, stories: tuple[int, int]) -> None:
    desk.post("/admin/vote", story=stories[0], vote="up")
    store.feedback.vote(stories[0], False, NOW)
    answer = desk.undo_last()
    assert answer.status_code == 409
    assert "has changed since" in answer.text
    assert store.feedback.vote_of(stories[0]) is False


@pytest.mark.parametrize(
    ("what", "form", "kind"),
    [
        ("split", {"entry": ["2", "3"]}, DecisionKind.SPLIT),
        ("move", {"entry": ["3"], "into": "/story/4/openai-and-amazon"}, DecisionKind.MOVE),
        ("merge", {"into": "", "into_other": "http://localhost/story/4/x"}, DecisionKind.MERGE),
        ("merge", {"into": "#4"}, DecisionKind.MERGE),
        ("category", {"category": "research"}, DecisionKind.CATEGORY),
        ("hide", {}, DecisionKind.HIDE),
        ("pin", {}, DecisionKind.PIN),
    ],
)
def test_a_decision_is_stored_listed_and_undone(
    desk: Desk, store: Store, what: str, form: dict[str, Any], kind: DecisionKind
) -> None:
    assert desk.post(f"/admin/story/1/{what}", **form).status_code == 303
    (decision,) = store.decisions.standing()
    assert decision.kind is kind
    assert 'href="/admin/story/1"' in desk.client.get("/admin").text
    assert f'name="decision" value="{decision.decision_id}"' in desk.client.get("/admin/story/1").text
    desk.undo_last()
    assert store.decisions.standing() == []
    assert "; undone " in desk.client.get("/admin").text
    assert desk.post(f"/admin/story/1/{what}", **form).status_code == 303, "and may be made anew"
    (again,) = store.decisions.standing()
    desk.post("/admin/undo-decision", decision=again.decision_id)
    assert store.decisions.standing() == []


@pytest.mark.parametrize(
    ("path", "form", "code", "expected"),
    [
        ("/admin/story/1/split", {}, 409, "No entry of story 1 is named"),
        ("/admin/story/1/split", {"entry": ["1", "2", "3"]}, 409, "would be empty"),
        ("/admin/story/1/merge", {"into": "nonsense"}, 400, "number or address of the other story"),
        ("/admin/story/1/merge", {"into": "1"}, 409, "cannot be merged with itself"),
        ("/admin/story/1/merge", {"into": "999999999999999999999"}, 400, "number or address of the other story"),
        ("/admin/story/77/hide", {}, 409, "There is no story 77"),
        ("/admin/story/1/category", {"category": "<b>"}, 400, "no such category"),
        ("/admin/vote", {"story": "77", "vote": "up"}, 404, "Page not found"),
        ("/admin/vote", {"story": "1", "vote": "sideways"}, 400, "up, down or none"),
        ("/admin/undo", {"action": "99"}, 409, "There is no action 99"),
        ("/admin/models/use", {"model": "../../etc/passwd"}, 409, "no longer exists"),
        ("/admin/sources/add", {"url": "javascript:alert(1)"}, 400, "not a web address"),
        ("/admin/sources/find", {"address": "file:///etc/passwd"}, 422, "not a web address"),
        ("/admin/sources/nobody/remove", {}, 409, "There is no source"),
    ],
)
def test_impossible_actions_give_a_clear_message(
    desk: Desk, path: str, form: dict[str, Any], code: int, expected: str
) -> None:
    answer = desk.post(path, **form)
    assert answer.status_code == code
    assert expected in answer.text.replace("&#39;", "'")


# Sources


def test_sources_are_edited_in_the_file_and_every_edit_can_be_undone(desk: Desk, feeds: Path) -> None:
    for path, form, expected in (
        ("/admin/sources/seedbed/pause", {}, "seedbed      # the first\n    enabled: false\n"),
        ("/admin/sources/second/pause", {}, "enabled: false  # on purpose\n"),
        (
            "/admin/sources/second/remove",
            {},
            "    url: https://seedbed.example/feed.xml\n    # a word about the second\n",
        ),
        ("/admin/sources/add", {"url": "https://new.example/f", "name": "New: “one”"}, 'name: "New: “one”"\n'),
    ):
        assert desk.post(path, **form).status_code == 303, path
        after = feeds.read_text(encoding="utf-8")
        assert expected in after
        assert "# ours" in after
        assert desk.undo_last().status_code == 303
        assert feeds.read_text(encoding="utf-8") == FEEDS
    assert desk.post("/admin/sources/add", url="https://seedbed.example/feed.xml").status_code == 409


def test_an_edit_is_undone_among_later_ones(desk: Desk, feeds: Path) -> None:
    desk.post("/admin/sources/seedbed/pause")
    feeds.write_text(feeds.read_text() + "  - {id: third, url: 'https://third.example/feed.xml'}\n")
    assert desk.undo_last().status_code == 303
    assert feeds.read_text() == FEEDS + "  - {id: third, url: 'https://third.example/feed.xml'}\n"


def test_a_faulty_file_is_left_alone(desk: Desk, feeds: Path) -> None:
    feeds.write_text(FEEDS + "nonsense: [")
    answer = desk.post("/admin/sources/seedbed/pause")
    assert answer.status_code == 409
    assert "feeds.yaml" in answer.text
    assert str(feeds) not in answer.text
    assert feeds.read_text() == FEEDS + "nonsense: ["


def test_polling_now_makes_a_source_due(desk: Desk, room: Newsroom, store: Store) -> None:
    room.polled("seedbed", "gone", "410 Gone", 410)
    assert "seedbed" not in {state.source_id for state in store.feeds.due(NOW, 100)}
    assert desk.post("/admin/sources/seedbed/poll").status_code == 303
    assert "seedbed" in {state.source_id for state in store.feeds.due(NOW, 100)}


def test_discovered_feeds_are_shown_as_text_and_added_as_chosen(
    desk: Desk, feeds: Path, feed_server: FeedServer
) -> None:
    feeds.write_text(FEEDS + "limits:\n  allow_private: [127.0.0.1]\n")
    url = feed_server.publish(
        "/news/one.xml",
        "<rss version='2.0'><channel><title>&lt;img src=x onerror=alert(1)&gt; News</title>"
        "<item><title>One</title><guid>1</guid></item></channel></rss>",
    )
    page = desk.post("/admin/sources/find", address=url).text
    assert url in page
    assert "1 entry" in page
    assert "<img" not in page
    assert desk.post("/admin/sources/add", url=url, name="Found").status_code == 303
    assert f"    name: Found\n    url: {url}\n" in feeds.read_text()
    assert "no feed was found" in desk.post("/admin/sources/find", address=feed_server.answer("/x", 200, "<p>")).text


def test_switching_a_source_changes_one_line_only() -> None:
    off = with_enabled(FEEDS, "second", False)
    assert off == FEEDS.replace("enabled: true ", "enabled: false ")
    assert with_enabled(off, "second", True) == FEEDS
    assert with_enabled(FEEDS, "seedbed", True) == FEEDS
    with pytest.raises(ConfigError, match="no source"):
        with_enabled(FEEDS, "nobody", False)


def test_a_source_of_the_file_that_ships_is_paused_and_resumed(desk: Desk, feeds: Path) -> None:
    shipped = (Path(__file__).resolve().parents[3] / "feeds.yaml").read_text(encoding="utf-8")
    feeds.write_text(shipped, encoding="utf-8")
    source = parse_config(shipped).sources[0]
    assert desk.post(f"/admin/sources/{source.id}/pause").status_code == 303
    assert f"{{id: {source.id}, enabled: false, " in feeds.read_text(encoding="utf-8")
    assert desk.post(f"/admin/sources/{source.id}/resume").status_code == 303
    resumed = parse_config(feeds.read_text(encoding="utf-8")).source(source.id)
    assert resumed is not None
    assert resumed.enabled


def test_a_change_whose_position_is_missing_is_refused() -> None:
    change = patch.change("a\nb\nc\n", "a\nx\nc\n")
    assert patch.taken_back("0\na\nx\nc\n", change) == "0\na\nb\nc\n"
    for text in ("a\nb\nc\n", "a\nx\na\nx\n"):
        with pytest.raises(ConfigError, match="by hand"):
            patch.taken_back(text, change)


# Models


def test_a_training_can_be_requested_once_in_ten_minutes(desk: Desk, store: Store, later: Clock) -> None:
    assert desk.post("/admin/models/train").status_code == 303
    assert store.state.moment("train_wanted") == later.now
    assert desk.post("/admin/models/train").status_code == 429
    store.state.clear("train_wanted")
    store.state.set_moment("train_began", later.now)
    later.now += timedelta(minutes=9)
    assert "less than ten minutes ago" in desk.post("/admin/models/train").text
    later.now += timedelta(minutes=2)
    assert desk.post("/admin/models/train").status_code == 303


def test_readers_have_no_cookie_and_no_form(desk: Desk) -> None:
    reader = desk.client.application.test_client()
    for path in ("/", "/newest", "/story/1/amazon-and-openai-agree-on-two-gigawatts", "/sources"):
        answer = reader.get(path)
        assert "Set-Cookie" not in answer.headers
        assert "/admin/" not in answer.text
        assert reader.get_cookie(COOKIE) is None
