"""WebSub from end to end on loopback: one site's feed and hub, and another site that subscribes to it."""

from __future__ import annotations

import html
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from aggregator.cli.source_tables import health_row
from aggregator.model import Config, Limits, Site, Source
from aggregator.polling.poller import Poller
from aggregator.polling.websub_subscriber import HubSubscriber
from aggregator.store import Store
from aggregator.store.websub.deliveries import MAX_WAITING
from aggregator.store.websub.subscriptions import Subscription
from aggregator.websub_protocol import signature
from tests.web.conftest import Clock, make_app  # noqa: F401 - a fixture
from tests.web.newsroom import NOW, Newsroom, sample_config
from tests.web.pages.service.test_websub_hub import run
from web.websub.publisher import Publisher
from web.websub.rendering import FeedRenderer

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEWS = b"""<rss version='2.0'><channel><title>News</title><item><guid>n1</guid><title>Just in</title>
<link>https://news.example/n1</link></item></channel></rss>"""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serve an application on a free port; return its URL."""
    running = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app.wsgi_app, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


class Subscriber:
    """A site that polls one feed."""

    def __init__(self, folder: Path, clock: Clock, feed: str) -> None:
        self.db = folder / "subscriber.db"
        self.store = Store.open(self.db)
        self.clock = clock
        self.source = Source("wire", "Wire", feed, "models", owner="wire")
        self.config = Config(Site(), (), (self.source,), limits=Limits(allow_private=("127.0.0.1",)))
        self.store.feeds.sync(self.config.sources, clock())
        self.poller = Poller(self.config, store=self.store, clock=clock, rng=random.Random(0))

    def hubs(self, base: str) -> HubSubscriber:
        return HubSubscriber(
            self.config, base=base, store=self.store, clock=self.clock, poller=self.poller, private_hubs=["127.0.0.1"]
        )

    @property
    def subscription(self) -> Subscription:
        subscription = self.store.websub_subscriptions.of_source("wire")
        assert subscription is not None
        return subscription

    def state(self) -> tuple[str, timedelta]:
        """Its row's message, and the interval to the next poll."""
        state = self.store.feeds.state("wire")
        assert state is not None
        assert state.next_poll_at is not None
        return state.last_message, state.next_poll_at - self.clock()


@pytest.fixture
async def subscribe(tmp_path: Path, later: Clock) -> AsyncIterator[Callable[[str], Subscriber]]:
    subscribers: list[Subscriber] = []

    def make(feed: str) -> Subscriber:
        subscribers.append(Subscriber(tmp_path, later, feed))
        return subscribers[-1]

    yield make
    for subscriber in subscribers:
        await subscriber.poller.__aexit__(None, None, None)
        subscriber.store.close()


@pytest.fixture
def later() -> Clock:
    return Clock()


async def test_news_comes_by_the_hub_from_subscribing_to_unsubscribing(
    tmp_path: Path,
    later: Clock,
    make_app: Callable[..., Flask],  # noqa: F811
    serve: Callable[[Flask], str],
    subscribe: Callable[[str], Subscriber],
) -> None:
    publisher_db = tmp_path / "publisher.db"
    with Store.open(publisher_db) as theirs:
        room = Newsroom(theirs, sample_config())
        room.story("Before", ["seedbed"])
        room.rank()
        feed = serve(make_app(publisher_db, later)) + "/trending.rss"
        ours = subscribe(feed)
        base = serve(make_app(ours.db, later))
        named = Limits(allow_private_callbacks=(f"{base}/websub/",), fetch=timedelta(seconds=5))
        config = replace(sample_config(), limits=named)
        async with (
            Publisher(config, store=theirs, renderer=FeedRenderer(publisher_db, later), ticks=lambda: 0.0) as publisher,
            ours.poller,
        ):
            await ours.poller.poll_now()
            assert ours.store.entries.count() == 1
            hubs = ours.hubs(base)
            await hubs.step()
            assert ours.subscription.topic == feed
            assert ours.subscription.lease_until is None, "it counts once the hub has confirmed it"
            await run(publisher, later())
            assert ours.subscription.lease_until == NOW + timedelta(days=10)

            await run(publisher, later())
            later.now += HOUR
            room.story("Just in", ["seedbed"], trend=9)
            room.rank()
            await run(publisher, later())
            await hubs.step()
            assert ours.store.entries.count() == 2
            message, wait = ours.state()
            assert message == "delivered by its hub: 1 new"
            assert wait > 5 * HOUR, "while the hub tells of news, it is asked rarely"
            assert [health.polls for health in ours.store.feeds.health(later(), [ours.source])] == [1]

            hubs.reconfigure(replace(ours.config, sources=()), base)
            await hubs.step()
            await run(publisher, later())
            assert ours.store.websub_subscriptions.of_source("wire") is None
            assert theirs.websub_requests.counts() == (0, 0)


@pytest.fixture
def subscriber(later: Clock, subscribe: Callable[[str], Subscriber]) -> Subscriber:
    """A subscription confirmed by its hub for one hour."""
    subscriber = subscribe("https://wire.example/feed")
    subscriber.store.websub_subscriptions.want(
        "wire", "https://hub.example/", "https://wire.example/feed", "tok", "s3cret", NOW
    )
    subscriber.store.websub_subscriptions.confirm("wire", NOW + HOUR, NOW + HOUR * 0.8)
    return subscriber


@pytest.fixture
def client(subscriber: Subscriber, later: Clock, make_app: Callable[..., Flask]) -> FlaskClient:  # noqa: F811
    return make_app(subscriber.db, later).test_client()


def post(client: FlaskClient, body: bytes = NEWS, secret: str = "s3cret", token: str = "tok") -> TestResponse:
    headers = {"X-Hub-Signature": signature(secret, body), "Content-Type": "application/rss+xml"}
    return client.post(f"/websub/{token}", data=body, headers=headers)


def deliver(client: FlaskClient, body: bytes = NEWS, secret: str = "s3cret", token: str = "tok") -> int:
    return post(client, body, secret, token).status_code


async def test_deliveries_without_a_valid_signature_are_dropped(subscriber: Subscriber, client: FlaskClient) -> None:
    assert deliver(client, secret="other") == 202
    assert client.post("/websub/tok", data=NEWS).status_code == 202
    assert subscriber.store.websub_deliveries.waiting(9) == []
    assert deliver(client) == 202
    assert [delivery.body for delivery in subscriber.store.websub_deliveries.waiting(9)] == [NEWS]


async def test_who_does_not_know_the_token_finds_nothing(client: FlaskClient) -> None:
    assert deliver(client, token="guess") == 404
    params = {"hub.mode": "subscribe", "hub.topic": "https://wire.example/feed", "hub.challenge": "c"}
    assert client.get("/websub/guess", query_string=params).status_code == 404


async def test_only_requested_subscriptions_are_confirmed(subscriber: Subscriber, client: FlaskClient) -> None:
    request = {"hub.mode": "subscribe", "hub.topic": "https://wire.example/feed", "hub.challenge": "c4"}
    answer = client.get("/websub/tok", query_string=request | {"hub.lease_seconds": "7200"})
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "c4", "text/plain")
    assert subscriber.subscription.lease_until == NOW + 2 * HOUR
    assert client.get("/websub/tok", query_string=request | {"hub.mode": "unsubscribe"}).status_code == 404
    assert client.get("/websub/tok", query_string=request | {"hub.topic": "https://b.example/"}).status_code == 404


async def test_deliveries_that_wait_are_bounded_and_a_lease_that_ended_takes_none(
    subscriber: Subscriber, client: FlaskClient, later: Clock
) -> None:
    codes = [deliver(client, NEWS + b" " * number) for number in range(MAX_WAITING)]
    assert codes == [202] * MAX_WAITING
    refused = post(client, NEWS)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    later.now += 2 * HOUR
    assert deliver(client) == 404


async def test_the_same_news_delivered_twice_and_polled_is_one_entry(
    subscriber: Subscriber, client: FlaskClient
) -> None:
    deliver(client)
    deliver(client, NEWS + b"\n")
    await subscriber.hubs("").step()
    assert subscriber.store.entries.count() == 1
    assert subscriber.store.websub_deliveries.waiting(9) == []


async def test_an_unreadable_delivery_is_reported_on_the_row_and_removed(
    subscriber: Subscriber, client: FlaskClient
) -> None:
    deliver(client, b"<html><body>no feed")
    subscriber.store.feeds.make_due(["wire"])
    await subscriber.hubs("").step()
    state = subscriber.store.feeds.state("wire")
    assert state is not None
    assert state.last_message.startswith("its hub delivered a document that cannot be read: ")
    assert subscriber.store.websub_deliveries.waiting(9) == []


async def test_a_hub_that_missed_news_is_relied_on_no_more_until_it_delivers(
    subscriber: Subscriber, client: FlaskClient, later: Clock
) -> None:
    assert not subscriber.subscription.works(NOW), "it has told of nothing yet"
    deliver(client)
    assert subscriber.subscription.works(NOW)
    assert not subscriber.subscription.works(NOW + 2 * HOUR), "its lease is over"
    subscriber.store.websub_subscriptions.record_missed("wire", NOW + MINUTE)
    assert not subscriber.subscription.works(NOW + MINUTE)
    later.now += 2 * MINUTE
    deliver(client, NEWS + b" ")
    assert subscriber.subscription.works(later())


def hub_message(subscriber: Subscriber, client: FlaskClient, later: Clock) -> str:
    """What its row says about its hub: on the sources page and in `sources list --json`."""
    (health,) = subscriber.store.feeds.health(later(), subscriber.config.sources)
    row = health_row(health, later())
    (message,) = (line for line in row["health"] if "hub" in line)
    assert "s3cret" not in json.dumps(row)
    assert "tok" not in json.dumps(row["hub"])
    assert message in html.unescape(client.get("/sources").text)
    return str(message)


async def test_the_row_of_a_source_says_how_it_stands_with_its_hub(
    subscriber: Subscriber,
    later: Clock,
    make_app: Callable[..., Flask],  # noqa: F811
) -> None:
    client = make_app(subscriber.db, later, fallback_config=subscriber.config).test_client()
    until = f"{NOW + HOUR:%H:%M} UTC"
    assert hub_message(subscriber, client, later).startswith("subscribed at its hub, nothing delivered yet; lease")
    deliver(client)
    later.now += MINUTE
    message = hub_message(subscriber, client, later)
    assert message.startswith("its hub delivers updates; lease until")
    assert message.endswith(until)
    subscriber.store.websub_subscriptions.record_missed("wire", later())
    later.now += MINUTE
    assert hub_message(subscriber, client, later).startswith("its hub missed entries")
    later.now += 2 * HOUR
    assert hub_message(subscriber, client, later).startswith("the subscription at its hub ended")
    subscriber.store.websub_subscriptions.refuse("wire", "the hub refuses: too many", later() + HOUR)
    later.now += MINUTE
    assert hub_message(subscriber, client, later) == "the subscription at its hub failed: the hub refuses: too many"


async def test_a_source_without_a_hub_says_nothing_of_one(subscriber: Subscriber, later: Clock) -> None:
    subscriber.store.websub_subscriptions.record_request("wire", "the hub does not respond", 3, NOW + HOUR)
    subscriber.store.websub_subscriptions.drop("wire", NOW)
    assert [due.failures for due in subscriber.store.websub_subscriptions.due(NOW, 9)] == [0]
    (health,) = subscriber.store.feeds.health(later(), subscriber.config.sources)
    assert health_row(health, later())["hub"] is None
    assert not any("hub" in message for message in health_row(health, later())["health"])


async def test_a_site_that_hubs_cannot_reach_does_not_subscribe(
    subscriber: Subscriber, later: Clock, subscribe: Callable[[str], Subscriber]
) -> None:
    subscriber.store.websub_subscriptions.forget("wire")
    await subscriber.hubs("").step()
    assert subscriber.store.websub_subscriptions.all() == {}
