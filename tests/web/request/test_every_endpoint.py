"""Every endpoint that writes, as listed in the URL map, against strangers and junk.

A new endpoint is covered as soon as it is registered. An endpoint that is open to others than the operator is expected
to require a token; those that do not are named in `WITHOUT_TOKEN`, with their answer to strangers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.store import Store
from tests.web.newsroom import NOW, Newsroom
from tests.web.request.test_access import FEEDS, SAME, TOKEN, content, form_token, sign_in
from web.auth.credentials import TRIES
from web.auth.rate_limit import RateLimit
from web.auth.reader_tokens import make_reader_token, revoke_reader_token
from web.http.headers import MAX_BODY, SAFE
from web.request.access import is_open
from web.request.services import services

WITHOUT_TOKEN = {
    # Requests of other servers and of the operator's browser, and the answer to a stranger who sends nothing. A hub
    # that
    # does not sign its delivery is thanked, and the delivery dropped (WebSub, section 8).
    "hub.ask": 400,
    "websub.deliver": 202,
    "dashboard.signed_in": 403,
}
TEMPLATES = Path(__file__).parents[3] / "web/templates"
FIELDS = sorted(
    {
        name
        for page in TEMPLATES.glob("admin/*.html")
        for name in re.findall(r'name="([a-z_]+)"', page.read_text("utf-8"))
    }
    | {"i", "a", "r", "s", "n", "c", "ot", "nt", "ts", "hub.mode", "hub.topic", "hub.callback", "hub.lease_seconds"}
    - {"form_token"}
)
_addresses = count(1)


@dataclass(frozen=True)
class Endpoint:
    name: str
    method: str
    path: str
    is_open: bool

    @property
    def wants_token(self) -> bool:
        return self.name not in WITHOUT_TOKEN


@dataclass
class World:
    app: Flask
    store: Store
    db: Path
    feeds: Path
    reader_token: str
    post_token: str
    revoked: tuple[str, str]

    @property
    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(rule.endpoint, method, path, is_open(self.app, rule.endpoint))
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - set(SAFE))
            for path in paths(rule.rule)
        ]

    def unchanged(self) -> tuple[list[str], str]:
        return content(self.db), self.feeds.read_text("utf-8")

    def token_for(self, endpoint: Endpoint) -> str:
        """Return a token that this endpoint accepts."""
        if not endpoint.is_open:
            return TOKEN
        return self.post_token if endpoint.name.startswith("api.") else self.reader_token


def paths(rule: str) -> Iterator[str]:
    """Return addresses that fit *rule*: one for each of the words that it lists."""
    if listed := re.search(r"<any\(([^)]*)\):\w+>", rule):
        for word in listed[1].split(","):
            yield from paths(rule.replace(listed[0], word.strip()))
        return
    yield re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", lambda match: "1" if match[1] == "int" else "seedbed", rule)


def send(client: FlaskClient, endpoint: Endpoint, authorization: str = "", **options: Any) -> TestResponse:
    """Send a request from a network that has sent none before: wrong tokens are counted by network."""
    number = next(_addresses)
    headers = {**options.pop("headers", {}), **({"Authorization": authorization} if authorization else {})}
    environ = {"REMOTE_ADDR": f"198.18.{number // 250}.{number % 250 + 1}", **options.pop("environ", {})}
    return client.open(endpoint.path, method=endpoint.method, headers=headers, environ_overrides=environ, **options)


def let_in(world: World, endpoint: Endpoint, **options: object) -> TestResponse:
    return send(world.app.test_client(), endpoint, f"Bearer {world.token_for(endpoint)}", **options)


@pytest.fixture
def world(tmp_path: Path, room: Newsroom, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> World:
    def timed_out(*args: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("groundswell", 60)

    monkeypatch.setattr("web.admin.sources.subprocess.run", timed_out)
    monkeypatch.setattr("web.admin.preview.subprocess.Popen", NoChild)
    room.story("Amazon and OpenAI agree on two gigawatts", ["techcrunch_ai", "seedbed"])
    room.rank()
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text(FEEDS, encoding="utf-8")
    tokens = {}
    for use in ("read", "posted", "reads", "posts"):
        tokens[use], record = make_reader_token(room.store, use, NOW, may_post=use.startswith("post"))
        if not use.endswith("s"):
            revoke_reader_token(room.store, record.token_id, NOW)
    room.store.websub_subscriptions.want(
        "seedbed", "https://hub.example/", "https://seedbed.example/", "seedbed", "secret", NOW
    )
    room.store.websub_subscriptions.confirm("seedbed", NOW + timedelta(days=1), NOW + timedelta(days=1))
    app = make_app(tmp_path / "news.db", token=TOKEN, feeds=feeds)
    return World(
        app,
        room.store,
        tmp_path / "news.db",
        feeds,
        tokens["reads"],
        tokens["posts"],
        (tokens["read"], tokens["posted"]),
    )


class NoChild:
    """Replaces the process of a preview."""

    pid = 2**30

    def __init__(self, *args: object, **options: object) -> None:
        pass

    def wait(self) -> int:
        return 0


def test_the_map_has_the_endpoints_that_this_is_about(world: World) -> None:
    # A test over an empty list would pass too.
    assert {"dashboard.undo", "api.post_entry", "reader_api.edit_tag", "hub.ask"} <= {e.name for e in world.endpoints}
    assert set(WITHOUT_TOKEN) <= {e.name for e in world.endpoints if e.is_open}


def test_a_stranger_changes_nothing(world: World) -> None:
    before = world.unchanged()
    client = world.app.test_client()
    for endpoint in world.endpoints:
        answer = send(client, endpoint)
        expected = (401, 403) if endpoint.wants_token else (WITHOUT_TOKEN[endpoint.name],)
        assert answer.status_code in expected, endpoint
        assert "Set-Cookie" not in answer.headers
    assert world.unchanged() == before


def test_a_session_without_its_form_token_changes_nothing(world: World) -> None:
    client, other = world.app.test_client(), world.app.test_client()
    sign_in(client)
    sign_in(other)
    forms: tuple[dict[str, str], ...] = ({}, {"form_token": ""}, {"form_token": form_token(other)})
    before = world.unchanged()
    for endpoint in world.endpoints:
        for form in forms if endpoint.wants_token else ():
            answer = send(client, endpoint, data=form, headers=SAME)
            # A session does not help where others than the operator may post.
            assert answer.status_code == (401 if endpoint.is_open else 403), endpoint
    assert world.unchanged() == before


def wrong_tokens(world: World, endpoint: Endpoint) -> Iterator[str]:
    """Return Authorization headers that are not valid here: malformed, revoked, or valid for something else."""
    right = world.token_for(endpoint)
    yield from ("Bearer ", "Bearer \xff\xfe\x80", "Bearer " + "x" * 7_000, "GoogleLogin auth=")
    yield from (f"Basic {right}", f"Bearer {right[:-1]}", f"Bearer {right},{right}")
    yield from (f"Bearer {token}" for token in world.revoked)
    others = {world.reader_token, world.post_token} - {right}
    if endpoint.name.startswith("reader_api."):
        others.add(TOKEN)
    yield from (f"Bearer {token}" for token in others)


def test_a_token_that_is_not_for_this_changes_nothing(world: World) -> None:
    before = world.unchanged()
    client = world.app.test_client()
    for endpoint in world.endpoints:
        if endpoint.wants_token:
            for header in wrong_tokens(world, endpoint):
                answer = send(client, endpoint, header)
                # Without a token, the operator's access check looks for a session and the origin of a form.
                assert answer.status_code in ((401,) if endpoint.is_open else (401, 403)), (endpoint, header)
    assert world.unchanged() == before


def test_the_right_token_is_let_in(world: World) -> None:
    # So that the tests above test what they claim to.
    for endpoint in world.endpoints:
        # Signing in takes the token as a password.
        if endpoint.wants_token and endpoint.name != "reader_api.client_login":
            answer = let_in(world, endpoint)
            assert answer.status_code != 401, endpoint
            assert answer.status_code != 403 or endpoint.name == "reader_api.configuration", endpoint


def test_guessing_tokens_is_limited_everywhere(world: World) -> None:
    client = world.app.test_client()
    for number, endpoint in enumerate(world.endpoints):
        if endpoint.name in ("hub.ask", "websub.deliver"):
            continue  # no token to guess; an address of 192 bits and limits of its own: test_websub_hub
        same = {"headers": SAME, "environ": {"REMOTE_ADDR": f"203.0.{number}.7"}, "data": {"token": "wrong"}}
        codes = [send(client, endpoint, "Bearer wrong", **same).status_code for _ in range(TRIES + 1)]
        assert codes[-1] == 429, (endpoint, codes)
        assert set(codes[:-1]) <= {401, 403}, (endpoint, codes)


def test_a_token_that_is_used_too_often_has_to_wait_everywhere(world: World) -> None:
    for endpoint in world.endpoints:
        if endpoint.is_open and endpoint.wants_token and endpoint.name != "reader_api.client_login":
            services(world.app).reader_authenticator._requests = RateLimit(2, 60.0)
            codes = [let_in(world, endpoint).status_code for _ in range(3)]
            assert codes[2] == 429, (endpoint, codes)
            assert 429 not in codes[:2], (endpoint, codes)


FORM, JSON, MULTIPART = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"
JUNK = [
    (FORM, b"\x00\xff\xfe" * 400),
    (FORM, b"%ff%00=%ff&&&=;" * 200),
    (JSON, b"\x00\xff\xfe" * 400),
    (JSON, b"[" * 100_000),
    (JSON, b'{"id": ' + b"9" * 5_000 + b"}"),
    (JSON, b'{"source": "seedbed", "id": "1", "title": "\\ud800"}'),
    (JSON, b'{"title": 1e999, "id": {"a": []}, "source": null}'),
    (f"{JSON}; charset=utf-99", b"{}"),
    (MULTIPART, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff"),
    (MULTIPART, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 300 + b"--x--"),
    ("application/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
    ("\xff/\x80; =", b"x" * 400),
]
VALUES = [
    "",
    "\x00",
    "-1",
    "9" * 40,
    "٣",
    "²",
    "\udcff",
    "x" * 2_000,
    "[[\\",
    "a:b:c (",
    "http://[",
    "../../etc/passwd",
]


def test_junk_from_an_authenticated_client_is_refused(world: World) -> None:
    for endpoint in world.endpoints:
        # Endpoints that need no form do not read one.
        least = 200 if let_in(world, endpoint).status_code < 400 else 400
        for content_type, body in JUNK:
            answer = let_in(world, endpoint, data=body, content_type=content_type)
            assert least <= answer.status_code < 500, (endpoint, content_type, body[:20])


def test_junk_in_form_fields_is_not_a_server_error(world: World) -> None:
    for value in VALUES:
        quoted = quote(value.encode("utf-8", "surrogateescape"))
        form = "&".join(f"{name}={quoted}" for name in FIELDS)
        for endpoint in world.endpoints:
            answer = let_in(world, endpoint, data=form, content_type=FORM)
            assert answer.status_code < 500, (endpoint, value[:20])


def test_a_body_over_the_limit_is_refused(world: World) -> None:
    before = world.unchanged()
    body = b"a=" + b"x" * MAX_BODY
    for endpoint in world.endpoints:
        answer = let_in(world, endpoint, data=body, content_type=FORM)
        assert answer.status_code == 413, endpoint
    assert world.unchanged() == before
    for endpoint in world.endpoints:
        # Without a stated length, as in chunks: the reader stops at the limit.
        environ = {
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
            "CONTENT_TYPE": FORM,
            "CONTENT_LENGTH": "",
        }
        answer = let_in(world, endpoint, environ=environ)
        assert answer.status_code < 500, endpoint


def test_other_methods_change_nothing(world: World) -> None:
    taken: dict[str, set[str]] = {}
    for rule in world.app.url_map.iter_rules():
        taken.setdefault(rule.rule, set()).update(rule.methods or ())
    client = world.app.test_client()
    before = world.unchanged()
    for address, methods in taken.items():
        for method in {"DELETE", "POST"} - methods:
            answer = send(client, Endpoint("", method, next(paths(address)), False), f"Bearer {TOKEN}")
            assert answer.status_code in (404, 405), (address, method)
    assert world.unchanged() == before
