"""Tell subscribers that a feed changed: the worker's half of the WebSub hub, and notices to an outside hub.

Runs in the worker, where the network is. A feed is rendered by the site's own code, without a socket, so that what is
delivered is what anybody gets. A step starts what is due and waits for nothing: confirmations and deliveries run beside
it, a few at a time, and fewer of one host, so that callbacks that never answer keep nobody else waiting. Rendering
feeds has a share of the time. Leaves the rules to `aggregator.websub`, and storage to `store.websub_hub`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import ClosingIterator

from aggregator import fetch, websub_protocol
from aggregator.model import Clock, Config, Failed, Limits
from aggregator.store import Store
from aggregator.store.websub.hub import HubRequest, Subscription
from aggregator.text.ip_addresses import is_public_host
from aggregator.text.urls import host
from web.app import close_app, create_app
from web.http.clients import network
from web.http.hints import CacheHints, put_hints
from web.request.services import services
from web.syndication import FORMATS
from web.websub.callback_calls import CallbackCalls

log = logging.getLogger(__name__)

MAX_OF_A_NETWORK = 120
"""Subscriptions whose callbacks answer from one address; more than of one domain, since hosts share addresses."""
MAX_DUE = 500
"""Deliveries that are looked through in a step."""
CALLBACK_TIMEOUT = timedelta(seconds=10)
LOOK_S = 1.0
"""Seconds of rendering feeds, after which a look at what changed pauses."""
REST = 9
"""Times as long as it rendered: a tenth of the time at most goes into that, however many feeds are subscribed to."""
MAX_DOCUMENTS = 8
"""Feeds that are kept rendered within an edition."""
NOTIFY_EVERY = timedelta(minutes=1)
"""How often an outside hub is notified at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """A feed in its present version."""

    body: bytes
    content_type: str
    link: str
    """Its Link header: the hub and itself."""
    digest: str
    """Digests of what counts as a change: see `syndication.material`."""


class FeedRenderer:
    """Makes feeds as the site would. Opens the database in the threads that use it, when they first do."""

    def __init__(self, db: Path, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @cached_property
    def _app(self) -> Flask:
        # Most sites have no subscriber yet, and their worker needs no site.
        return create_app(self._db, self._clock)

    def document(self, topic: str) -> Document | None:
        """Return a feed, or None when there is none at that address."""
        parts = urlsplit(topic)
        path, query = services(self._app).addresses.canonical(parts.path, parts.query)
        builder = EnvironBuilder(path, base_url=f"{parts.scheme}://{parts.netloc}/", query_string=query, method="GET")
        environ = builder.get_environ()
        hints = put_hints(environ, CacheHints(self._clock()))
        given: list[tuple[str, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
            given.append((status, dict(headers)))
            return lambda data: None

        # Behind the page cache: an answer from memory does not say what counts as a change of it.
        with closing(cast(ClosingIterator, Flask.wsgi_app(self._app, environ, start))) as pieces:
            body = b"".join(pieces)
        status, headers = given[-1]
        if not status.startswith("200") or hints.material is None:
            return None
        return Document(body, headers["Content-Type"], headers.get("Link", ""), hints.material)

    def close(self) -> None:
        """Close the database."""
        if "_app" in self.__dict__:
            close_app(self._app)


class Publisher:
    """Confirms, watches and delivers, a step at a time.

    renderer:     renders the feeds
    challenge: gives what only somebody at the callback can repeat
    ticks:     seconds that pass evenly
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        renderer: FeedRenderer,
        challenge: Callable[[], str] = lambda: secrets.token_urlsafe(24),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._store = store
        self._press = renderer
        self._challenge = challenge
        self._ticks = ticks
        self._client = fetch.Client(_callback_limits(config))
        self._confirmations, self._deliveries = CallbackCalls(), CallbackCalls()
        self._looking: asyncio.Task[None] | None = None
        self._rest_until = float("-inf")
        self._edition = -1
        self._notified_at: datetime | None = None
        self._documents: OrderedDict[str, Document | None] = OrderedDict()
        self._documents_of = -1

    async def __aenter__(self) -> Publisher:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._under_way():
            task.cancel()
        await self.settle()
        await self._client.__aexit__(None, None, None)
        self._press.close()

    def _under_way(self) -> list[asyncio.Task[None]]:
        looking = [self._looking] if self._looking is not None and not self._looking.done() else []
        return [*self._confirmations.tasks, *self._deliveries.tasks, *looking]

    async def settle(self) -> None:
        """Wait until everything that a step started has ended."""
        while tasks := self._under_way():
            await asyncio.wait(tasks)
            await asyncio.sleep(0)

    async def reconfigure(self, config: Config) -> None:
        """Go on with other settings; calls that run end with the old ones."""
        client = fetch.Client(_callback_limits(config))
        await client.__aenter__()
        old, self._client, self._config = self._client, client, config
        self._documents_of = -1
        await self.settle()
        await old.__aexit__(None, None, None)

    async def step(self, now: datetime) -> None:
        """Start what is due at *now*, without waiting for other servers."""
        hub = self._config.site.hub
        if hub == "off":
            return
        if hub == "own":
            self._store.websub_hub.end_leases(now)
            for pending in self._store.websub_requests.to_confirm(now, websub_protocol.MAX_PENDING):
                confirm = partial(self._confirm, pending, now)
                if not self._confirmations.start(pending.request_id, pending.request.group, confirm):
                    break
            for due in self._store.websub_hub.due(now, MAX_DUE):
                deliver = partial(self._hand, due, now)
                if not self._deliveries.start(
                    due.subscription_id, websub_protocol.callback_group(due.callback), deliver
                ):
                    break
        if (self._looking is None or self._looking.done()) and self._ticks() >= self._rest_until:
            work = self._look(now) if hub == "own" else self._notify(hub, now)
            self._looking = asyncio.create_task(work)
            self._looking.add_done_callback(_log_failure)

    # Verification of intent: section 5.3 of the recommendation.

    async def _confirm(self, pending: HubRequest, now: datetime) -> None:
        request = pending.request
        document = await self._document(request.topic)
        if document is None and request.mode == "subscribe":
            await self._deny(pending, "there is no such feed here")
            return
        challenge = self._challenge()
        answer = await self._get(websub_protocol.verification(request, challenge))
        if isinstance(answer, fetch.Answered) and 200 <= answer.status < 300 and answer.body == challenge.encode():
            subscriber = network(answer.peer) if answer.peer else ""
            if request.mode == "subscribe" and self._store.websub_hub.is_full(request, subscriber, MAX_OF_A_NETWORK):
                await self._deny(pending, "this hub has as many subscriptions of that address as it takes")
                return
            with self._store.transaction():
                self._store.websub_requests.answered(pending.request_id)
                if request.mode == "unsubscribe":
                    self._store.websub_hub.unsubscribe(request.topic, request.callback)
                elif document is not None:
                    self._store.websub_hub.subscribe(request, document.digest, subscriber, now)
                    if self._store.websub_hub.seen(request.topic) is None:
                        self._store.websub_hub.saw(request.topic, document.digest, self._store.state.edition())
            return
        # Any other response means no. Without a response it is tried once more, and then taken for no, too.
        if isinstance(answer, Failed) and answer.kind != "refused address" and pending.failures < 2:
            self._store.websub_requests.put_off(pending.request_id, now + websub_protocol.wait(pending.failures + 1))
        else:
            self._store.websub_requests.answered(pending.request_id)
        log.info("hub: %s did not confirm: %s", host(request.callback), _words(answer))

    async def _deny(self, pending: HubRequest, reason: str) -> None:
        self._store.websub_requests.answered(pending.request_id)
        await self._get(websub_protocol.denial(pending.request.callback, pending.request.topic, reason))

    # Distribution: section 7.

    async def _look(self, now: datetime) -> None:
        """Find the feeds that changed since the last edition, and make what they hold due."""
        edition = self._store.state.edition()
        if edition == self._edition:
            return
        began = self._ticks()
        # Whoever was not looked at for the longest comes first: no feed starves where editions follow one another.
        for topic in self._store.websub_hub.topics_before(edition):
            if self._ticks() - began >= LOOK_S:
                break
            document = await self._document(topic)
            with self._store.transaction():
                before = self._store.websub_hub.seen(topic)
                digest = "" if document is None else document.digest
                self._store.websub_hub.saw(
                    topic, digest if document is not None or before is None else before[0], edition
                )
                if document is not None and (before is None or _news(before[0], digest)):
                    self._store.websub_hub.changed(topic, digest, now)
        else:
            self._edition = edition
        ended = self._ticks()
        self._rest_until = ended + REST * (ended - began)

    async def _hand(self, to: Subscription, now: datetime) -> None:
        """Hand a feed to one subscriber, signed where it gave a secret."""
        document = await self._document(to.topic)
        if document is None:
            self._store.websub_hub.failed(to.subscription_id, "there is no such feed any more", None)
            return
        headers = [("Content-Type", document.content_type), ("Link", document.link)]
        if to.secret:
            headers.append(("X-Hub-Signature", websub_protocol.signature(to.secret, document.body)))
        answer = await fetch.call(
            self._client,
            to.callback,
            limits=_callback_limits(self._config),
            method="POST",
            content=document.body,
            headers=headers,
            access=_access_of_callback(to.callback, self._config),
        )
        failures = to.failures + 1
        if isinstance(answer, fetch.Answered) and 200 <= answer.status < 300:
            self._store.websub_hub.delivered(to.subscription_id, document.digest, now)
        elif (
            isinstance(answer, fetch.Answered) and answer.status == 410
        ) or failures >= websub_protocol.MAX_FAILURES_TO_END:
            self._store.websub_hub.end(to.subscription_id)
        else:
            again = now + websub_protocol.wait(failures) if failures < websub_protocol.MAX_FAILURES else None
            self._store.websub_hub.failed(to.subscription_id, _words(answer), again)
            log.info("hub: %s rejected a delivery: %s", host(to.callback), _words(answer))

    # An outside hub.

    async def _notify(self, hub: str, now: datetime) -> None:
        """Notify an outside hub which of the main lists changed."""
        if self._notified_at is not None and timedelta() <= now - self._notified_at < NOTIFY_EVERY:
            return
        edition = self._store.state.edition()
        if edition == self._edition:
            return
        self._notified_at = now
        base = self._config.site.url.rstrip("/")
        lists = ["/trending", "/newest", *(f"/category/{quote(allowed.id)}" for allowed in self._config.categories)]
        changed: dict[str, str] = {}
        for path in lists:
            document = await self._document(f"{base}{path}.rss")
            seen = self._store.websub_hub.seen(f"{base}{path}.rss")
            if document is not None and (seen is None or _news(seen[0], document.digest)):
                changed[path] = document.digest
        if changed:
            urls = [("hub.url", f"{base}{path}.{form}") for path in changed for form in FORMATS]
            body = urlencode([("hub.mode", "publish"), *urls]).encode()
            answer = await fetch.call(
                self._client,
                hub,
                limits=self._config.limits,
                method="POST",
                content=body,
                headers=[("Content-Type", "application/x-www-form-urlencoded")],
                access=fetch.access.of_operator(hub, self._config),
            )
            if not (isinstance(answer, fetch.Answered) and 200 <= answer.status < 300):
                log.warning("the hub at %s was not notified: %s", host(hub), _words(answer))
                return
        with self._store.transaction():
            for path, digest in changed.items():
                self._store.websub_hub.saw(f"{base}{path}.rss", digest, edition)
        self._edition = edition

    async def _document(self, topic: str) -> Document | None:
        """Return a feed as it is in this edition, rendered once."""
        edition = self._store.state.edition()
        if edition != self._documents_of:
            self._documents.clear()
            self._documents_of = edition
        if topic not in self._documents:
            document = await asyncio.to_thread(self._press.document, topic)
            self._documents[topic] = document
            while len(self._documents) > MAX_DOCUMENTS:
                self._documents.popitem(last=False)
            return document
        return self._documents[topic]

    async def _get(self, url: str) -> fetch.Answered | Failed:
        access = _access_of_callback(url, self._config)
        return await fetch.call(self._client, url, limits=_callback_limits(self._config), access=access)


def _callback_limits(config: Config) -> Limits:
    return replace(config.limits, fetch=min(CALLBACK_TIMEOUT, config.limits.fetch))


def _access_of_callback(url: str, config: Config) -> fetch.Access:
    """Return what a call to a subscriber may do.

    Where the site has a public address anybody can name a callback, and none leads into the operator's network, those
    of `allow_private_callbacks` aside. A site that only its own network reaches has its subscribers there: they may
    also be hosts of `allow_private`.
    """
    access = fetch.access.of_callback(url, config)
    name = host(url)
    if is_public_host(host(config.site.url)) or name not in {
        allowed.lower() for allowed in config.limits.allow_private
    }:
        return access
    return replace(access, private_hosts=access.private_hosts | {name})


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("hub: checking for changes failed", exc_info=error)


def _news(before: str, after: str) -> bool:
    return bool(set(after.split()) - set(before.split()))


def _words(answer: fetch.Answered | Failed) -> str:
    return answer.message if isinstance(answer, Failed) else f"answered {answer.status}"
