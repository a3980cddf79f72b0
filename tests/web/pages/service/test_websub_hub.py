"""The hub from end to end: a site, a worker's step, and a subscriber's server on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import feedparser
import pytest
from flask.testing import FlaskClient

from aggregator import websub_protocol
from aggregator.model import Config, Limits, Site
from aggregator.store import Store
from tests.web.conftest import Clock
from tests.web.newsroom import NOW, Newsroom
from web.http.headers import CSP_DATA
from web.pages.service import websub_hub as hub_page
from web.websub import subscriber_calls
from web.websub.publisher import Publisher
from web.websub.rendering import Document, FeedRenderer

TOPIC = "http://127.0.0.1:8000/trending.rss"
MINUTE = timedelta(minutes=1)


@dataclass
class Subscriber:
    """A server that confirms requests and stores deliveries."""

    confirms: bool = True
    status: int = 200
    queries: list[dict[str, str]] = field(default_factory=list)
    got: list[tuple[Message, bytes]] = field(default_factory=list)
    url: str = ""

    def form(self, **more: str) -> dict[str, str]:
        return {
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.callback": f"{self.url}/cb?me=1",
            "hub.secret": "s3cret",
            **{f"hub.{name}": value for name, value in more.items()},
        }


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    receiver = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            receiver.queries.append(query)
            body = query.get("hub.challenge", "").encode() if receiver.confirms else b"no"
            self.send_response(200 if receiver.confirms else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.headers, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def allowed(config: Config, subscriber: Subscriber) -> Config:
    """Settings that allow the subscriber's callback."""
    named = Limits(allow_private_callbacks=(f"{subscriber.url}/",), fetch=timedelta(seconds=5))
    return replace(config, limits=named)


@pytest.fixture
async def publisher(tmp_path: Path, store: Store, allowed: Config, later: Clock) -> AsyncIterator[Publisher]:
    async with Publisher(
        allowed, store=store, renderer=FeedRenderer(tmp_path / "news.db", later), ticks=lambda: 0.0
    ) as publisher_client:
        yield publisher_client


async def run(publisher: Publisher, at: datetime) -> None:
    """Let the worker take two steps and wait for their calls: the first finds changes, the second delivers."""
    for _ in range(2):
        await publisher.step(at)
        await publisher.settle()


def test_every_feed_names_the_hub(full: FlaskClient) -> None:
    for form in ("rss", "atom", "json"):
        answer = full.get(f"/trending.{form}")
        assert answer.headers["Link"].startswith(
            f'<http://localhost/hub>; rel="hub", <http://localhost/trending.{form}>; rel="self"'
        )
        if form == "json":
            assert answer.get_json()["hubs"] == [{"type": "WebSub", "url": "http://localhost/hub"}]
        else:
            links = feedparser.parse(answer.data).feed.links
            assert [address.href for address in links if address.rel == "hub"] == ["http://localhost/hub"]


def test_answers_of_the_hub_are_neither_cached_nor_run(site: FlaskClient) -> None:
    answer = site.post("/hub", data={"hub.mode": "publish"})
    assert answer.status_code == 400
    assert answer.text.startswith("hub.mode ")
    assert answer.headers["Content-Security-Policy"] == CSP_DATA
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_subscriber_is_verified_first_and_then_gets_signed_updates(
    site: FlaskClient, room: Newsroom, publisher: Publisher, subscriber: Subscriber
) -> None:
    room.story("Before", ["seedbed"])
    room.rank()
    assert site.post("/hub", data=subscriber.form(lease_seconds="3600")).status_code == 202
    assert not subscriber.queries, "the site itself calls nobody"
    await run(publisher, NOW)
    (query,) = subscriber.queries
    assert query.pop("hub.challenge")
    assert query == {"me": "1", "hub.mode": "subscribe", "hub.topic": TOPIC, "hub.lease_seconds": "3600"}

    await run(publisher, NOW)
    assert not subscriber.got, "what was there before is no news"
    room.story("Just in", ["seedbed"], trend=9)
    room.rank()
    await run(publisher, NOW + MINUTE)
    await run(publisher, NOW + MINUTE)
    ((headers, body),) = subscriber.got
    assert headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert 'rel="hub"' in headers["Link"]
    assert f'<{TOPIC}>; rel="self"' in headers["Link"]
    assert websub_protocol.is_signed(headers["X-Hub-Signature"], "s3cret", body)
    assert not websub_protocol.is_signed(headers["X-Hub-Signature"], "other", body)
    assert body == site.get("/trending.rss", base_url="http://127.0.0.1:8000").data
    assert [address.title for address in feedparser.parse(body).entries] == ["Just in", "Before"]


async def test_order_views_and_scores_are_not_changes_of_a_feed(
    site: FlaskClient, store: Store, room: Newsroom, publisher: Publisher, subscriber: Subscriber
) -> None:
    first, second = room.story("One", ["seedbed"], trend=3), room.story("Two", ["seedbed"], trend=2)
    room.rank()
    site.post("/hub", data=subscriber.form())
    await run(publisher, NOW)
    with store.transaction():
        # Another order, and an item that dropped off the end.
        store.stories.rank({"": [(second, 0.5), (first, 0.4)]})
        store.feedback.add_views({first: 5}, NOW.date())
        store.state.next_edition()
    await run(publisher, NOW + MINUTE)
    with store.transaction():
        store.stories.rank({"": [(second, 0.5)]})
        store.state.next_edition()
    await run(publisher, NOW + 2 * MINUTE)
    assert not subscriber.got


async def test_who_does_not_confirm_gets_nothing(
    site: FlaskClient, store: Store, room: Newsroom, publisher: Publisher, subscriber: Subscriber
) -> None:
    subscriber.confirms = False
    site.post("/hub", data=subscriber.form())
    await run(publisher, NOW)
    assert store.websub_requests.counts() == (0, 0)


async def test_a_lease_ends_unless_it_is_renewed(
    site: FlaskClient, store: Store, publisher: Publisher, subscriber: Subscriber, later: Clock
) -> None:
    site.post("/hub", data=subscriber.form(lease_seconds="600"))
    await run(publisher, NOW)
    site.post("/hub", data=subscriber.form(lease_seconds="1200"))
    await run(publisher, NOW + 5 * MINUTE)
    assert store.websub_requests.counts() == (1, 0), "renewed, and not twice"
    await run(publisher, NOW + 24 * MINUTE)
    assert store.websub_requests.counts() == (1, 0)
    await run(publisher, NOW + 25 * MINUTE)
    assert store.websub_requests.counts() == (0, 0)


async def test_unsubscribing_is_verified_too_and_ends_deliveries(
    site: FlaskClient, store: Store, publisher: Publisher, subscriber: Subscriber
) -> None:
    site.post("/hub", data=subscriber.form())
    await run(publisher, NOW)
    subscriber.confirms = False
    site.post("/hub", data=subscriber.form(mode="unsubscribe"))
    await run(publisher, NOW)
    assert store.websub_requests.counts() == (1, 0), "somebody else asked"
    subscriber.confirms = True
    site.post("/hub", data=subscriber.form(mode="unsubscribe"))
    await run(publisher, NOW)
    assert store.websub_requests.counts() == (0, 0)


def test_a_feed_that_does_not_exist_is_refused_at_once(site: FlaskClient, subscriber: Subscriber) -> None:
    topic = "http://127.0.0.1:8000/category/nothing.rss"
    answer = site.post("/hub", data=subscriber.form(topic=topic))
    assert (answer.status_code, answer.text) == (
        400,
        "hub.topic must be one of this site's feeds, spelled as in its rel=self link.\n",
    )


async def test_a_feed_removed_meanwhile_is_denied_with_a_message(
    store: Store, publisher: Publisher, subscriber: Subscriber
) -> None:
    topic = "http://127.0.0.1:8000/category/nothing.rss"
    store.websub_requests.add(websub_protocol.read_request(subscriber.form(topic=topic)), NOW)
    await run(publisher, NOW)
    assert subscriber.queries == [
        {"me": "1", "hub.mode": "denied", "hub.topic": topic, "hub.reason": "there is no such feed here"}
    ]


async def test_a_failing_delivery_is_retried_with_back_off_and_then_abandoned(
    site: FlaskClient, store: Store, room: Newsroom, publisher: Publisher, subscriber: Subscriber
) -> None:
    site.post("/hub", data=subscriber.form())
    await run(publisher, NOW)
    room.story("Just in", ["seedbed"])
    room.rank()
    subscriber.status = 500
    at, tried = NOW, []
    for minutes in range(600):
        at = NOW + minutes * MINUTE
        before = len(subscriber.got)
        if minutes in (0, 1, 2, 3, 4, 7, 8, 15, 31, 63, 127, 255, 599):
            await run(publisher, at)
        tried += [minutes] * (len(subscriber.got) - before)
    assert tried == [0, 1, 3, 7, 15, 31, 63, 127], "given up after eight"
    subscriber.status = 200
    room.story("Newer", ["seedbed"])
    room.rank()
    await run(publisher, at)
    assert b"Newer" in subscriber.got[-1][1]
    assert store.websub_hub.due(at, 10) == []


async def test_a_gone_callback_is_removed(
    site: FlaskClient, store: Store, room: Newsroom, publisher: Publisher, subscriber: Subscriber
) -> None:
    site.post("/hub", data=subscriber.form())
    await run(publisher, NOW)
    room.story("Just in", ["seedbed"])
    room.rank()
    subscriber.status = 410
    await run(publisher, NOW)
    assert store.websub_requests.counts() == (0, 0)


async def test_a_private_callback_is_never_called_unless_it_is_allowed(
    site: FlaskClient, store: Store, tmp_path: Path, config: Config, later: Clock, subscriber: Subscriber
) -> None:
    async with Publisher(config, store=store, renderer=FeedRenderer(tmp_path / "news.db", later)) as strict:
        site.post("/hub", data=subscriber.form())
        await run(strict, NOW)
    assert not subscriber.queries
    assert store.websub_requests.counts() == (0, 0)


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "publish"},
        {"topic": ""},
        {"topic": "http://127.0.0.1:8000/trending"},
        {"topic": "http://elsewhere.example/trending.rss"},
        {"topic": "http://127.0.0.1:8000/trending.rss#x"},
        {"callback": "ftp://x.example/"},
        {"callback": "http://me:pw@x.example/"},
        {"callback": "http://x.example/" + "a" * 3000},
        {"secret": "x" * 200},
        {"lease_seconds": "soon"},
    ],
    ids=str,
)
def test_an_invalid_request_is_refused_immediately(site: FlaskClient, store: Store, more: dict[str, str]) -> None:
    answer = site.post("/hub", data=Subscriber(url="https://me.example").form(**more))
    assert answer.status_code == 400
    assert answer.content_type.startswith("text/plain")
    assert store.websub_requests.counts() == (0, 0)


def test_a_page_in_a_browser_cannot_subscribe_anybody(site: FlaskClient, store: Store) -> None:
    form = Subscriber(url="https://me.example").form()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert site.post("/hub", data=form, headers=headers).status_code == 403
    assert store.websub_requests.counts() == (0, 0)


def ask(site: FlaskClient, callback: str, topic: str = TOPIC) -> int:
    return site.post("/hub", data=Subscriber().form(callback=callback, topic=topic)).status_code


def test_callbacks_are_counted_by_the_owner_of_their_host(
    site: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_page, "MAX_OF_A_GROUP", 5)
    spellings = [
        "https://me.example/a",
        "http://me.example/b",
        "https://me.example:8443/c",
        "https://ME.EXAMPLE/d",
        "https://cdn.me.example/e",
        "https://another.me.example:444/f",
    ]
    assert [ask(site, address) for address in spellings] == [202] * 5 + [429]
    refused = site.post("/hub", data=Subscriber().form(callback=spellings[0] + "/again"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    assert ask(site, "https://you.example/") == 202
    assert [ask(site, f"http://203.0.113.9:{8000 + i}/") for i in range(6)] == [202] * 5 + [429]
    assert [ask(site, f"http://[2001:db8::{i}]/") for i in range(1, 7)] == [202] * 5 + [429]
    assert [ask(site, f"http://{address}/") for address in ("127.1", "0x7f.1", "017700000001", "1", "2", "3")].count(
        202
    ) == 5


async def test_domains_at_one_address_are_counted_together(
    site: FlaskClient,
    room: Newsroom,
    publisher: Publisher,
    subscriber: Subscriber,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscriber_calls, "MAX_OF_A_NETWORK", 2)
    room.story("Before", ["seedbed"])
    room.rank()
    for number in range(3):
        assert site.post("/hub", data=subscriber.form(callback=f"{subscriber.url}/{number}")).status_code == 202
        await run(publisher, NOW)
    assert store.websub_requests.counts() == (2, 0)
    assert subscriber.queries[-1]["hub.mode"] == "denied"
    assert site.post("/hub", data=subscriber.form(callback=f"{subscriber.url}/0")).status_code == 202
    await run(publisher, NOW + MINUTE)
    assert store.websub_requests.counts() == (2, 0), "a renewal is no new subscription"


def test_who_sends_many_requests_keeps_nobody_else_out(
    site: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_page, "MAX_PENDING", 6)
    assert [ask(site, f"https://many.example/{i}") for i in range(8)] == [202] * 6 + [429] * 2
    assert [ask(site, f"https://few{i}.example/") for i in range(3)] == [202] * 3
    assert store.websub_requests.counts() == (0, 6), "each took the place of one of the many"
    assert store.websub_requests.group_counts("many.example") == (0, 3)


def test_requests_for_hosts_that_do_not_answer_keep_nobody_out(
    site: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_page, "MAX_PENDING", 6)
    assert [ask(site, f"https://invented{i}.example/") for i in range(7)] == [202] * 6 + [429]
    first, *_ = store.websub_requests.to_confirm(NOW, 10)
    store.websub_requests.put_off(first.request_id, NOW + MINUTE)
    assert [ask(site, f"https://real{i}.example/") for i in range(2)] == [202, 429]
    assert store.websub_requests.counts() == (0, 6)


def test_requests_of_a_client_are_limited_whatever_their_callbacks(site: FlaskClient) -> None:
    def ask_from(address: str, number: int) -> tuple[int, str | None]:
        form = Subscriber().form(callback=f"https://host{number}.example/")
        answer = site.post("/hub", data=form, environ_base={"REMOTE_ADDR": address})
        return answer.status_code, answer.headers.get("Retry-After")

    assert {ask_from("2001:db8::1", i) for i in range(hub_page.MAX_OF_A_CLIENT)} == {(202, None)}
    assert ask_from("2001:db8::2", 1_000) == (429, "600")
    assert ask_from("203.0.113.9", 1_001) == (202, None)
    # An undeclared proxy: these are requests of everyone.
    assert {ask_from("127.0.0.1", 2_000 + i) for i in range(hub_page.MAX_OF_A_CLIENT + 1)} == {(202, None)}


def test_a_hub_with_enough_feeds_takes_further_subscribers_to_those_alone(
    site: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_page, "MAX_TOPICS", 2)

    def subscribe(host: str, feed: str) -> int:
        return ask(site, f"https://{host}/{feed}", f"http://127.0.0.1:8000/{feed}")

    feeds = ("trending.rss", "newest.rss", "trending.atom")
    assert [subscribe("me.example", feed) for feed in feeds] == [202, 202, 429]
    assert subscribe("you.example", "newest.rss") == 202


def test_one_owner_gets_some_of_the_searches(site: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_page, "MAX_SEARCHES_OF_A_GROUP", 2)

    def search(word: str, host: str) -> int:
        return ask(site, f"https://{host}/{word}", f"http://127.0.0.1:8000/search.rss?q={word}")

    assert [search(word, "a.me.example") for word in ("one", "two", "three")] == [202, 202, 429]
    assert search("three", "you.example") == 202
    assert ask(site, "https://b.me.example/list") == 202


def test_a_repeated_request_is_verified_only_once(site: FlaskClient, store: Store) -> None:
    assert ask(site, "https://victim.example/") == 202
    (pending,) = store.websub_requests.to_confirm(NOW, 10)
    store.websub_requests.put_off(pending.request_id, NOW + 10 * MINUTE)
    assert [ask(site, "https://victim.example/") for _ in range(5)] == [202] * 5
    assert store.websub_requests.to_confirm(NOW + 9 * MINUTE, 10) == []


@pytest.mark.parametrize(
    "path",
    [
        "/trending.rss?x=1",
        "/trending.rss?sort=newest&sort=score",
        "/search.rss",
        "/search.rss?q=",
        "/search.rss?q=-the+-of",
        "/search.rss?q=a&x=1",
        "/source/nobody.rss",
        "/topic/nothing.rss",
        "/category/nothing.atom",
        "/feed.xml",
        "/api/v1/stories",
        "/",
    ],
)
def test_only_feeds_that_there_are_can_be_subscribed_to(site: FlaskClient, path: str) -> None:
    assert ask(site, "https://me.example/", f"http://127.0.0.1:8000{path}") == 400


@pytest.mark.parametrize("path", ["/search.rss?q=chips", "/source/seedbed.json", "/category/models.atom?min_score=50"])
def test_lists_searches_and_sources_can_be_subscribed_to(site: FlaskClient, path: str) -> None:
    assert ask(site, "https://me.example/", f"http://127.0.0.1:8000{path}") == 202


def test_searches_have_a_number_of_their_own(site: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_page, "MAX_SEARCHES", 2)

    def search(word: str, host: str = "me.example") -> int:
        return ask(site, f"https://{host}/{word}", f"http://127.0.0.1:8000/search.rss?q={word}")

    assert [search(word) for word in ("one", "two", "three")] == [202, 202, 429]
    assert search("two", "you.example") == 202, "somebody else's search costs nothing more"
    assert ask(site, "https://me.example/list") == 202


async def test_callbacks_that_never_answer_do_not_delay_others(
    site: FlaskClient, store: Store, publisher: Publisher, subscriber: Subscriber
) -> None:
    release = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    servers = [await asyncio.start_server(never, f"127.0.0.{i}", 0) for i in (2, 3)]
    limits = Limits(allow_private=("127.0.0.1", "127.0.0.2", "127.0.0.3"), fetch=timedelta(seconds=30))
    await publisher.reconfigure(replace(publisher._config, limits=limits))
    for number, server in enumerate(servers * 20):
        host, port = server.sockets[0].getsockname()
        assert ask(site, f"http://{host}:{port}/{number}") == 202
    assert site.post("/hub", data=subscriber.form()).status_code == 202
    began = time.monotonic()
    await publisher.step(NOW)
    while store.websub_requests.counts()[0] == 0:
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.01)
    assert subscriber.queries, "it was asked beside those that are still being waited for"
    release.set()
    for server in servers:
        server.close()


async def test_another_hub_is_notified_of_changed_lists_once_a_minute(
    tmp_path: Path, store: Store, room: Newsroom, allowed: Config, later: Clock, subscriber: Subscriber
) -> None:
    limits = replace(allowed.limits, allow_private=("127.0.0.1",))
    config = replace(allowed, limits=limits, site=Site(url="http://127.0.0.1:8000", hub=f"{subscriber.url}/publish"))
    room.story("First", ["seedbed"], category="models")
    room.rank()
    async with Publisher(config, store=store, renderer=FeedRenderer(tmp_path / "news.db", later)) as teller:
        await run(teller, NOW)
        room.story("Second", ["seedbed"], category="models")
        room.rank()
        await run(teller, NOW + MINUTE / 2)
        await run(teller, NOW + MINUTE)
        await run(teller, NOW + 2 * MINUTE)
    messages = [parse_qs(body.decode()) for _, body in subscriber.got]
    assert len(messages) == 2
    assert messages[1]["hub.mode"] == ["publish"]
    assert set(messages[1]["hub.url"]) == {
        f"http://127.0.0.1:8000{path}.{form}"
        for path in ("/trending", "/newest", "/category/models")
        for form in ("rss", "atom", "json")
    }


def test_off_is_off(tmp_path: Path, make_app: Callable[..., object], config: Config) -> None:
    app = make_app(tmp_path / "x.db", fallback_config=replace(config, site=Site(hub="off")))
    client: FlaskClient = app.test_client()  # type: ignore[attr-defined]
    assert client.post("/hub", data=Subscriber(url="https://me.example").form()).status_code == 404
    assert 'rel="hub"' not in client.get("/trending.rss").headers["Link"]


def test_signatures_are_those_of_the_recommendation() -> None:
    # RFC 4231, test case 2.
    body, secret = b"what do ya want for nothing?", "Jefe"
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert websub_protocol.signature(secret, body) == f"sha256={digest}"
    for method in ("sha1", "sha256", "sha384", "sha512"):
        assert websub_protocol.is_signed(websub_protocol.signature(secret, body, method), secret, body)
    for header in ("", "sha256=", "md5=00", f"sha256={digest[:-1]}", "ü"):
        assert not websub_protocol.is_signed(header, secret, body)


class CostlyRenderer(FeedRenderer):
    """Takes 0.6 s per feed, by the clock of the test."""

    def __init__(self) -> None:
        self.ticks = 0.0
        self.rendered: list[str] = []

    def document(self, topic: str) -> Document | None:
        self.ticks += 0.6
        self.rendered.append(topic)
        return Document(b"", "application/rss+xml", "", f"{topic} {self.ticks}")

    def close(self) -> None:
        pass


async def test_searches_that_take_long_to_render_get_a_tenth_of_the_time(store: Store, config: Config) -> None:
    renderer = CostlyRenderer()
    for word in ("one", "two", "three", "four"):
        topic = f"http://127.0.0.1:8000/search.rss?q={word}"
        wanted = websub_protocol.Request("subscribe", f"https://{word}.example/", topic)
        store.websub_hub.subscribe(wanted, "", "192.0.2.1", NOW)
    async with Publisher(config, store=store, renderer=renderer, ticks=lambda: renderer.ticks) as publisher:
        store.state.next_edition()
        await publisher.step(NOW)
        await publisher.settle()
        assert len(renderer.rendered) == 2, "a look ends after a second"

        renderer.ticks += 5
        await publisher.step(NOW)
        await publisher.settle()
        assert len(renderer.rendered) == 2, "nine times as long as it rendered, it rests"

        renderer.ticks += 6
        await publisher.step(NOW)
        await publisher.settle()
    assert len(set(renderer.rendered)) == 4, "the others come next"
