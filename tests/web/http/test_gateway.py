"""The layer between granian and the application, called directly; `test_server` runs the real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.web.newsroom import clock
from web.http.gateway import MAX_BUFFERED_PER_CLIENT, Gateway
from web.http.headers import HEADERS, MAX_BODY
from web.http.hints import WHOLE_EDITION, hints_of
from web.http.page_cache import PageCache
from web.http.request_metrics import RequestMetrics
from web.http.work_queue import MAX_WAITING_PER_CLIENT, THREADS

Environ = dict[str, Any]


class Headers:
    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = list(pairs)

    def get(self, key: str) -> str | None:
        return next(iter(self.get_all(key)), None)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._pairs if name == key]

    def items(self) -> list[tuple[str, str]]:
        return self._pairs


@dataclass
class Scope:
    method: str = "GET"
    path: str = "/"
    query_string: str = ""
    scheme: str = "http"
    client: str = "127.0.0.1:5000"
    server: str = "127.0.0.1:8000"
    proto: str = "http"
    http_version: str = "1.1"
    pairs: tuple[tuple[str, str], ...] = (("host", "127.0.0.1:8000"),)

    @property
    def headers(self) -> Headers:
        return Headers(self.pairs)


@dataclass
class Conversation:
    """A request's body, piece by piece, and the responses."""

    pieces: Iterable[bytes] = ()
    ends: bool = True
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if not self.ends:
            await asyncio.sleep(3600)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answers.append((status, {name.lower(): value for name, value in headers}, body))


class Application:
    """A WSGI application that records its environments."""

    def __init__(self) -> None:
        self.seen: list[Environ] = []
        self.slow: Future[Any] | None = None
        self.released = threading.Event()
        self.released.set()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(environ)
        self.released.wait(30)
        if environ["PATH_INFO"] == "/kept":
            hints_of(environ).keep_for = WHOLE_EDITION
        if environ["PATH_INFO"] == "/slow" and self.slow is not None and not self.slow.done():
            hints_of(environ).waits_for = self.slow
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read() or b"page"]


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.fixture
def make(app: Application) -> Iterator[Callable[..., Gateway]]:
    gateways: list[Gateway] = []

    def make(**options: Any) -> Gateway:
        cache = PageCache(
            app, clock=clock, edition=lambda: 1, looked_at=lambda *_: None, stale_s=60, edition_every_s=30
        )
        gateways.append(Gateway(cache, **options))
        return gateways[-1]

    yield make
    for gateway in gateways:
        gateway.close()


async def ask(gateway: Gateway, scope: Scope, **body: Any) -> tuple[int, dict[str, str], bytes]:
    conversation = Conversation(**body)
    await gateway.__rsgi__(scope, conversation)
    (answer,) = conversation.answers
    return answer


def post(*pairs: tuple[str, str], client: str = "127.0.0.1:5000") -> Scope:
    return Scope("POST", client=client, pairs=(("host", "127.0.0.1:8000"), *pairs))


async def test_refusals_are_worded_for_the_path(make: Callable[..., Gateway]) -> None:
    gateway = make(body_s=0.05, say=lambda message, path: f"{path}: {message.template}")
    late = await ask(gateway, post(("content-length", "6")), pieces=[b"abc"], ends=False)
    large = await ask(gateway, post(("content-length", "9000000")))
    assert late[2] == b"/: The request did not arrive within %(n)s seconds.\n"
    assert large[2] == b"/: Requests may have at most %(size)s.\n"


async def test_a_body_is_complete_before_the_application_is_called(
    make: Callable[..., Gateway], app: Application
) -> None:
    answer = await ask(make(), post(("content-length", "6")), pieces=[b"abc", b"def"])
    assert answer[0] == 200
    assert answer[2] == b"abcdef"
    assert app.seen[0]["CONTENT_LENGTH"] == "6"
    chunked = await ask(make(), post(("transfer-encoding", "chunked")), pieces=[b"abc"])
    assert chunked[2] == b"abc"
    assert "HTTP_TRANSFER_ENCODING" not in app.seen[1]


async def test_a_body_that_does_not_arrive_never_reaches_the_application(
    make: Callable[..., Gateway], app: Application
) -> None:
    status, headers, _ = await ask(make(body_s=0.05), post(("content-length", "6")), pieces=[b"abc"], ends=False)
    assert (status, headers["connection"]) == (408, "close")
    assert app.seen == []
    for name, value in HEADERS:
        assert headers[name.lower()] == value


@pytest.mark.parametrize(
    ("pair", "pieces"),
    [
        (("content-length", "6"), [b"abc", b""]),
        (("content-length", "6"), [b"abc", b"", b""]),
        (("transfer-encoding", "chunked"), [b"abc", b"", b""]),
    ],
)
async def test_an_incomplete_body_never_reaches_the_application(
    make: Callable[..., Gateway], app: Application, pair: tuple[str, str], pieces: list[bytes]
) -> None:
    status, headers, _ = await ask(make(), post(pair), pieces=pieces)
    assert (status, headers["connection"]) == (400, "close")
    assert app.seen == []
    assert (await ask(make(), post(("transfer-encoding", "chunked")), pieces=[b"abc", b""]))[2] == b"abc"


@pytest.mark.parametrize(
    "pairs", [(("content-length", str(MAX_BODY + 1)),), (("transfer-encoding", "chunked"),)], ids=["stated", "chunked"]
)
async def test_a_body_that_is_too_large_is_refused(
    make: Callable[..., Gateway], app: Application, pairs: tuple[tuple[str, str], ...]
) -> None:
    status, _, _ = await ask(make(), post(*pairs), pieces=[b"x" * 400_000] * 3)
    assert status == 413
    assert app.seen == []


async def test_bodies_that_are_arriving_have_a_budget_for_each_client(make: Callable[..., Gateway]) -> None:
    gateway = make(body_s=5)
    waiting = [
        asyncio.create_task(ask(gateway, post(("content-length", "999999")), pieces=[b"x" * 999_000], ends=False))
        for _ in range(MAX_BUFFERED_PER_CLIENT // 999_000)
    ]
    await asyncio.sleep(0.01)
    form = post(("content-length", "9000"))
    assert (await ask(gateway, form, pieces=[b"x" * 9_000]))[0] == 429
    elsewhere = post(("content-length", "9000"), client="192.0.2.1:5000")
    assert (await ask(gateway, elsewhere, pieces=[b"x" * 9_000]))[0] == 200
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await ask(gateway, form, pieces=[b"x" * 9_000]))[0] == 200, "what was given up counts no more"


async def test_a_client_with_too_many_waiting_requests_gets_a_retry_after(
    make: Callable[..., Gateway], app: Application
) -> None:
    gateway = make()
    app.released.clear()
    requests = [Scope(client="192.0.2.1:5000") for _ in range(THREADS + MAX_WAITING_PER_CLIENT)]
    waiting = [asyncio.create_task(ask(gateway, scope)) for scope in requests]
    try:
        await asyncio.sleep(0)
        status, headers, body = await ask(gateway, Scope(client="192.0.2.1:5001"))
        assert (status, headers["retry-after"]) == (429, "5")
        assert b"Too many requests" in body
    finally:
        app.released.set()
    assert {status for status, _, _ in await asyncio.gather(*waiting)} == {200}


async def test_a_cached_page_is_served_without_the_application_or_a_thread(
    make: Callable[..., Gateway], app: Application
) -> None:
    gateway = make()
    first = await ask(gateway, Scope(path="/kept"))
    threads = threading.active_count()
    assert await ask(gateway, Scope(path="/kept")) == (200, first[1], b"page")
    assert len(app.seen) == 1
    assert threading.active_count() == threads
    scope = Scope(path="/kept", pairs=(("host", "127.0.0.1:8000"), ("if-none-match", first[1]["etag"])))
    assert (await ask(gateway, scope))[0] == 304
    secure = Scope(path="/kept", scheme="https")
    await ask(gateway, secure)
    assert len(app.seen) == 2, "by HTTPS it is another page"


@pytest.mark.parametrize(
    ("pairs", "version", "status"),
    [
        ((("host", "127.0.0.1:8000"), ("host", "127.0.0.1:8000")), "1.1", 400),
        ((("host", "127.0.0.1:8000"), ("host", "other.example")), "2", 400),
        ((), "1.1", 400),
        ((), "1.0", 200),
        ((), "2", 200),
    ],
)
async def test_a_request_has_one_host(
    make: Callable[..., Gateway], pairs: tuple[tuple[str, str], ...], version: str, status: int
) -> None:
    gateway = make()
    await ask(gateway, Scope(path="/kept"))
    assert (await ask(gateway, Scope(path="/kept", pairs=pairs, http_version=version)))[0] == status


async def test_answers_and_refusals_are_counted(make: Callable[..., Gateway]) -> None:
    metrics = RequestMetrics()
    gateway = make(metrics=metrics, body_s=0.05)
    for _ in range(3):
        await ask(gateway, Scope(path="/kept"))
    await ask(gateway, post(("content-length", "6")), ends=False)
    value = metrics.registry.get_sample_value
    assert value("groundswell_kept_answers_total") == 2
    assert value("groundswell_request_duration_seconds_count") == 1
    assert value("groundswell_refused_requests_total", {"status": "408"}) == 1


async def test_an_invalid_authorization_does_not_bypass_the_cache(
    make: Callable[..., Gateway], app: Application
) -> None:
    gateway = make()
    for token in ("", "Bearer a", "Bearer b", "Basic eA=="):
        await ask(gateway, Scope(path="/kept", pairs=(("host", "127.0.0.1:8000"), ("authorization", token))))
    assert len(app.seen) == 1


async def test_a_view_that_waits_is_called_again_when_it_can_answer(
    make: Callable[..., Gateway], app: Application
) -> None:
    app.slow = Future()
    task = asyncio.create_task(ask(make(), Scope(path="/slow")))
    while not app.seen:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    assert not task.done()
    app.slow.set_result(None)
    assert (await task)[0] == 200
    assert len(app.seen) == 2


async def test_forwarded_headers_count_in_one_spelling_and_from_our_own_proxies_only(
    make: Callable[..., Gateway], app: Application
) -> None:
    pairs = (
        ("host", "127.0.0.1:8000"),
        ("x_forwarded_for", "203.0.113.66"),
        ("x-forwarded-for", "203.0.113.66, 198.51.100.7"),
        ("x-forwarded-proto", "https"),
        ("proxy", "http://evil.example"),
    )
    await ask(make(proxies=1), Scope(pairs=pairs))
    await ask(make(), Scope(pairs=pairs))
    behind, alone = app.seen
    assert (behind["REMOTE_ADDR"], behind["wsgi.url_scheme"]) == ("198.51.100.7", "https")
    assert (alone["REMOTE_ADDR"], alone["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert behind["HTTP_X_FORWARDED_FOR"] == "203.0.113.66, 198.51.100.7"
    assert "HTTP_PROXY" not in behind
