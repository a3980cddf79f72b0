"""The admin page of previews: start, progress, result, stop."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.translatable import Translatable, stored
from tests.web.newsroom import NOW
from tests.web.request.test_access import FEEDS, desk, feeds, form_token, sign_in

__all__ = ["desk", "feeds"]


def send(client: FlaskClient, path: str, **form: object) -> TestResponse:
    data = {"form_token": form_token(client), **form}
    return client.post(f"/admin/preview/{path}", data=data, headers={"Sec-Fetch-Site": "same-origin"})


def write_status(tmp_path: Path, **content: object) -> Path:
    path = tmp_path / "news.db.preview.json"
    path.write_text(json.dumps({"at": NOW.isoformat(), **content}))
    (tmp_path / "news.db.preview.txt").write_text("the uploaded feeds.yaml, 7 days")
    return path


def test_a_preview_runs_in_the_background_and_the_page_says_how_it_ends(desk: FlaskClient, tmp_path: Path) -> None:
    sign_in(desk)
    assert "There has been no preview yet." in desk.get("/admin/preview").text

    # The newsroom's store has no active configuration, and the page has to say so.
    assert send(desk, "start", effect="mute", rule="amazon", days="3").status_code == 303
    assert (tmp_path / "news.db.preview.yaml").read_text() == f"{FEEDS}\nrules:\n  - mute: amazon\n"
    deadline = time.monotonic() + 120
    while "Previewing" in (page := desk.get("/admin/preview").text) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "The preview of the rule “mute: amazon”, 3 days failed: <span>This site has no configuration yet" in page


def test_progress_is_shown_one_runs_at_a_time_and_it_can_be_stopped(desk: FlaskClient, tmp_path: Path) -> None:
    sign_in(desk)
    write_status(tmp_path, state="running", done=84, total=336)

    page = desk.get("/admin/preview").text
    assert "Previewing the uploaded feeds.yaml, 7 days: 25%" in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert send(desk, "start", effect="mute", rule="amazon").status_code == 409
    assert send(desk, "stop").status_code == 303
    assert (tmp_path / "news.db.preview.stop").exists()


def test_a_preview_that_was_killed_does_not_block_the_next(desk: FlaskClient, tmp_path: Path) -> None:
    sign_in(desk)
    path = write_status(tmp_path, state="running", done=1, total=2)
    path.write_text(path.read_text().replace(NOW.isoformat(), "2026-01-01T00:00:00+00:00"))
    assert "failed: <span>It ended unexpectedly.</span>" in desk.get("/admin/preview").text
    path.write_text("{")
    assert "There has been no preview yet." in desk.get("/admin/preview").text


def test_a_result_is_shown_with_stories_hours_and_the_scorecard(desk: FlaskClient, tmp_path: Path) -> None:
    sign_in(desk)
    shown = {"key": 1, "headline": "<b>Layoffs", "score": 62, "place": 4}
    hour = {"at": NOW.isoformat(), "came": [], "gone": [shown], "moved": [[{**shown, "key": 2, "place": 1}, 5]]}
    story = {"key": 1, "headline": "<b>Layoffs", "score": 62, "hours_before": 1, "hours_after": 0}
    result = {
        "since": NOW.isoformat(), "until": NOW.isoformat(), "entries_before": 1200, "entries_after": 1100,
        "hours": [hour, {"at": NOW.isoformat(), "came": [], "gone": [], "moved": []}], "hours_changed": 1,
        "stories": [{**story, "best_before": 4, "best_after": None}],
        "measures": [{"name": "auc", "category_id": "", "before": 0.9, "after": None}],
        "notes": [stored(Translatable("covers fewer days, because the site has no older entries")), "in words"],
    }  # fmt: skip
    write_status(tmp_path, state="done", message="", result=result)

    page = desk.get("/admin/preview").text
    assert "The front page changes in 1 of 2 hours." in page
    assert "&lt;b&gt;Layoffs" in page
    assert "<b>Layoffs" not in page
    assert "0 new, 1 gone, 1 moved" in page
    assert "too few cases" in page
    assert "Do scores separate relevant stories from others?" in page
    assert "0.900" in page
    assert "1,200 entries (1,100 with the edited file)" in page
    assert "<span>Covers fewer days, because the site has no older entries.</span>" in page
    assert '<span lang="en">In words.</span>' in page, "a result that an earlier version wrote"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"days": "0", "effect": "mute", "rule": "x"}, "Choose 1 to 30 days."),
        ({"effect": "mute", "rule": "after:7d"}, "rules do not support"),
        ({}, "Choose an edited feeds.yaml."),
        ({"file": (BytesIO(b"\xff\xfe"), "feeds.yaml")}, "This file is not UTF-8."),
        ({"file": (BytesIO(b"sources: [{id: x}]"), "feeds.yaml")}, "without &#39;url&#39;"),
    ],
)
def test_what_cannot_be_previewed_is_refused_with_a_message(
    desk: FlaskClient, tmp_path: Path, form: dict[str, object], message: str
) -> None:
    sign_in(desk)
    answer = send(desk, "start", **form)
    assert answer.status_code == 422
    assert message in answer.text
    assert not (tmp_path / "news.db.preview.json").exists()
