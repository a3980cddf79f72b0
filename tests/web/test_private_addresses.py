"""Addresses supplied by others never lead into the operator's network, wherever the program uses them.

A server on this machine counts what reaches it. Each way for others to supply an address is tried with every spelling
of that server and with the metadata addresses of clouds: directly, and through a redirect of a permitted server.
Sockets are counted too, since nothing answers at 169.254.169.254 here. The services of alerts run in a separate
process: `tests/aggregator/notify/test_sender.py`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import escape
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.fetch import curl_transport
from aggregator.model import Alerts, AlertTarget, Config, Limits, Site, Source
from aggregator.notify import Outgoing, Sender
from aggregator.polling.poller import Poller
from aggregator.polling.websub_subscriber import HubSubscriber
from aggregator.store import Store
from aggregator.store.files.pictures import PictureFolder
from aggregator.websub_protocol import RefusedError, read_request
from tests.feedserver import FeedServer
from tests.web.newsroom import NOW, Newsroom, clock
from web.media.picture_proxy import PictureProxy
from web.websub.publisher import Publisher
from web.websub.rendering import FeedRenderer

LOOPBACK = (
    "localhost", "localhost.", "LOCALHOST", "127.0.0.2", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0",
    "[::1]", "[::]", "[::ffff:127.0.0.2]", "[::127.0.0.2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]",
    "127\u30020\u30020\u30022", "me@127.0.0.2", "127.0.0.1:80@127.0.0.2",
)  # fmt: skip
ELSEWHERE = ("169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166", "10.0.0.1", "100.64.0.1")


@dataclass
class Trap:
    """A port of this machine that nothing may reach."""

    port: int = 0
    connections: int = 0
    sockets: list[str] = field(default_factory=list)
    """Addresses that sockets of this process were opened to, but for those of the server that may be reached."""

    def urls(self) -> list[str]:
        """Return its address in every spelling, and the addresses of other private servers."""
        return [f"http://{host}:{self.port}/a" for host in LOOPBACK] + [f"http://{host}/a" for host in ELSEWHERE]


@pytest.fixture
def trap(feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    trap = Trap()
    listeners = [socket.create_server(("0.0.0.0", 0))]
    trap.port = listeners[0].getsockname()[1]
    if socket.has_ipv6:
        # A machine without IPv6 has one address less to protect.
        with suppress(OSError):
            listeners.append(socket.create_server(("::1", trap.port), family=socket.AF_INET6))

    def count(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            trap.connections += 1
            connection.close()

    open_socket = curl_transport._Exchange._open_socket

    def counted(self: Any, purpose: int, address: Any) -> Any:
        opened = open_socket(self, purpose, address)
        if isinstance(opened, socket.socket) and tuple(address[3][:2]) != ("127.0.0.1", feed_server.port):
            trap.sockets.append(str(address[3]))
        return opened

    monkeypatch.setattr(curl_transport._Exchange, "_open_socket", counted)
    threads = [threading.Thread(target=count, args=(listener,), daemon=True) for listener in listeners]
    for thread in threads:
        thread.start()
    yield trap
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


@pytest.fixture
def named(feed_server: FeedServer, trap: Trap) -> list[str]:
    """Return addresses as others supply them: private ones, and redirects to them on a permitted server."""
    urls = trap.urls()
    return [*urls, *(feed_server.redirect(f"/{number}", url, 307) for number, url in enumerate(urls))]


@pytest.fixture
def all_but_the_trap(feed_server: FeedServer, trap: Trap, named: list[str]) -> Iterator[None]:
    """Check afterwards that the redirects were requested, and nothing beyond."""
    yield
    redirects = len(named) // 2
    requested = {request.path.partition("?")[0] for request in feed_server.requests}
    assert len({f"/{number}" for number in range(redirects)} & requested) >= redirects - 2, "the way was not tried"
    assert (trap.connections, trap.sockets) == (0, [])


# The timeout is for a busy machine: nothing waits here.
LIMITS = Limits(per_host_pause=timedelta(), fetch=timedelta(seconds=60), per_host=8)


@pytest.mark.usefixtures("all_but_the_trap")
async def test_a_picture_leads_to_no_private_address(named: list[str], tmp_path: Path, config: Config) -> None:
    folder = PictureFolder(tmp_path)
    proxy = PictureProxy(lambda: nullcontext(folder), private_hosts=frozenset({"127.0.0.1"}))
    try:
        for url in named:
            await asyncio.wrap_future(proxy.fetch(url, replace(config, limits=LIMITS), NOW))
    finally:
        proxy.close()


def feed(title: str, *items: str, head: str = "") -> str:
    return f"<rss version='2.0' xmlns:a='http://www.w3.org/2005/Atom'><channel><title>{title}</title>{head}{''.join(items)}</channel></rss>"


async def polled(store: Store, config: Config, then: Callable[[Poller], Awaitable[None]] | None = None) -> None:
    store.feeds.sync(config.sources, NOW)
    async with Poller(config, store=store, clock=clock, rng=Random(0)) as poller:
        await poller.poll_now([source.id for source in config.sources])
        if then is not None:
            await then(poller)


@pytest.mark.usefixtures("all_but_the_trap")
async def test_the_link_of_a_full_text_leads_to_no_private_address(
    named: list[str], feed_server: FeedServer, store: Store, config: Config
) -> None:
    # Few articles of a feed are fetched at once, so each address has a feed of its own.
    sources = []
    for number, url in enumerate(named):
        item = f"<item><guid>{number}</guid><title>Item {number}</title><link>{escape(url)}</link></item>"
        address = feed_server.publish(f"/feed{number}", feed("News", item))
        sources.append(Source(f"s{number}", "S", address, "models", full_text=True, allow_private=True))
    await polled(store, replace(config, sources=tuple(sources), limits=LIMITS))
    assert store.entries.count() == len(named)


@pytest.mark.usefixtures("all_but_the_trap")
async def test_a_hub_that_a_feed_names_leads_to_no_private_address(
    named: list[str], feed_server: FeedServer, store: Store, config: Config
) -> None:
    sources = []
    for number, url in enumerate(named):
        head = f"<a:link rel='hub' href='{escape(url)}'/><a:link rel='self' href='https://a.example/{number}'/>"
        address = feed_server.publish(f"/feed{number}", feed("News", head=head))
        sources.append(Source(f"s{number}", "S", address, "models", allow_private=True))
    config = replace(config, sources=tuple(sources), limits=LIMITS)

    async def subscribe(poller: Poller) -> None:
        hubs = HubSubscriber(
            config, base="https://n.example", store=store, clock=clock, poller=poller, private_hubs=["127.0.0.1"]
        )
        for _ in range(len(named) // 20 + 1):  # it sends that many at a time
            await hubs.step()

    await polled(store, config, subscribe)


@pytest.mark.usefixtures("all_but_the_trap")
async def test_a_callback_of_a_subscriber_leads_to_no_private_address(
    named: list[str], feed_server: FeedServer, store: Store, room: Newsroom, config: Config, tmp_path: Path
) -> None:
    room.story("One", ["seedbed"])
    room.rank()
    limits = replace(LIMITS, allow_private_callbacks=(feed_server.url("/"),))
    config = replace(config, limits=limits)
    renderer = FeedRenderer(tmp_path / "news.db", clock)
    topic = "http://127.0.0.1:8000/trending.rss"
    async with Publisher(config, store=store, renderer=renderer, ticks=lambda: 0.0) as publisher:
        for url in named:
            try:
                wanted = read_request({"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": url})
            except RefusedError:
                continue
            store.websub_requests.add(wanted, NOW)
            await publisher.step(NOW)
            await publisher.settle()


@pytest.mark.usefixtures("all_but_the_trap")
async def test_a_webhook_leads_to_no_private_address(named: list[str]) -> None:
    # The operator names the webhook, but not the target of its redirect.
    secret, message = "a secret of the operator", Outgoing("story:1/0/1", "Title", "Text", data={})
    half = len(named) // 2
    for allow_private, urls in ((False, named[:half]), (True, named[half:])):
        alerts = Alerts(secret=secret, allow_private=allow_private)
        sender = Sender(Config(Site(), (), (), limits=LIMITS, alerts=alerts))
        for url in urls:
            assert not (await sender.send(AlertTarget(url), message, NOW)).sent, url


def test_the_trap_counts(trap: Trap) -> None:
    for host in ("127.0.0.1", "127.0.0.2", "localhost"):
        with socket.create_connection((host, trap.port), timeout=10) as connection:
            assert connection.recv(1) == b""
    assert trap.connections == 3
