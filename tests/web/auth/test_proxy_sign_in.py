"""Sign-in by a proxy's header: trusted only from its own address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from aggregator.model import SignIn
from tests.web import newsroom
from web.http.clients import PEER, is_within

TRUSTED = SignIn("remote-user", ("maria",), ("10.1.0.0/16", "::1/128"))


def opened(app: Flask, peer: str, headers: dict[str, str], remote: str = "") -> bool:
    """Return whether a request for the admin page is let in."""
    client = app.test_client()
    environ = {PEER: peer, "REMOTE_ADDR": remote or peer}
    answer = client.get("/admin", headers=headers, environ_base=environ)
    assert answer.status_code == 303
    answer = client.get(answer.location, headers=headers, environ_base=environ)
    if answer.status_code == 200:
        assert 'name="token"' in answer.text
        return False
    assert answer.location == "/admin"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    # From here on the session counts.
    return client.get("/admin").status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers", "is_let_in"),
    [
        ("10.1.2.3", {"Remote-User": "maria"}, True),
        ("::1", {"Remote-User": "maria"}, True),
        ("10.1.2.3", {"Remote-User": "marta"}, False),
        ("10.1.2.3", {"Remote-User": "maria,maria"}, False),
        ("10.1.2.3", {"Remote-User": ""}, False),
        ("10.1.2.3", {}, False),
        ("10.2.2.3", {"Remote-User": "maria"}, False),
        ("", {"Remote-User": "maria"}, False),
        ("10.2.2.3", {"Remote-User": "maria", "X-Forwarded-For": "10.1.2.3"}, False),
    ],
)
def test_only_a_trusted_proxy_signs_the_operator_in(
    tmp_path: Path, make_app: Callable[..., Flask], peer: str, headers: dict[str, str], is_let_in: bool
) -> None:
    config = replace(newsroom.sample_config(), sign_in=TRUSTED)
    app = make_app(tmp_path / "news.db", fallback_config=config, token="a token of twenty letters")
    assert opened(app, peer, headers) is is_let_in


def test_the_address_that_a_client_forwards_is_not_the_proxy(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    config = replace(newsroom.sample_config(), sign_in=TRUSTED)
    app = make_app(tmp_path / "news.db", fallback_config=config, token="a token of twenty letters")
    assert not opened(app, "203.0.113.7", {"Remote-User": "maria"}, remote="10.1.2.3")


def test_without_the_section_no_header_counts(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    app = make_app(tmp_path / "news.db", fallback_config=newsroom.sample_config(), token="a token of twenty letters")
    assert not opened(app, "10.1.2.3", {"Remote-User": "maria"})


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.1.255.255", True), ("::ffff:10.1.0.1", True), ("10.1.0.1:80", False), ("::2", False), ("unix", False)],
)
def test_an_address_lies_in_a_network(address: str, inside: bool) -> None:
    assert is_within(address, TRUSTED.proxies) is inside
