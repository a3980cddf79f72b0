"""The admin pages import a list of feeds, handle the bookmarklet, and manage tokens."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.request.test_access import desk, feeds, form_token, sign_in

__all__ = ["desk", "feeds"]


def test_an_opml_file_is_imported_and_can_be_undone(desk: FlaskClient, feeds: Path) -> None:
    sign_in(desk)
    opml = b"""<opml version="2.0"><body><outline text="Chips">
        <outline type="rss" text="Die" xmlUrl="https://die.example/feed.xml"/>
        <outline type="rss" text="Wafer" xmlUrl="https://wafer.example/feed.xml"/></outline></body></opml>"""
    before = feeds.read_text()

    def upload(body: bytes) -> TestResponse:
        form = {"form_token": form_token(desk), "file": (BytesIO(body), "list.opml")}
        return desk.post("/admin/sources/import", data=form, headers={"Sec-Fetch-Site": "same-origin"})

    assert upload(opml).status_code == 303
    assert "https://wafer.example/feed.xml" in feeds.read_text()
    again = upload(opml)
    assert again.status_code == 409
    assert "already in feeds.yaml" in again.text
    for broken in (b"", b"<html>", b"<opml><body></body></opml>"):
        assert upload(broken).status_code == 422
    number = re.search(r'name="action" value="([0-9]+)"', desk.get("/admin").text)
    assert number
    undo = {"form_token": form_token(desk), "action": number[1]}
    assert desk.post("/admin/undo", data=undo, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert feeds.read_text() == before


def test_the_bookmarklet_fills_in_an_address_and_finds_nothing_by_itself(desk: FlaskClient, feeds: Path) -> None:
    sign_in(desk)
    page = desk.get("/admin/sources?address=https://example.com/%22%3E%3Cb%3E").text
    assert 'value="https://example.com/&#34;&gt;&lt;b&gt;"' in page
    assert "javascript:location.href=&#34;http://localhost/admin/sources?address=&#34;" in page
    # A link from another site arrives without the cookie; one click further, the cookie is sent.
    stranger = desk.application.test_client()
    back = stranger.get("/admin/sources?address=https://example.com/").location
    assert "Continue" in stranger.get(back).text


def test_tokens_are_created_shown_once_and_revoked_on_the_admin_page(desk: FlaskClient) -> None:
    sign_in(desk)

    def send(path: str, **form: str) -> TestResponse:
        data = {"form_token": form_token(desk), **form}
        return desk.post(f"/admin/tokens/{path}", data=data, headers={"Sec-Fetch-Site": "same-origin"})

    page = send("make", name="phone", min_score="40", score_in_title="yes").text
    secret = re.search(r"<pre><code>([\w-]{32})</code>", page)
    assert secret
    assert secret[1] not in desk.get("/admin/tokens").text
    api = "/api/greader.php/reader/api/0/user-info"
    assert desk.get(api, headers={"Authorization": f"Bearer {secret[1]}"}).status_code == 200
    for wrong in ({"name": ""}, {"name": "x", "min_score": "101"}, {"name": "x", "min_score": "-1"}):
        assert send("make", **wrong).status_code == 422
    assert send("1/revoke").status_code == 303
    assert send("1/revoke").status_code == 409
    assert desk.get(api, headers={"Authorization": f"Bearer {secret[1]}"}).status_code == 401
    assert "revoked" in desk.get("/admin/tokens").text
