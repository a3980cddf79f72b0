"""Permissions of requests: private hosts by subject, proxies that receive no untrusted name, bot checks."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.config import parse_config
from aggregator.errors import ConfigError
from aggregator.fetch import PUBLIC, Access
from aggregator.fetch.access import (
    listed_hosts,
    of_analysis,
    of_callback,
    of_feed_content,
    of_operator,
    of_others,
    of_source,
)
from aggregator.fetch.bot_checks import bot_check
from aggregator.model import FailureKind, Fetched
from tests.aggregator.fetch.conftest import FEED, OWN, Ask, context_of, failed, needs_openssl
from tests.feedserver import FeedServer

CONFIG = parse_config("""
limits:
  allow_private: [own.lan, 10.0.0.1]
  allow_private_callbacks: ["http://10.0.0.2:8080/websub/", "http://10.0.0.3/hook"]
defaults: {proxy: "socks5://127.0.0.1:1080", ca_file: /etc/ssl/own.pem}
analysis: {endpoint: "http://10.0.0.1:11434/v1/chat/completions", model: m}
sources:
  - {id: own, url: "http://own.lan/feed", proxy: none}
  - {id: flagged, url: "http://flagged.lan/feed", allow_private: yes}
  - {id: public, url: "https://news.example/feed"}
""")
SOURCES = {source.id: source for source in CONFIG.sources}


def test_permission_belongs_to_a_source_the_analysis_or_a_named_callback() -> None:
    listed = listed_hosts(CONFIG.limits)
    assert of_source(SOURCES["own"], listed).private_hosts == {"own.lan", "10.0.0.1"}
    assert of_source(SOURCES["flagged"], listed).private_hosts == {"own.lan", "10.0.0.1", "flagged.lan"}
    assert of_source(SOURCES["public"], listed).private_hosts == set()
    assert of_analysis(CONFIG).private_hosts == {"10.0.0.1"}
    assert of_operator("http://own.lan/other", CONFIG).is_private("own.lan")
    for access in (
        of_feed_content(SOURCES["own"]),
        of_others(CONFIG),
        of_operator("https://a.example/", CONFIG),
        PUBLIC,
    ):
        assert access.private_hosts == set()


@pytest.mark.parametrize(
    ("callback", "allowed"),
    [
        ("http://10.0.0.2:8080/websub/abc?token=1", True),
        ("http://10.0.0.3/hook?token=1", True),
        ("http://10.0.0.3/hook/more", False),
        ("http://10.0.0.2:8080/admin", False),
        ("http://10.0.0.2:8080/websub/../admin", False),
        ("http://10.0.0.2:8080/websub/%2e%2e/admin", False),
        ("http://10.0.0.2/websub/abc", False),
        ("https://10.0.0.2:8080/websub/abc", False),
        ("http://10.0.0.2:8080@evil.example/websub/abc", False),
        ("http://own.lan/callback", False),
    ],
)
def test_a_callback_is_private_only_as_it_is_named(callback: str, allowed: bool) -> None:
    assert bool(of_callback(callback, CONFIG).private_hosts) == allowed


def test_proxies_and_authorities_hold_for_one_source_or_for_all() -> None:
    everywhere = ("socks5://127.0.0.1:1080", "/etc/ssl/own.pem")
    for access in (
        of_source(SOURCES["public"], listed_hosts(CONFIG.limits)),
        of_feed_content(SOURCES["public"]),
        of_others(CONFIG),
    ):
        assert (access.proxy, access.ca_file) == everywhere
    assert of_source(SOURCES["own"], listed_hosts(CONFIG.limits)).proxy == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("proxy: ftp://a:1", "is not none or the address of a proxy"),
        ("proxy: 'socks5://a'", "scheme, host and port"),
        ("proxy: 'http://a:1/path'", "scheme, host and port"),
        ("proxy: 'http://a b:1'", "is not the address of a proxy"),
        ("proxy: '${NOT_SET}'", "environment variable NOT_SET"),
        ("ca_file: own.pem", "absolute path"),
    ],
)
def test_a_wrong_proxy_or_file_is_a_fault_of_its_key(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(f"sources: [{{id: a, url: 'https://a.example/', {line}}}]")


def test_a_proxy_may_come_from_the_environment() -> None:
    text = "defaults: {proxy: 'http://${USER}:${PASS}@proxy.lan:3128'}\nsources: []"
    config = parse_config(text, env={"USER": "me", "PASS": "secret"})
    assert config.defaults.proxy == "http://me:secret@proxy.lan:3128"


# Proxies


class Proxy:
    """An HTTP, HTTPS and SOCKS proxy that connects to the test's own server and records its requests."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.request_lines: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), connection:
            connection.settimeout(5)
            if self._context is not None:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    self._http(secured)
                return
            first = connection.recv(1, socket.MSG_PEEK)
            if first == b"\x05":
                self._socks(connection)
            elif first == b"\x04":
                self._socks4(connection)
            else:
                self._http(connection)

    def _socks(self, connection: socket.socket) -> None:
        _, count = connection.recv(2)
        connection.recv(count)
        connection.sendall(b"\x05\x00")
        kind = connection.recv(4)[3]
        address = socket.inet_ntoa(connection.recv(4)) if kind == 1 else connection.recv(connection.recv(1)[0]).decode()
        (port,) = struct.unpack(">H", connection.recv(2))
        self.request_lines.append(f"{address}:{port}")
        connection.sendall(b"\x05\x00\x00\x01" + b"\0" * 6)
        self._relay(connection, b"")

    def _socks4(self, connection: socket.socket) -> None:
        request = connection.recv(1024)
        (port,) = struct.unpack(">H", request[2:4])
        address = socket.inet_ntoa(request[4:8])
        if address.startswith("0.0.0."):  # SOCKS4a: the name follows the user
            address = request[8:].split(b"\0")[1].decode()
        self.request_lines.append(f"{address}:{port}")
        connection.sendall(b"\x00\x5a" + b"\0" * 6)
        self._relay(connection, b"")

    def _http(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        method, target, _ = head.split(b" ", 2)
        self.request_lines.append(f"{method.decode()} {target.decode()}")
        if method == b"CONNECT":
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(connection, b"")
        else:
            path = b"/" + target.split(b"/", 3)[3]
            self._relay(connection, head.replace(target, path, 1))

    def _relay(self, connection: socket.socket, first: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as server:
            server.sendall(first or connection.recv(65536))
            while data := server.recv(65536):
                connection.sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy(feed_server: FeedServer) -> Iterator[Proxy]:
    started = Proxy(feed_server.port)
    yield started
    started.close()


def through(proxy: Proxy, scheme: str, access: Access = OWN) -> Access:
    return replace(access, proxy=f"{scheme}://127.0.0.1:{proxy.port}")


@pytest.mark.parametrize(
    ("scheme", "request_lines"),
    [
        ("http", "GET http://localhost:{port}/a"),
        ("socks4", "127.0.0.1:{port}"),
        ("socks4a", "localhost:{port}"),
        ("socks5", "127.0.0.1:{port}"),
        ("socks5h", "localhost:{port}"),
    ],
)
async def test_a_source_is_polled_through_its_proxy(
    feed_server: FeedServer, proxy: Proxy, ask: Ask, scheme: str, request_lines: str
) -> None:
    feed_server.publish("/a", FEED)
    own = replace(OWN, own_host="localhost")
    outcome = await ask(f"http://localhost:{feed_server.port}/a", through(proxy, scheme, own))
    assert isinstance(outcome, Fetched), outcome
    assert proxy.request_lines == [request_lines.format(port=feed_server.port)]


@pytest.mark.parametrize("scheme", ["http", "socks4", "socks4a", "socks5", "socks5h"])
async def test_a_name_that_others_chose_is_resolved_here(
    feed_server: FeedServer, proxy: Proxy, ask: Ask, scheme: str
) -> None:
    feed_server.publish("/end", FEED)
    url = feed_server.redirect("/a", f"http://localhost:{feed_server.port}/end")
    assert isinstance(await ask(url, through(proxy, scheme)), Fetched)
    address = f"127.0.0.1:{feed_server.port}"
    assert proxy.request_lines[-1] == (f"CONNECT {address}" if scheme == "http" else address)


@pytest.mark.parametrize("scheme", ["http", "socks4", "socks4a", "socks5", "socks5h"])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://10.0.0.1/"]
)
async def test_a_proxy_gives_no_access_to_private_addresses(
    feed_server: FeedServer, proxy: Proxy, ask: Ask, scheme: str, target: str
) -> None:
    only = Access(frozenset({"127.0.0.1"}), "127.0.0.1")
    url = feed_server.redirect("/a", target.format(port=feed_server.port))
    outcome = failed(await ask(url, through(proxy, scheme, only)))
    assert outcome.kind is FailureKind.REFUSED_ADDRESS
    assert len(feed_server.requests) == 1


async def test_a_name_that_cannot_be_resolved_here_goes_to_no_proxy(
    feed_server: FeedServer, proxy: Proxy, ask: Ask
) -> None:
    url = feed_server.redirect("/a", "http://somewhere.invalid/")
    outcome = failed(await ask(url, through(proxy, "socks5h")))
    assert "is not given names that others chose" in outcome.message
    assert len(proxy.request_lines) == 1


@needs_openssl
async def test_a_proxy_may_speak_tls(feed_server: FeedServer, ask: Ask, authority: Path) -> None:
    secured = Proxy(feed_server.port, context_of(authority))
    try:
        url = feed_server.publish("/a", FEED)
        access = replace(OWN, proxy=f"https://localhost:{secured.port}")
        assert isinstance(await ask(url, replace(access, ca_file=str(authority / "ca.pem"))), Fetched)
        assert secured.request_lines == [f"GET {url}"]
        assert "proxy" in failed(await ask(url, access)).message
        assert len(secured.request_lines) == 1
    finally:
        secured.close()


async def test_a_proxy_that_does_not_answer_is_named(feed_server: FeedServer, ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = failed(await ask(feed_server.publish("/a", FEED), replace(OWN, proxy=f"socks5://127.0.0.1:{port}")))
    assert outcome.kind is FailureKind.NETWORK
    assert "proxy" in outcome.message
    assert feed_server.requests == []


async def test_the_environment_names_no_proxy(
    feed_server: FeedServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(await ask(feed_server.publish("/a", FEED)), Fetched)


# Bot checks

PAGES = {
    "Cloudflare": "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
    "DataDome": '<html><script src="https://ct.captcha-delivery.com/c.js"></script></html>',
    "Imperva": '<html><iframe src="/_Incapsula_Resource?SWUDNSAI=1">Request unsuccessful.</iframe></html>',
    "HUMAN": '<html><div id="px-captcha"></div></html>',
    "Anubis": "<!doctype html><html><title>Making sure you&#39;re not a bot!</title></html>",
    "DDoS-Guard": '<html><script src="/.well-known/ddos-guard/js-challenge/index.js"></script></html>',
    "AWS WAF": '<html><script src="https://x.token.awswaf.com/x/challenge.js"></script></html>',
    "Sucuri": "<html><h1>Access Denied - Sucuri Website Firewall</h1>",
    "a bot check": "<html><head><title>Verifying you are human</title></head></html>",
}


@pytest.mark.parametrize("service", PAGES)
@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_bot_check_is_called_that(feed_server: FeedServer, ask: Ask, service: str, status: int) -> None:
    outcome = failed(await ask(feed_server.answer("/a", status, PAGES[service], {"Content-Type": "text/html"})))
    assert (outcome.kind, outcome.status) == (FailureKind.BOT_CHECK, status)
    assert outcome.message.startswith("a bot check")
    assert service in outcome.message
    assert "Ask the site" in outcome.message


@pytest.mark.parametrize(
    ("headers", "service"),
    [
        ({"CF-Mitigated": "challenge"}, "Cloudflare"),
        ({"x-vercel-mitigated": "challenge"}, "Vercel"),
        ({"x-amzn-waf-action": "captcha"}, "AWS WAF"),
        ({"sg-captcha": "challenge"}, "SiteGround"),
    ],
)
async def test_a_header_reveals_a_bot_check(
    feed_server: FeedServer, ask: Ask, headers: dict[str, str], service: str
) -> None:
    outcome = failed(await ask(feed_server.answer("/a", 403, b"", headers)))
    assert (outcome.kind, service in outcome.message) == (FailureKind.BOT_CHECK, True)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {"Server": "cloudflare"}, b"<html><title>403 Forbidden</title></html>"),
        (503, {"Server": "cloudflare", "Retry-After": "60"}, b"<html><title>Down for maintenance</title></html>"),
        (403, {}, b"no"),
        (200, {"Server": "cloudflare"}, b"<html><title>A blog about bot checks and captchas</title></html>"),
        (200, {}, b"<rss><channel><title>Just a moment...</title><item><title>captcha</title></item></channel></rss>"),
    ],
)
def test_other_responses_are_not_taken_for_bot_checks(status: int, headers: dict[str, str], body: bytes) -> None:
    assert bot_check(status, headers, body) == ""


async def test_a_bot_check_may_ask_for_a_wait(feed_server: FeedServer, ask: Ask) -> None:
    page = PAGES["Cloudflare"]
    outcome = failed(await ask(feed_server.answer("/a", 503, page, {"Retry-After": "60"})))
    assert outcome.retry_after is not None
