"""The admin page of rules, and what readers see of a rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.config import parse_config
from aggregator.model import RuleEffect
from tests.web.newsroom import Newsroom
from tests.web.request.test_access import desk, feeds, form_token, sign_in

__all__ = ["desk", "feeds"]


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    data = {"form_token": form_token(client), **form}
    return client.post(f"/admin/rules/{path}", data=data, headers={"Sec-Fetch-Site": "same-origin"})


def test_a_rule_is_tried_added_removed_and_undone(desk: FlaskClient, feeds: Path) -> None:
    sign_in(desk)
    before = feeds.read_text()
    rule = {"effect": "mute", "rule": "amazon  unless score:>85", "until": "2026-12-31"}

    tried = send(desk, "try", **rule).text
    assert "matches 1 story" in tried
    assert "Amazon and OpenAI agree" in tried
    assert 'value="amazon unless score:&gt;85"' in tried
    assert "matches 0 stories" in send(desk, "try", **{**rule, "rule": "amazon unless score:>10"}).text
    assert feeds.read_text() == before

    assert send(desk, "add", **rule).status_code == 303
    (added,) = parse_config(feeds.read_text()).rules
    assert (added.effect, added.text) == (RuleEffect.MUTE, "amazon unless score:>85")
    page = desk.get("/admin/rules").text
    assert "amazon unless score:&gt;85" in page
    assert "until 31 Dec 2026" in page
    assert send(desk, "add", **rule).status_code == 409
    assert send(desk, "remove", effect="mute", rule="amazon unless score:>85").status_code == 303
    assert feeds.read_text() == f"{before}\nrules:\n"
    assert send(desk, "remove", effect="mute", rule="amazon unless score:>85").status_code == 404


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"effect": "mute", "rule": ""}, "is not a search"),
        ({"effect": "loud", "rule": "chips"}, "Choose mute or boost."),
        ({"effect": "mute", "rule": "chips", "until": "soon"}, "is not a date such as 2026-12-31"),
        ({"effect": "mute", "rule": "x" * 401}, "a rule has at most 400"),
        ({"effect": "mute", "rule": "<b> after:7d"}, "use &#39;until:&#39;"),
    ],
)
def test_a_faulty_rule_is_refused_with_a_message(desk: FlaskClient, form: dict[str, str], message: str) -> None:
    sign_in(desk)
    for path in ("try", "add"):
        answer = send(desk, path, **form)
        assert answer.status_code == 422
        assert message in answer.text


def test_the_stories_of_a_rule_are_counted_and_listed(
    desk: FlaskClient, room: Newsroom, feeds: Path, tmp_path: Path
) -> None:
    sign_in(desk)
    send(desk, "add", effect="mute", rule="amazon")
    (story,) = room.store.stories.each()
    room.store.story_rules.replace(RuleEffect.MUTE, {story.story_id: "amazon"})
    room.store.state.next_edition()

    assert '<a href="/admin/rules/0">1 story muted</a>' in desk.get("/admin/rules").text
    assert "Amazon and OpenAI agree" in desk.get("/admin/rules/0").text
    assert desk.get("/admin/rules/1").status_code == 404
    assert desk.get("/admin/rules/0?page=99999").status_code == 400


def test_readers_see_the_rule_on_the_story_page_and_in_the_api(
    room: Newsroom, tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    muted = room.story("Layoffs at Amazon", ["techcrunch_ai"])
    boosted = room.story("RISC-V cores ship", ["seedbed"])
    room.store.story_rules.replace(RuleEffect.MUTE, {muted: "layoffs"})
    room.store.story_rules.replace(RuleEffect.BOOST, {boosted: "risc-v"})
    room.store.state.next_edition()
    reader = make_app(tmp_path / "news.db").test_client()

    page = reader.get(f"/story/{muted}/layoffs-at-amazon").text
    assert "The rule “layoffs” mutes this story: no list shows it, but search still finds it." in page
    assert "The rule “risc-v” boosts this story" in reader.get(f"/story/{boosted}/risc-v-cores-ship").text
    api = reader.get(f"/api/v1/stories/{muted}").get_json()
    assert api["rules"] == [{"effect": "mute", "rule": "layoffs"}]
    assert f'href="/story/{muted}/' in reader.get("/search?q=layoffs").text
    for path in ("/newest", "/newest.rss", "/newest.json", "/api/v1/stories?sort=newest"):
        answer = reader.get(path).text
        assert "Layoffs at Amazon" not in answer, path
        assert "RISC-V cores ship" in answer, path
