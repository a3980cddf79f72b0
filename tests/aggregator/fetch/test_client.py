"""Outcomes of requests to servers, well-behaved or not."""

from __future__ import annotations

import asyncio
import gzip
import sys
import tomllib
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import httpx
import pytest

from aggregator.fetch import USER_AGENT, Access, Client, fetch, fresh_for, retry_after, user_agent
from aggregator.fetch.decompress import unpack
from aggregator.fetch.errors import FetchError
from aggregator.fetch.headers import holds_for, if_none_match, requested_wait, single, validators
from aggregator.model import Failed, FailureKind, Fetched, Limits, NotModified, Outcome, Validators
from aggregator.text.ip_addresses import is_public
from tests.feedserver import FeedServer, Wire

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = Access(frozenset({"127.0.0.1"}), "127.0.0.1")
LIMITS = Limits(feed_bytes=100_000, fetch=timedelta(seconds=10))
FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
GET = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(LIMITS) as client:
        yield client


async def ask(client: Client, url: str, limits: Limits = LIMITS, access: Access = OWN, **more: object) -> Outcome:
    return await fetch(client, url, limits=limits, now=NOON, access=access, **more)  # type: ignore[arg-type]


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert outcome.message.isprintable()
    return outcome


async def test_a_document_comes_with_its_validators(feed_server: FeedServer, client: Client) -> None:
    url = feed_server.publish("/a", FEED, etag='"v1"', last_modified="Sun, 01 Mar 2026 09:00:00 GMT")
    outcome = await ask(client, url)
    assert outcome == Fetched(
        body=FEED,
        content_type="application/rss+xml; charset=utf-8",
        url=url,
        validators=Validators('"v1"', "Sun, 01 Mar 2026 09:00:00 GMT"),
        wire_bytes=len(FEED),
    )
    assert isinstance(outcome, Fetched)
    again = await ask(client, url, validators=outcome.validators)
    assert again == NotModified(validators=outcome.validators)
    assert feed_server.requests[-1].headers["If-None-Match"] == '"v1"'
    assert feed_server.requests[-1].headers["If-Modified-Since"] == "Sun, 01 Mar 2026 09:00:00 GMT"


async def test_it_says_who_it_is_and_what_it_can_unpack(feed_server: FeedServer, client: Client) -> None:
    url = feed_server.publish("/a", FEED, compressed=True)
    outcome = await ask(client, url, user_agent="Custom/1", headers=[("X-Key", "secret")])
    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED
    sent = feed_server.requests[-1].headers
    assert (sent["User-Agent"], sent["Accept-Encoding"], sent["X-Key"]) == ("Custom/1", "gzip, br, zstd", "secret")


LONG = FEED * 1_000
PACKED = {
    "gzip": gzip.compress(LONG),
    "X-GZip": gzip.compress(LONG[:20]) + gzip.compress(LONG[20:]) + b"\0\0",
    "br": brotli.compress(LONG),
    "zstd": zstd.compress(LONG[:20]) + zstd.compress(LONG[20:]),
    "identity": LONG,
}


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_document_may_come_packed_also_in_several_parts(
    feed_server: FeedServer, client: Client, encoding: str
) -> None:
    outcome = await ask(client, feed_server.answer("/a", 200, PACKED[encoding], {"Content-Encoding": encoding}))
    assert isinstance(outcome, Fetched)
    same = outcome.body == LONG
    assert (same, outcome.wire_bytes) == (True, len(PACKED[encoding]))


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: bomb(50),
    "br": lambda: brotli.compress(b"A" * 50_000_000, quality=1),
    "zstd": lambda: zstd.compress(b"A" * 50_000_000),
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_is_unpacked_in_small_steps(encoding: str) -> None:
    packed = BOMBS[encoding]()
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match=r"larger than 0\.1 MB"):
            unpack(packed, encoding, 100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Brotli emits whole blocks, the last of which may exceed the limit.
    assert peak < 2_000_000


async def test_cookies_are_never_stored(feed_server: FeedServer, client: Client) -> None:
    url = feed_server.answer("/a", 200, FEED, {"Set-Cookie": "seen=1; Path=/"})
    await ask(client, url)
    await ask(client, url)
    assert feed_server.requests[-1].headers["Cookie"] is None


@pytest.mark.parametrize("value", ["gr\u00fc\u00df", "x" * 5_000])
async def test_an_unusable_etag_is_dropped(feed_server: FeedServer, client: Client, value: str) -> None:
    outcome = await ask(client, feed_server.answer("/a", 200, FEED, {"ETag": value}))
    assert isinstance(outcome, Fetched)
    assert outcome.validators == Validators()


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (404, FailureKind.STATUS, "404 Not Found"),
        (410, FailureKind.GONE, "410 Gone"),
        (500, FailureKind.STATUS, "500 Internal Server Error"),
        (799, FailureKind.STATUS, "799, a status that HTTP does not know"),
        (304, FailureKind.STATUS, "304 Not Modified in response to an unconditional request"),
        (200, FailureKind.BAD_TRANSFER, "200 with an empty body"),
    ],
)
async def test_a_status_gives_a_clear_message(
    feed_server: FeedServer, client: Client, status: int, kind: FailureKind, expected: str
) -> None:
    outcome = failed(await ask(client, feed_server.answer("/a", status)))
    assert (outcome.kind, outcome.message, outcome.status) == (kind, expected, status)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta()),
        ("12.7", timedelta(seconds=13)),
        ("60s", timedelta(minutes=1)),
        ('"60"', timedelta(minutes=1)),
        ("1772370000", timedelta(hours=1)),  # seconds since 1970
        ("1772360000", None),
        ("Sun, 01 Mar 2026 13:00:00 GMT", timedelta(hours=1)),
        ("2026-03-01T13:00:00Z", timedelta(hours=1)),
        ("999999", timedelta(hours=24)),
        ("9" * 4_400, None),
        ("-5", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("Sun, 99 Mar 99999 99:99:99 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: timedelta | None) -> None:
    assert retry_after(value, NOON) == expected


@pytest.mark.parametrize(
    ("cache_control", "expires", "expected"),
    [
        ("max-age=600", "", timedelta(minutes=10)),
        ("public, Max-Age=600, must-revalidate", "Sun, 01 Mar 2026 13:00:00 GMT", timedelta(minutes=10)),
        ("", "Sun, 01 Mar 2026 13:00:00 GMT", timedelta(hours=1)),
        ("", "Sun, 01 Mar 2026 11:00:00 GMT", timedelta()),
        ("", "0", timedelta()),
        ("", "-1", timedelta()),
        ("max-age=99999999999999999999", "", timedelta(hours=24)),
        ("max-age=-1", "", None),
        ("no-cache, max-age=600", "", timedelta()),
        ("private", "", None),
        ("", "", None),
    ],
)
def test_the_freshness_of_a_response_follows_its_cache_headers(
    cache_control: str, expires: str, expected: timedelta | None
) -> None:
    assert fresh_for(cache_control, expires, NOON) == expected


def response(status: int = 200, *headers: tuple[str, str | bytes]) -> httpx.Response:
    raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]
    return httpx.Response(status, headers=raw)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Cache-Control", "max-age=3600"), ("Age", "3000")], timedelta(minutes=10)),
        ([("Cache-Control", "max-age=60"), ("Age", "3000")], timedelta()),
        ([("Cache-Control", "max-age=60"), ("Age", "soon")], timedelta(minutes=1)),
        # A server whose clock is six hours ahead.
        (
            [("Date", "Sun, 01 Mar 2026 18:00:00 GMT"), ("Expires", "Sun, 01 Mar 2026 18:10:00 GMT")],
            timedelta(minutes=10),
        ),
        ([("Date", "today"), ("Expires", "Sun, 01 Mar 2026 12:10:00 GMT")], timedelta(minutes=10)),
        ([("Date", "Sun, 01 Mar 2026 18:00:00 GMT")], None),
    ],
)
def test_freshness_counts_from_when_the_server_made_the_response(
    headers: list[tuple[str, str]], expected: timedelta | None
) -> None:
    assert holds_for(response(200, *headers), NOON) == expected


@pytest.mark.parametrize(
    ("status", "headers", "minutes"),
    [
        (429, [("Retry-After", "60"), ("Retry-After", "60")], 1),
        (429, [("Retry-After", "60"), ("X-RateLimit-Reset", "300")], 1),
        (429, [("X-RateLimit-Reset", "300")], 5),
        (429, [("X-RateLimit-Remaining", "0.0"), ("X-RateLimit-Reset", "299.5")], 5),
        (429, [("RateLimit-Reset", "300")], 5),
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1772366700")], 5),
        (403, [("X-RateLimit-Remaining", "41"), ("X-RateLimit-Reset", "300")], None),
        (503, [("Date", "Sun, 01 Mar 2026 18:00:00 GMT"), ("Retry-After", "Sun, 01 Mar 2026 18:05:00 GMT")], 5),
        (404, [], None),
    ],
)
def test_a_server_says_when_to_come_back(status: int, headers: list[tuple[str, str]], minutes: int | None) -> None:
    expected = None if minutes is None else timedelta(minutes=minutes)
    assert requested_wait(response(status, *headers), NOON) == expected


@pytest.mark.parametrize(
    ("modified", "kept"),
    [
        ("Sun, 01 Mar 2026 11:00:00 GMT", True),
        ("Sun, 01 Mar 2026 14:00:00 GMT", True),  # local time that is called GMT
        ("Fri, 16 Nov 2040 19:11:00 GMT", False),
        ("Thu, 01 Jan 1970 00:00:01 GMT", False),
        ("Tue, 01 Jan 1980 00:00:00 GMT", False),
        ("a while ago", True),
    ],
)
def test_a_last_modified_that_says_nothing_is_not_sent_back(modified: str, kept: bool) -> None:
    found = validators(response(200, ("Last-Modified", modified), ("ETag", '"a"'), ("ETag", '"a"')), NOON)
    assert found == Validators('"a"', modified if kept else "")


@pytest.mark.parametrize(
    ("etag", "sent"),
    [
        ('"abc"', '"abc"'),
        ('"abc-gzip"', '"abc-gzip", "abc"'),
        ('"abc--gzip"', '"abc--gzip", "abc"'),
        ('W/"abc-br"', 'W/"abc-br", W/"abc"'),
        ('"abc;gzip"', '"abc;gzip", "abc"'),
        ("abc-gzip", "abc-gzip"),
    ],
)
def test_an_etag_is_sent_with_and_without_its_coding(etag: str, sent: str) -> None:
    assert if_none_match(etag) == sent


async def test_a_304_may_bring_another_etag(feed_server: FeedServer, client: Client) -> None:
    url = feed_server.answer("/a", 304, headers={"ETag": '"v2"'})
    before = Validators('"v1"', "Sun, 01 Mar 2026 09:00:00 GMT")
    outcome = await ask(client, url, validators=before)
    assert outcome == NotModified(validators=Validators('"v2"'))
    assert before.updated(outcome.validators) == Validators('"v2"', before.last_modified)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Location", "/end"), ("Location", "/end")], "/end"),
        ([("Location", "/石"), ("X-Place", b"K\xf6ln")], "/石"),
        ([("Location", b"/caf\xe9")], "/café"),
        ([], ""),
    ],
)
def test_a_header_is_read_by_itself(headers: list[tuple[str, str | bytes]], expected: str) -> None:
    assert single(response(302, *headers), "Location") == expected


def test_requests_name_the_version_of_the_program() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    product = "Groundswell/" + ".".join(project["version"].split(".")[:2])
    assert USER_AGENT.startswith(product + " ")
    assert user_agent("https://news.example.org").startswith(product + " ")


def test_the_user_agent_contains_the_sites_address_if_it_is_public() -> None:
    assert "+https://news.example.org" in user_agent("https://news.example.org")
    for site in ("http://127.0.0.1:8000", "http://localhost:8000", "http://news.lan", "http://192.168.1.4"):
        assert user_agent(site) == USER_AGENT


async def test_requests_to_one_host_keep_their_distance() -> None:
    own = Access(frozenset({"own.example"}))
    limits = replace(LIMITS, per_host=5, per_host_pause=timedelta(seconds=0.03))
    client = Client(limits)
    loop = asyncio.get_running_loop()
    begun: list[float] = []

    async def ask_it(name: str) -> None:
        async with client.turn(name, own):
            begun.append(loop.time())

    start = loop.time()
    await asyncio.gather(*(ask_it("a.example") for _ in range(2)))
    await ask_it("a.example")
    assert [at - start >= 0.029 * number for number, at in enumerate(begun)] == [True] * 3
    begun.clear()
    await asyncio.gather(*(ask_it("own.example") for _ in range(3)), ask_it("b.example"))
    assert len(begun) == 4


async def test_a_server_that_is_busy_says_for_how_long(feed_server: FeedServer, client: Client) -> None:
    outcome = failed(await ask(client, feed_server.answer("/a", 429, headers={"Retry-After": "3600"})))
    assert outcome.retry_after == timedelta(hours=1)


async def test_only_a_permanent_chain_is_a_move(feed_server: FeedServer, client: Client) -> None:
    end = feed_server.publish("/end", FEED, etag='"v1"')
    feed_server.redirect("/b", "/end", 308)
    moved = await ask(client, feed_server.redirect("/a", "/b", 301))
    assert isinstance(moved, Fetched)
    assert (moved.url, moved.moved_to) == (end, end)
    again = await ask(client, feed_server.url("/a"), validators=moved.validators)
    assert again == NotModified(end, validators=moved.validators)
    feed_server.redirect("/b", "/end", 302)
    fetched = await ask(client, feed_server.url("/a"))
    assert isinstance(fetched, Fetched)
    assert (fetched.url, fetched.moved_to) == (end, "")


@pytest.mark.parametrize(
    ("to", "kind", "expected"),
    [
        ("/a", FailureKind.REDIRECTS, "too many redirects"),
        ("", FailureKind.REDIRECTS, "without a Location"),
        ("http://[::1", FailureKind.REDIRECTS, "redirect"),
        ("file:///etc/passwd", FailureKind.REDIRECTS, "refused: file"),
        ("http://127.0.0.2:9/secret", FailureKind.REFUSED_ADDRESS, "private"),
        ("http://127.1:9/secret", FailureKind.REFUSED_ADDRESS, "refused"),
        ("http://169.254.169.254/latest/", FailureKind.REFUSED_ADDRESS, "private"),
    ],
)
async def test_a_bad_redirect_is_not_followed(
    feed_server: FeedServer, client: Client, to: str, kind: FailureKind, expected: str
) -> None:
    outcome = failed(await ask(client, feed_server.redirect("/a", to)))
    assert outcome.kind is kind
    assert expected in outcome.message
    assert feed_server.request_count("/a") == 1


async def test_a_backslash_in_a_redirect_is_a_slash(feed_server: FeedServer, client: Client) -> None:
    feed_server.publish("/b/end?a=%5C", FEED)
    outcome = await ask(client, feed_server.redirect("/a", "\\b\\end?a=\\"))
    assert isinstance(outcome, Fetched)
    assert outcome.url == feed_server.url("/b/end?a=%5C")


async def test_redirects_end_at_the_limit(feed_server: FeedServer, client: Client) -> None:
    for number in range(20):
        feed_server.redirect(f"/{number}", f"/{number + 1}")
    assert "more than 8" in failed(await ask(client, feed_server.url("/0"))).message
    assert len(feed_server.requests) == 9


async def test_own_headers_go_to_their_own_scheme_host_and_port_only(feed_server: FeedServer, client: Client) -> None:
    access = Access(frozenset({"127.0.0.1", "localhost"}))
    secret = [("Authorization", "secret")]
    feed_server.publish("/end", FEED)
    feed_server.redirect("/there", "/end")
    with FeedServer() as other:
        other.redirect("/back", feed_server.url("/end"))
        for target in (f"http://localhost:{feed_server.port}/end", other.url("/back"), "/there"):
            url = feed_server.redirect("/a", target)
            assert isinstance(await ask(client, url, access=access, headers=secret), Fetched)
        sent = [(request.path, request.headers["Authorization"]) for request in feed_server.requests]
        assert sent == [
            *(("/a", "secret"), ("/end", None)),  # another host
            *(("/a", "secret"), ("/end", "secret")),  # back from another port
            *(("/a", "secret"), ("/there", "secret"), ("/end", "secret")),
        ]
        assert [request.headers["Authorization"] for request in other.requests] == [None]


async def test_a_feed_that_moved_for_good_does_not_take_the_headers_along(
    feed_server: FeedServer, client: Client
) -> None:
    url = feed_server.publish("/a", FEED)
    headers = [("Authorization", "secret")]
    assert isinstance(await ask(client, url, headers=headers, home="http://127.0.0.1:9/old"), Fetched)
    assert feed_server.requests[-1].headers["Authorization"] is None


SPELLINGS = [
    *(
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.2",
        "0.0.0.0",
    ),
    *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127\u30020\u30020\u30022"),
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_a_private_address_is_refused_in_every_spelling(
    feed_server: FeedServer, client: Client, host: str
) -> None:
    outcome = failed(await ask(client, f"http://{host}:{feed_server.port}/a"))
    assert outcome.kind is FailureKind.REFUSED_ADDRESS
    assert feed_server.requests == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://news.example/", "use http or https"),
        ("", "not a usable address"),
        ("http://", "not a usable address"),
        ("http://news.example:99999/", "not a usable address"),
        ("http://me:secret@127.0.0.1/", "an address with a user name: http://127.0.0.1/"),
    ],
)
async def test_an_invalid_address_is_not_requested(client: Client, url: str, expected: str) -> None:
    outcome = failed(await ask(client, url))
    assert outcome.kind is FailureKind.BAD_URL
    assert expected in outcome.message


def test_the_rule_for_addresses() -> None:
    refused = (
        "127.0.0.2 0.0.0.0 10.1.2.3 100.64.0.1 169.254.169.254 172.16.0.1 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1 "
        "::1 :: ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: fc00::1 fe80::1 fe80::1%eth0"
        " fec0::1 ff02::1 x"
    )
    assert [address for address in refused.split() if is_public(address)] == []
    assert all(map(is_public, ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"A" * 1_000_000) for _ in range(megabytes)) + packer.flush()


def endless(wire: Wire) -> None:
    wire.send(GET + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        wire.send(chunk(b"x" * 50_000))


def body(data: bytes, head: bytes = b"") -> bytes:
    return GET + head + b"Content-Length: %d\r\n\r\n" % len(data) + data


def wide(window_log: int) -> bytes:
    """Return zstd data that requires a very large window."""
    level, window = zstd.CompressionParameter.compression_level, zstd.CompressionParameter.window_log
    packer = zstd.ZstdCompressor(options={level: 3, window: window_log})
    return packer.compress(FEED) + packer.flush()


GZIP = b"Content-Encoding: gzip\r\n"
BR = b"Content-Encoding: br\r\n"
ZSTD = b"Content-Encoding: zstd\r\n"
FAULTS: dict[str, tuple[bytes | Callable[[Wire], None], FailureKind, str]] = {
    "endless": (endless, FailureKind.TOO_LARGE, "larger than 0.1 MB"),
    "too long": (body(b"x" * 100_001), FailureKind.TOO_LARGE, "larger than 0.1 MB"),
    "gzip bomb": (body(bomb(20), GZIP), FailureKind.TOO_LARGE, "larger than 0.1 MB"),
    "bad gzip": (body(gzip.compress(FEED)[:20] + b"\0" * 99, GZIP), FailureKind.BAD_TRANSFER, "gzip"),
    "not gzip": (body(b"\x00" * 60, GZIP), FailureKind.BAD_TRANSFER, "gzip data is corrupt"),
    "not br": (body(b"\xff" * 60, BR), FailureKind.BAD_TRANSFER, "br data is corrupt"),
    "not zstd": (body(b"\xff" * 60, ZSTD), FailureKind.BAD_TRANSFER, "zstd data is corrupt"),
    "half gzip": (body(gzip.compress(FEED)[:-20], GZIP), FailureKind.BAD_TRANSFER, "gzip"),
    "empty members": (body(gzip.compress(b"") * 1_001, GZIP), FailureKind.BAD_TRANSFER, "more than 1000 parts"),
    "br bomb": (body(brotli.compress(b"A" * 20_000_000, quality=1), BR), FailureKind.TOO_LARGE, "larger than 0.1 MB"),
    "half br": (body(brotli.compress(FEED)[:-9], BR), FailureKind.BAD_TRANSFER, "br data ends too early"),
    "br and more": (body(brotli.compress(FEED) + b"more", BR), FailureKind.BAD_TRANSFER, "br data is corrupt"),
    "zstd bomb": (body(zstd.compress(b"A" * 20_000_000), ZSTD), FailureKind.TOO_LARGE, "larger than 0.1 MB"),
    "half zstd": (body(zstd.compress(FEED)[:-9], ZSTD), FailureKind.BAD_TRANSFER, "zstd data ends too early"),
    "wide zstd": (body(wide(27), ZSTD), FailureKind.BAD_TRANSFER, "too much memory"),
    "empty frames": (body(zstd.compress(b"") * 1_001, ZSTD), FailureKind.BAD_TRANSFER, "more than 1000 parts"),
    "short": (GET + b"Content-Length: 900\r\n\r\n<rss>", FailureKind.BAD_TRANSFER, "after 5 of 900 bytes"),
    "bad chunk": (GET + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n<rss>", FailureKind.BAD_TRANSFER, "chunk"),
    "cut chunk": (GET + b"Transfer-Encoding: chunked\r\n\r\n50\r\n<rss>", FailureKind.BAD_TRANSFER, "incomplete"),
    "http 0.9": (FEED, FailureKind.BAD_TRANSFER, "HTTP"),
    "garbage": (b"\0\xff\x1b[31m\r\n\r\n", FailureKind.BAD_TRANSFER, "HTTP"),
    "nothing": (b"", FailureKind.BAD_TRANSFER, "closed"),
    "huge header": (GET + b"X: " + b"h" * 200_000 + b"\r\n\r\n", FailureKind.BAD_TRANSFER, "HTTP"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_broken_response_is_a_failure_with_a_message(
    feed_server: FeedServer, client: Client, name: str
) -> None:
    play, kind, expected = FAULTS[name]
    url = feed_server.script("/a", (lambda wire: wire.send(play)) if isinstance(play, bytes) else play)
    outcome = failed(await ask(client, url))
    assert (outcome.kind, expected in outcome.message) == (kind, True), outcome


async def test_silence_and_drips_end_at_the_deadline(feed_server: FeedServer, client: Client) -> None:
    def drip(wire: Wire) -> None:
        wire.send(GET + b"Content-Length: 900\r\n\r\n<rss>")
        wire.hold()

    limits = replace(LIMITS, fetch=timedelta(seconds=0.2))
    urls = [feed_server.script("/silent", Wire.hold), feed_server.script("/drip", drip)]
    for outcome in await asyncio.gather(*(ask(client, url, limits) for url in urls)):
        assert failed(outcome) == Failed(FailureKind.TIMEOUT, "timed out after 0.2 s")


async def test_a_plain_port_gives_a_tls_error_and_a_closed_one_no_connection(
    client: Client, feed_server: FeedServer
) -> None:
    url = feed_server.script("/a", lambda wire: None)
    assert failed(await ask(client, url.replace("http:", "https:"))).kind in (FailureKind.TLS, FailureKind.NETWORK)
    with FeedServer() as gone:
        closed = gone.url("/a")
    assert failed(await ask(client, closed)).kind is FailureKind.NETWORK


async def test_requests_to_one_host_are_limited() -> None:
    turn = Client(replace(LIMITS, per_host=2, per_host_pause=timedelta())).turn("news.example", OWN)
    async with turn, turn:
        third = asyncio.create_task(turn.__aenter__())
        await asyncio.sleep(0)
        assert not third.done()
    await third


async def test_silent_feeds_on_the_operators_own_host_do_not_hold_up_the_others(feed_server: FeedServer) -> None:
    limits = replace(LIMITS, per_host=2, fetch=timedelta(seconds=0.2))
    url = feed_server.script("/silent", Wire.hold)
    async with Client(limits) as client:
        await asyncio.gather(*(ask(client, url, limits) for _ in range(6)))
    assert len(feed_server.requests) == 6
