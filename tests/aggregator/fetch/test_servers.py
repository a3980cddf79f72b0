"""Real-world servers: non-standard headers, wrong content codings, cookies, HTTP/2 only."""

from __future__ import annotations

import errno
import gzip
import os
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest

from aggregator.fetch import Access
from aggregator.fetch.decompress import is_whole
from aggregator.fetch.refresh import refresh_target
from aggregator.model import FailureKind, Fetched
from tests.aggregator.fetch.conftest import FEED, LIMITS, OWN, Ask, context_of, failed, needs_openssl
from tests.feedserver import FeedServer, Wire

LENGTH = b"Content-Length: %d\r\n" % len(FEED)
OK = b"HTTP/1.1 200 OK\r\n"


def chunked(data: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) + end


HEADS = {
    "a space before the colon": OK + b"X-A : b\r\n" + LENGTH,
    "a space in a name": OK + b"X Foo: b\r\n" + LENGTH,
    "letters beyond ASCII": OK + b"X-\xc3\xa4: \xe4\xff\r\n" + LENGTH,
    "no name": OK + b": b\r\n" + LENGTH,
    "control characters": OK + b"X: a\x01b\x07\r\n" + LENGTH,
    "a folded line": OK + b"X: a\r\n  b\r\n" + LENGTH,
    "a folded first line": OK + b"  X: a\r\n" + LENGTH,
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH,
    "no space before the reason": b"HTTP/1.1 200OK\r\n" + LENGTH,
    "HTTP in lower case": b"http/1.1 200 OK\r\n" + LENGTH,
    "HTTP/2 on a plain line": b"HTTP/2.0 200 OK\r\n" + LENGTH,
    "ICY": b"ICY 200 OK\r\n" + LENGTH,
    "the length twice": OK + LENGTH + LENGTH,
    "the length as a list": OK + b"Content-Length: %d, %d\r\n" % (len(FEED), len(FEED)),
    "the type twice": OK + b"Content-Type: text/html\r\nContent-Type: text/xml\r\n" + LENGTH,
    "a line of 60 kB": OK + b"Content-Security-Policy: " + b"x" * 60_000 + b"\r\n" + LENGTH,
    "a name of 9 kB": OK + b"x" * 9_000 + b": a\r\n" + LENGTH,
    "a reason of 9 kB": b"HTTP/1.1 200 " + b"x" * 9_000 + b"\r\n" + LENGTH,
    "1,500 lines": OK + b"".join(b"X-%d: x\r\n" % number for number in range(1_500)) + LENGTH,
    "three interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 2
    + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    + OK
    + LENGTH,
    "a header that looks like a status": OK + b"HTTP/1.1: x\r\n" + LENGTH,
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_browsers_take_is_taken(feed_server: FeedServer, ask: Ask, name: str) -> None:
    url = feed_server.script("/a", lambda wire: wire.send(HEADS[name] + b"\r\n" + FEED))
    outcome = await ask(url)
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == FEED


async def test_bare_line_feeds_end_lines(feed_server: FeedServer, ask: Ask) -> None:
    head = (OK + b'ETag: "v"\r\n' + LENGTH + b"\r\n").replace(b"\r\n", b"\n")
    outcome = await ask(feed_server.script("/a", lambda wire: wire.send(head + FEED)))
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.validators.etag) == (FEED, '"v"')


BODIES = {
    "both lengths": LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(FEED),
    "chunked twice": b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + chunked(FEED),
    "bare line feeds": b"Transfer-Encoding: chunked\r\n\r\n" + chunked(FEED).replace(b"\r\n", b"\n"),
    "a trailer": b"Transfer-Encoding: chunked\r\n\r\n" + chunked(FEED, b"0\r\nETag: x\r\n\r\n"),
    "until the end": b"\r\n" + FEED,
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_is_delimited_as_browsers_do_it(feed_server: FeedServer, ask: Ask, name: str) -> None:
    outcome = await ask(feed_server.script("/a", lambda wire: wire.send(OK + BODIES[name])))
    assert isinstance(outcome, Fetched), outcome
    assert (outcome.body, outcome.validators.etag) == (FEED, "")


def endless_lines(wire: Wire) -> None:
    wire.send(OK)
    while True:
        wire.send(b"X: %s\r\n" % (b"y" * 1_000) * 50)


def endless_interim(wire: Wire) -> None:
    while True:
        wire.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(endless_lines, id="endless lines"),
        pytest.param(endless_interim, id="endless interim answers"),
        pytest.param(lambda wire: wire.send(OK + b"X: " + b"y" * 200_000 + b"\r\n\r\n"), id="a line of 200 kB"),
        pytest.param(lambda wire: wire.send(OK + b"X: y\r\n" * 10_000 + b"\r\n" + FEED), id="10,000 lines"),
        pytest.param(lambda wire: wire.send(OK + b"Content-Length: 5\r\n" + LENGTH + b"\r\n" + FEED), id="two lengths"),
        pytest.param(lambda wire: wire.send(OK + b"X: a\0b\r\n\r\n" + FEED), id="NUL"),
    ],
)
async def test_leniency_has_bounds(feed_server: FeedServer, ask: Ask, play: Callable[[Wire], None]) -> None:
    outcome = failed(await ask(feed_server.script("/a", play)))
    assert outcome.kind is FailureKind.BAD_TRANSFER
    assert "not understood as HTTP" in outcome.message


# Content codings


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "aws-chunked": FEED,
    "binary": FEED,
    "none": FEED,
    "UTF-8": FEED,
    "iso-8859-1, identity": FEED,
    "gzip": FEED,  # and it is not compressed
    "br": FEED,
    "zstd": FEED,
    "deflate": FEED,
    "gzip, aws-chunked": gzip.compress(FEED),
    "gzip, gzip": gzip.compress(gzip.compress(FEED)),
    "gzip,gzip": gzip.compress(FEED),  # once only
    "br, gzip": gzip.compress(brotli.compress(FEED)),
    "Deflate": zlib.compress(FEED),
    "deflate ": bare_deflate(FEED),
    "x-gzip": gzip.compress(FEED) + b"\r\n<!-- garbage -->",
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_bytes_count_more_than_the_coding_that_is_named(feed_server: FeedServer, ask: Ask, coding: str) -> None:
    outcome = await ask(feed_server.answer("/a", 200, CODINGS[coding], {"Content-Encoding": coding}))
    assert isinstance(outcome, Fetched), outcome
    assert (outcome.body, outcome.wire_bytes) == (FEED, len(CODINGS[coding]))


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b" \r\n", b"\xff\xfe", b"\0"])
async def test_a_plain_document_is_recognised_by_its_start(feed_server: FeedServer, ask: Ask, start: bytes) -> None:
    outcome = await ask(feed_server.answer("/a", 200, start + FEED, {"Content-Encoding": "gzip"}))
    assert isinstance(outcome, Fetched)
    assert outcome.body == start + FEED


@pytest.mark.parametrize("coding", ["gzip, gzip", "deflate", "gzip, br", "gzip, " * 20 + "gzip"])
async def test_bombs_are_no_larger_behind_several_codings(feed_server: FeedServer, ask: Ask, coding: str) -> None:
    data = b"A" * 5_000_000
    for name in coding.split(", ")[:4]:
        data = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[name](data)
    outcome = failed(await ask(feed_server.answer("/a", 200, data, {"Content-Encoding": coding})))
    assert outcome.kind in (FailureKind.TOO_LARGE, FailureKind.BAD_TRANSFER)
    assert "larger than 0.1 MB" in outcome.message or "packed 21 times" in outcome.message


# Cookies


def gate(feed_server: FeedServer, path: str, cookie: str, target: str, attributes: str = "; Path=/") -> str:
    """Serve a feed on *path* to clients with *cookie*; others get the cookie and a redirect to *target*."""

    def play(wire: Wire) -> None:
        if cookie in (feed_server.requests[-1].headers["Cookie"] or ""):
            wire.send(OK + LENGTH + b"\r\n" + FEED)
        else:
            head = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nSet-Cookie: {cookie}{attributes}\r\n"
            wire.send(head.encode() + b"Content-Length: 0\r\n\r\n")

    return feed_server.script(path, play)


async def test_a_cookie_lives_for_one_fetch(feed_server: FeedServer, ask: Ask) -> None:
    url = gate(feed_server, "/a", "seen=1", "/a")
    for _ in range(2):
        assert isinstance(await ask(url), Fetched)
    assert [request.headers["Cookie"] for request in feed_server.requests] == [None, "seen=1", None, "seen=1"]


async def test_a_redirect_that_sets_cookies_is_not_a_loop(feed_server: FeedServer, ask: Ask) -> None:
    url = gate(feed_server, "/a", "second=2", "/b")
    gate(feed_server, "/b", "first=1", "/a")
    feed_server.redirect("/c", "/a")
    assert isinstance(await ask(feed_server.url("/c")), Fetched)
    assert isinstance(await ask(url), Fetched)


async def test_a_server_with_ever_new_cookies_ends_at_the_limit(feed_server: FeedServer, ask: Ask) -> None:
    counter = iter(range(100))

    def play(wire: Wire) -> None:
        wire.send(
            b"HTTP/1.1 302 Found\r\nLocation: /a\r\nSet-Cookie: n=%d\r\nContent-Length: 0\r\n\r\n" % next(counter)
        )

    outcome = failed(await ask(feed_server.script("/a", play)))
    assert (outcome.kind, outcome.message) == (FailureKind.REDIRECTS, "too many redirects: more than 8")
    assert len(feed_server.requests) == LIMITS.redirects + 1


@pytest.mark.parametrize("attributes", ["", "; Domain=localhost", "; Domain=127.0.0.1; Path=/", "; Domain=.example"])
async def test_a_cookie_goes_to_no_other_host(feed_server: FeedServer, ask: Ask, attributes: str) -> None:
    feed_server.publish("/end", FEED)
    url = gate(feed_server, "/a", "secret=1", f"http://localhost:{feed_server.port}/end", attributes)
    assert isinstance(await ask(url), Fetched)
    assert [request.headers["Cookie"] for request in feed_server.requests] == [None, None]


@pytest.mark.parametrize("attributes", ["; Path=/elsewhere", "; Secure", "; Max-Age=0", "; Max-Age=-1; Path=/"])
async def test_a_cookie_that_does_not_apply_is_not_sent(feed_server: FeedServer, ask: Ask, attributes: str) -> None:
    outcome = failed(await ask(gate(feed_server, "/a/b", "seen=1", "/a/b", attributes)))
    assert outcome.message == "redirect loop: too many redirects"


@pytest.mark.parametrize("cookie", ["a=b\x01c", "=x", "novalue", "a b=c", "x=" + "y" * 5_000, "a=\xe4"])
async def test_a_cookie_that_cannot_be_sent_back_is_ignored(feed_server: FeedServer, ask: Ask, cookie: str) -> None:
    def play(wire: Wire) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: /end\r\nSet-Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n"
        wire.send(head.encode("latin-1"))

    feed_server.publish("/end", FEED)
    assert isinstance(await ask(feed_server.script("/a", play)), Fetched)
    assert feed_server.requests[-1].headers["Cookie"] is None


async def test_a_cookie_of_the_sources_own_goes_along(feed_server: FeedServer, ask: Ask) -> None:
    url = gate(feed_server, "/a", "seen=1", "/a")
    assert isinstance(await ask(url, headers=[("Cookie", "member=7")]), Fetched)
    assert [request.headers["Cookie"] for request in feed_server.requests] == ["member=7", "member=7; seen=1"]


# Documents that break off

CLOSE = b"Connection: close\r\n\r\n"
LONGER = b"Content-Length: 9999\r\n"
WHOLE = {
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n" + CLOSE + chunked(FEED, b""),
    "gzip without its checksum": OK + b"Content-Encoding: gzip\r\n" + CLOSE + gzip.compress(FEED)[:-8],
    "a comment at the end": OK + b"Transfer-Encoding: chunked\r\n" + CLOSE + chunked(FEED + b"\n<!-- 0.2 s -->\n", b""),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_document_is_used_although_its_transfer_broke_off(
    feed_server: FeedServer, ask: Ask, name: str
) -> None:
    outcome = await ask(feed_server.script("/a", lambda wire: wire.send(WHOLE[name])))
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body.startswith(FEED)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OK + LONGER + CLOSE + FEED[:-20], "after 40 of 9999 bytes"),
        (OK + LONGER + CLOSE + FEED, "of 9999 bytes"),
        (OK + LONGER + CLOSE + b"<rss><style>a{b:c}", "of 9999 bytes"),
        (OK + b"Transfer-Encoding: chunked\r\n" + CLOSE + chunked(FEED[:-9], b""), "in the middle of a chunk"),
        (OK + b"Content-Encoding: gzip\r\n" + LONGER + CLOSE + gzip.compress(FEED)[:-20], "of 9999 bytes"),
    ],
)
async def test_a_document_that_misses_its_end_is_not_used(
    feed_server: FeedServer, ask: Ask, answer: bytes, message: str
) -> None:
    outcome = failed(await ask(feed_server.script("/a", lambda wire: wire.send(answer))))
    assert outcome.kind is FailureKind.BAD_TRANSFER
    assert message in outcome.message


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"<feed></feed>", True),
        (b"<a:feed></a:feed >\0\n", True),
        ("<rss></rss>".encode("utf-16-le"), True),
        (b'{"items": []}', True),
        (b'{"items": [{}', True),  # no valid JSON, which the parser says
        (b"<rss></item>", False),
        (b"<rss><item>a}", False),
        (b"", False),
    ],
)
def test_a_feed_is_whole_if_its_root_is_closed(data: bytes, whole: bool) -> None:
    assert is_whole(data) is whole


# Pages that send on

REFRESH = b"<!doctype html><title>Moved</title><meta http-equiv=refresh content='%s'>"


@pytest.mark.parametrize(
    ("header", "page"),
    [
        ("", REFRESH % b"0; url=/end"),
        ("", b"<?xml version='1.0'?>\n" + REFRESH % b"1;URL=&quot;/end&quot;"),
        ("", b"<html><head>" + b'<META content="0, /end" HTTP-EQUIV="Refresh"></head></html>'),
        ("", b"<!-- generated --><!-- by hand -->\n" + REFRESH % b"0; url=/end"),
        ("0; url=/end", b"<p>Moved"),
    ],
)
async def test_a_page_may_send_on(feed_server: FeedServer, ask: Ask, header: str, page: bytes) -> None:
    feed_server.publish("/end", FEED)
    outcome = await ask(feed_server.answer("/a", 200, page, {"Refresh": header} if header else {}))
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.url, outcome.moved_to) == (FEED, feed_server.url("/end"), "")


@pytest.mark.parametrize(
    "page",
    [
        REFRESH % b"600; url=/end",
        REFRESH % b"0; url=/a",
        REFRESH % b"0; url=javascript:go()",
        REFRESH % b"soon",
        b"<html><noscript>" + REFRESH % b"0; url=/end" + b"</noscript>",
        b"<html><!-- " + REFRESH % b"0; url=/end" + b" -->",
        b"<rss><channel><description>" + REFRESH % b"0; url=/end" + b"</description></channel></rss>",
    ],
)
async def test_a_page_that_stays_is_the_document(feed_server: FeedServer, ask: Ask, page: bytes) -> None:
    outcome = await ask(feed_server.answer("/a", 200, page))
    assert isinstance(outcome, Fetched)
    assert outcome.body == page
    assert len(feed_server.requests) == 1


@pytest.mark.parametrize("repeated", [b"<!--a-->", b"<!--", b"<?xml ", b"<meta ", b"<script>", b"<meta a=", b"a-"])
def test_no_page_takes_long_to_search(repeated: bytes) -> None:
    """An expression that backtracks would not end within the time of the test run."""
    for start in (b"", b"<html>", b"<html><meta "):
        assert refresh_target("", start + repeated * 5_000 + b"<rss>", "http://a.example/") == ""


async def test_a_page_may_set_a_cookie_and_load_itself_again(feed_server: FeedServer, ask: Ask) -> None:
    def play(wire: Wire) -> None:
        if feed_server.requests[-1].headers["Cookie"] == "seen=1":
            wire.send(OK + LENGTH + b"\r\n" + FEED)
        else:
            wire.send(OK + b"Set-Cookie: seen=1\r\n" + CLOSE + REFRESH % b"0; url=/a")

    outcome = await ask(feed_server.script("/a", play))
    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED


@pytest.mark.parametrize("wanted", ["text/html", "text/nothing"])
async def test_a_server_that_accepts_no_feed_reader_is_asked_like_a_browser(
    feed_server: FeedServer, ask: Ask, wanted: str
) -> None:
    def play(wire: Wire) -> None:
        if wanted in feed_server.requests[-1].headers["Accept"]:
            wire.send(OK + LENGTH + b"\r\n" + FEED)
        else:
            wire.send(b"HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\n\r\n")

    outcome = await ask(feed_server.script("/a", play))
    assert isinstance(outcome, Fetched) is (wanted == "text/html")
    assert len(feed_server.requests) == 2


# TLS and HTTP/2


class RawServer:
    """Answers every connection with what *play* writes to it."""

    def __init__(self, play: Callable[[Any], None], context: ssl.SSLContext | None = None) -> None:
        self._play, self._context = play, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with connection:
                    connection.settimeout(5)
                    if self._context is None:
                        self._play(connection)
                    else:
                        with self._context.wrap_socket(connection, server_side=True) as secured:
                            self._play(secured)
            except OSError:
                pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    servers: list[RawServer] = []

    def start(play: Callable[[Any], None], context: ssl.SSLContext | None = None) -> RawServer:
        servers.append(RawServer(play, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def speak_http2(connection: Any) -> None:
    """Answer one request over HTTP/2 without parsing it: `:status: 200` is entry 8 of HPACK's static table."""
    connection.sendall(frame(4, 0, 0))
    received = b""
    while b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" not in received or len(received) < 40:
        data = connection.recv(65536)
        if not data:
            return
        received += data
        if not received.startswith(b"PRI"[: len(received)]):
            return
    connection.sendall(frame(4, 1, 0) + frame(1, 4, 1, b"\x88") + frame(0, 1, 1, FEED))
    while connection.recv(65536):
        pass


def plain_answer(connection: Any) -> None:
    connection.recv(65536)
    connection.sendall(OK + LENGTH + b"Connection: close\r\n\r\n" + FEED)


@needs_openssl
async def test_an_own_authority_is_trusted_where_it_is_named(
    authority: Path, serve: Callable[..., RawServer], ask: Ask
) -> None:
    url = f"https://localhost:{serve(plain_answer, context_of(authority)).port}/a"
    outcome = failed(await ask(url))
    assert outcome.kind is FailureKind.TLS
    assert "ca_file" in outcome.message
    assert isinstance(await ask(url, replace(OWN, ca_file=str(authority / "ca.pem"))), Fetched)
    # An open connection does not bypass the check.
    assert failed(await ask(url)).kind is FailureKind.TLS
    wrong_name = url.replace("localhost", "127.0.0.1")
    assert failed(await ask(wrong_name, replace(OWN, ca_file=str(authority / "ca.pem")))).kind is FailureKind.TLS


@needs_openssl
async def test_the_environment_may_name_the_authorities(
    authority: Path, serve: Callable[..., RawServer], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    url = f"https://localhost:{serve(plain_answer, context_of(authority)).port}/a"
    assert isinstance(await ask(url), Fetched)


async def test_a_file_of_authorities_that_cannot_be_used_is_named(tmp_path: Path, ask: Ask) -> None:
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("no certificate")
    outcome = failed(await ask("https://localhost:9/", replace(OWN, ca_file=str(missing))))
    assert (outcome.kind, outcome.message) == (
        FailureKind.TLS,
        f"ca_file {missing} cannot be read: No such file or directory",
    )
    assert "has no certificate" in failed(await ask("https://localhost:9/", replace(OWN, ca_file=str(empty)))).message


@needs_openssl
async def test_a_server_may_insist_on_http2(authority: Path, serve: Callable[..., RawServer], ask: Ask) -> None:
    access = replace(OWN, ca_file=str(authority / "ca.pem"))
    secured = serve(speak_http2, context_of(authority, "h2"))
    outcome = await ask(f"https://localhost:{secured.port}/a", access)
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == FEED


async def test_a_plain_server_may_insist_on_http2(serve: Callable[..., RawServer], ask: Ask) -> None:
    outcome = await ask(f"http://127.0.0.1:{serve(speak_http2).port}/a")
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == FEED


@needs_openssl
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(frame(3, 0, 1, (2).to_bytes(4)), id="the stream is reset"),
        pytest.param(frame(1, 4, 1, b"\x88") + frame(0, 0, 1, FEED[:9]) + frame(3, 0, 1, (2).to_bytes(4)), id="later"),
        pytest.param(frame(1, 5, 1, b"\x88\x00\x03A B\x01x"), id="an invalid header"),
    ],
)
async def test_a_server_that_breaks_http2_is_asked_over_http1(
    authority: Path, serve: Callable[..., RawServer], ask: Ask, fault: bytes
) -> None:
    def play(connection: ssl.SSLSocket) -> None:
        if connection.selected_alpn_protocol() != "h2":
            plain_answer(connection)
            return
        received = b""
        while len(received) < 60:
            received += connection.recv(65536)
        connection.sendall(frame(4, 0, 0) + frame(4, 1, 0) + fault)
        connection.recv(65536)

    server = serve(play, context_of(authority, "h2", "http/1.1"))
    outcome = await ask(f"https://localhost:{server.port}/a", replace(OWN, ca_file=str(authority / "ca.pem")))
    assert isinstance(outcome, Fetched), outcome
    assert (outcome.body, server.connections) == (FEED, 2)


@needs_openssl
async def test_tls_may_end_without_saying_so(authority: Path, serve: Callable[..., RawServer], ask: Ask) -> None:
    def play(connection: ssl.SSLSocket) -> None:
        connection.recv(65536)
        connection.sendall(OK + CLOSE + FEED)
        connection.shutdown(socket.SHUT_RDWR)

    server = serve(play, context_of(authority))
    outcome = await ask(f"https://localhost:{server.port}/a", replace(OWN, ca_file=str(authority / "ca.pem")))
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == FEED


async def test_a_connection_opened_with_permission_is_not_used_without(feed_server: FeedServer, ask: Ask) -> None:
    url = feed_server.publish("/a", FEED)
    assert isinstance(await ask(url), Fetched)
    assert failed(await ask(url, Access())).kind is FailureKind.REFUSED_ADDRESS
    assert len(feed_server.requests) == 1


async def test_a_machine_without_file_descriptors_does_not_blame_the_server(
    feed_server: FeedServer, ask: Ask, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    url = feed_server.publish("/feed", FEED)

    def fail(*args: object) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("aggregator.fetch.curl_transport.socket.socket", fail)
    outcome = failed(await ask(url))
    monkeypatch.undo()
    assert outcome.message == "this machine could not open a connection: Too many open files"
    assert outcome.kind is FailureKind.NETWORK
    assert capfd.readouterr().err == ""
