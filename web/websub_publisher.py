"""Tell subscribers that a feed changed: the working half of the WebSub hub, and the word to another's.

Runs in the worker, where the network is. A feed is made by the site itself, asked without a socket, so that what is
delivered is what anybody gets. Knows when a feed changed, to whom it goes and what comes of it. Leaves the rules to
`aggregator.websub_protocol`, remembering to `store.hub`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import ClosingIterator

from aggregator import fetch, websub_protocol
from aggregator.model import Clock, Config, Failed
from aggregator.store import Store
from aggregator.store.websub.hub import HubRequest, Subscription
from aggregator.text.urls import host
from web.app import close_app, create_app
from web.http.page_cache import NOW
from web.request.context import MATERIAL
from web.syndicate import FORMATS

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Callbacks asked or served in one step, side by side."""
TOPICS_A_STEP = 50
TELL_EVERY = timedelta(minutes=1)
"""How often another's hub is told at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """A feed as anybody gets it now."""

    body: bytes
    content_type: str
    link: str
    """Its Link header: the hub and itself."""
    digest: str
    """What counts as a change of it: see `syndicate.material`."""


class Press:
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
        builder = EnvironBuilder(
            parts.path, base_url=f"{parts.scheme}://{parts.netloc}/", query_string=parts.query, method="GET"
        )
        environ = {**builder.get_environ(), NOW: self._clock()}
        given: list[tuple[str, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
            given.append((status, dict(headers)))
            return lambda data: None

        # Behind the page cache: an answer from memory does not say what counts as a change of it.
        with closing(cast(ClosingIterator, Flask.wsgi_app(self._app, environ, start))) as pieces:
            body = b"".join(pieces)
        status, headers = given[-1]
        if not status.startswith("200") or MATERIAL not in environ:
            return None
        return Document(body, headers["Content-Type"], headers.get("Link", ""), environ[MATERIAL])

    def close(self) -> None:
        """Close the database."""
        if "_app" in self.__dict__:
            close_app(self._app)


class Publisher:
    """Confirms, watches and delivers, a step at a time.

    press:     makes the feeds
    challenge: gives what only somebody at the callback can repeat
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        press: Press,
        challenge: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._config = config
        self._store = store
        self._press = press
        self._challenge = challenge
        self._client = fetch.Client(config.limits)
        self._edition = -1
        self._told_at: datetime | None = None

    async def __aenter__(self) -> Publisher:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(None, None, None)
        self._press.close()

    async def reconfigure(self, config: Config) -> None:
        """Go on with other settings."""
        client = fetch.Client(config.limits)
        await client.__aenter__()
        old, self._client, self._config = self._client, client, config
        await old.__aexit__(None, None, None)

    async def step(self, now: datetime) -> None:
        """Do what is due at *now*."""
        hub = self._config.site.hub
        if hub == "own":
            self._store.websub_hub.end_leases(now)
            await asyncio.gather(
                *(self._confirm(asked, now) for asked in self._store.websub_hub.to_confirm(now, AT_ONCE))
            )
            await self._look(self._store.websub_hub.topics(), now)
            await self._deliver(now)
        elif hub != "off":
            await self._tell(hub, now)

    # Verification of intent: section 5.3 of the recommendation.

    async def _confirm(self, asked: HubRequest, now: datetime) -> None:
        request = asked.request
        document = await self._document(request.topic)
        if document is None and request.mode == "subscribe":
            self._store.websub_hub.answered(asked.request_id)
            await self._get(websub_protocol.denial(request.callback, request.topic, "there is no such feed here"))
            return
        challenge = self._challenge()
        answer = await self._get(websub_protocol.verification(request, challenge))
        if isinstance(answer, fetch.Answered) and 200 <= answer.status < 300 and answer.body == challenge.encode():
            with self._store.transaction():
                self._store.websub_hub.answered(asked.request_id)
                if request.mode == "unsubscribe":
                    self._store.websub_hub.unsubscribe(request.topic, request.callback)
                elif document is not None:
                    self._store.websub_hub.subscribe(request, document.digest, now)
                    if self._store.websub_hub.seen(request.topic) is None:
                        self._store.websub_hub.saw(request.topic, document.digest, self._store.state.edition())
            return
        # An answer is an answer, and no; silence is asked once more, and then taken for no as well.
        if isinstance(answer, Failed) and answer.kind != "refused address" and asked.failures < 2:
            self._store.websub_hub.put_off(asked.request_id, now + websub_protocol.wait(asked.failures + 1))
        else:
            self._store.websub_hub.answered(asked.request_id)
        log.info("hub: %s did not confirm: %s", host(request.callback), _words(answer))

    # Distribution: section 7.

    async def _look(self, topics: list[str], now: datetime) -> None:
        """Find the feeds that changed since the last edition, and make what they hold due."""
        edition = self._store.state.edition()
        if edition == self._edition:
            return
        left = 0
        for topic in topics:
            seen = self._store.websub_hub.seen(topic)
            if seen is not None and seen[1] == edition:
                continue
            left += 1
            if left > TOPICS_A_STEP:
                return
            document = await self._document(topic)
            if document is None:
                continue
            with self._store.transaction():
                self._store.websub_hub.saw(topic, document.digest, edition)
                if seen is None or _news(seen[0], document.digest):
                    self._store.websub_hub.changed(topic, document.digest, now)
        self._edition = edition

    async def _deliver(self, now: datetime) -> None:
        due = self._store.websub_hub.due(now, AT_ONCE)
        documents = {topic: await self._document(topic) for topic in dict.fromkeys(one.topic for one in due)}
        await asyncio.gather(*(self._hand(one, documents[one.topic], now) for one in due))

    async def _hand(self, to: Subscription, document: Document | None, now: datetime) -> None:
        """Hand a feed to one subscriber, signed where it gave a secret."""
        if document is None:
            self._store.websub_hub.failed(to.subscription_id, "there is no such feed any more", None)
            return
        headers = [("Content-Type", document.content_type), ("Link", document.link)]
        if to.secret:
            headers.append(("X-Hub-Signature", websub_protocol.signature(to.secret, document.body)))
        answer = await fetch.call(
            self._client,
            to.callback,
            limits=self._config.limits,
            method="POST",
            content=document.body,
            headers=headers,
            access=fetch.access.of_callback(to.callback, self._config),
        )
        if isinstance(answer, fetch.Answered) and 200 <= answer.status < 300:
            self._store.websub_hub.delivered(to.subscription_id, document.digest, now)
        elif isinstance(answer, fetch.Answered) and answer.status == 410:
            self._store.websub_hub.end(to.subscription_id)
        else:
            failures = to.failures + 1
            again = now + websub_protocol.wait(failures) if failures < websub_protocol.MAX_FAILURES else None
            self._store.websub_hub.failed(to.subscription_id, _words(answer), again)
            log.info("hub: %s did not take a delivery: %s", host(to.callback), _words(answer))

    # Another's hub.

    async def _tell(self, hub: str, now: datetime) -> None:
        """Tell another's hub which of the main lists changed."""
        if self._told_at is not None and timedelta() <= now - self._told_at < TELL_EVERY:
            return
        edition = self._store.state.edition()
        if edition == self._edition:
            return
        self._told_at = now
        base = self._config.site.url.rstrip("/")
        lists = ["/trending", "/newest", *(f"/category/{quote(one.id)}" for one in self._config.categories)]
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
                log.warning("the hub at %s was not told: %s", host(hub), _words(answer))
                return
        with self._store.transaction():
            for path, digest in changed.items():
                self._store.websub_hub.saw(f"{base}{path}.rss", digest, edition)
        self._edition = edition

    async def _document(self, topic: str) -> Document | None:
        return await asyncio.to_thread(self._press.document, topic)

    async def _get(self, url: str) -> fetch.Answered | Failed:
        access = fetch.access.of_callback(url, self._config)
        return await fetch.call(self._client, url, limits=self._config.limits, access=access)


def _news(before: str, after: str) -> bool:
    return bool(set(after.split()) - set(before.split()))


def _words(answer: fetch.Answered | Failed) -> str:
    return answer.words if isinstance(answer, Failed) else f"answered {answer.status}"
