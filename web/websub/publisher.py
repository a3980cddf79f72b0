"""Notify subscribers of changed feeds: the worker's part of the WebSub hub, and pings to an outside hub.

A step starts due calls without waiting: confirmations and deliveries run concurrently, with limits in total and per
host, so that unresponsive callbacks do not delay others. Rendering feeds gets a limited share of the time.
`subscriber_calls` makes the calls, and `aggregator.websub_protocol` has the rules.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote, urlencode

from aggregator import fetch, websub_protocol
from aggregator.model import Config
from aggregator.store import Store
from aggregator.store.cluster.jobs import JobQueue, NewJob
from aggregator.text.urls import host
from web.syndication import FORMATS
from web.websub.callback_calls import MAX_CALLS_PER_GROUP, CallbackCalls
from web.websub.rendering import Documents, Renderer
from web.websub.subscriber_calls import CONFIRMATIONS, DELIVERIES, SubscriberCalls, new_challenge, words

log = logging.getLogger(__name__)

MAX_DUE = 500
"""Deliveries that are considered in a step."""
LOOK_S = 1.0
"""Seconds of rendering feeds after which the search for changes pauses."""
REST = 9
"""Length of that pause, relative to the rendering: at most a tenth of the time goes into rendering."""
NOTIFY_EVERY = timedelta(minutes=1)
"""Least time between two notifications of an outside hub."""


class Publisher:
    """Confirms subscriptions, finds changes and delivers them, step by step.

    renderer:  renders the feeds
    challenge: returns a secret for the verification of a callback
    ticks:     a monotonic clock, in seconds
    queue:     runs the calls in other processes; None: they run in this one
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        renderer: Renderer,
        challenge: Callable[[], str] = new_challenge,
        ticks: Callable[[], float] = time.monotonic,
        queue: JobQueue | None = None,
    ) -> None:
        self._challenge = challenge
        self._config = config
        self._store = store
        self._ticks = ticks
        self._queue = queue
        self._documents = Documents(store, renderer)
        self._calls = SubscriberCalls(config, store, self._documents, challenge)
        self._client = fetch.Client(config.limits)
        self._confirmations, self._deliveries = CallbackCalls(), CallbackCalls()
        self._looking: asyncio.Task[None] | None = None
        self._rest_until = float("-inf")
        self._edition = -1
        self._notified_at: datetime | None = None

    async def __aenter__(self) -> Publisher:
        await self._calls.__aenter__()
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._under_way():
            task.cancel()
        await self.settle()
        await self._calls.__aexit__()
        await self._client.__aexit__(None, None, None)
        self._documents.close()

    def _under_way(self) -> list[asyncio.Task[None]]:
        looking = [self._looking] if self._looking is not None and not self._looking.done() else []
        return [*self._confirmations.tasks, *self._deliveries.tasks, *looking]

    async def settle(self) -> None:
        """Wait for all running calls."""
        while tasks := self._under_way():
            await asyncio.wait(tasks)
            await asyncio.sleep(0)

    async def reconfigure(self, config: Config) -> None:
        """Continue with other settings; running calls end with the old ones."""
        calls = SubscriberCalls(config, self._store, self._documents, self._challenge)
        client = fetch.Client(config.limits)
        await calls.__aenter__()
        await client.__aenter__()
        old_calls, self._calls = self._calls, calls
        old_client, self._client, self._config = self._client, client, config
        self._documents.forget()
        await self.settle()
        await old_calls.__aexit__()
        await old_client.__aexit__(None, None, None)

    async def step(self, now: datetime) -> None:
        """Start the calls that are due at *now*, without waiting for them."""
        hub = self._config.site.hub
        if hub == "off":
            return
        if hub == "own":
            self._store.websub_hub.end_leases(now)
            if self._queue is None:
                self._start_calls(now)
            else:
                self._put_calls_in(self._queue, now)
        if (self._looking is None or self._looking.done()) and self._ticks() >= self._rest_until:
            work = self._look(now) if hub == "own" else self._notify(hub, now)
            self._looking = asyncio.create_task(work)
            self._looking.add_done_callback(_log_failure)

    def _start_calls(self, now: datetime) -> None:
        for pending in self._store.websub_requests.to_confirm(now, websub_protocol.MAX_PENDING):
            confirm = partial(self._calls.confirm, pending, now)
            if not self._confirmations.start(pending.request_id, pending.request.group, confirm):
                break
        for due in self._store.websub_hub.due(now, MAX_DUE):
            deliver = partial(self._calls.deliver, due, now)
            if not self._deliveries.start(due.subscription_id, websub_protocol.callback_group(due.callback), deliver):
                break

    def _put_calls_in(self, queue: JobQueue, now: datetime) -> None:
        queue.defer_all(
            CONFIRMATIONS,
            [
                _job(CONFIRMATIONS, pending.request_id, pending.request.group)
                for pending in self._store.websub_requests.to_confirm(now, websub_protocol.MAX_PENDING)
            ],
        )
        queue.defer_all(
            DELIVERIES,
            [
                _job(DELIVERIES, due.subscription_id, websub_protocol.callback_group(due.callback))
                for due in self._store.websub_hub.due(now, MAX_DUE)
            ],
        )

    # Distribution: section 7.

    async def _look(self, now: datetime) -> None:
        """Find the feeds that changed since the last edition, and make their deliveries due."""
        edition = self._store.state.edition()
        if edition == self._edition:
            return
        began = self._ticks()
        # The longest unchecked feed comes first, so that no feed starves when editions follow one another.
        for topic in self._store.websub_hub.topics_before(edition):
            if self._ticks() - began >= LOOK_S:
                break
            document = await self._documents.document(topic)
            with self._store.transaction():
                before = self._store.websub_hub.last_check(topic)
                digest = "" if document is None else document.digest
                self._store.websub_hub.note_check(
                    topic, digest if document is not None or before is None else before[0], edition
                )
                if document is not None and (before is None or _news(before[0], digest)):
                    self._store.websub_hub.changed(topic, digest, now)
        else:
            self._edition = edition
        ended = self._ticks()
        self._rest_until = ended + REST * (ended - began)

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
            document = await self._documents.document(f"{base}{path}.rss")
            seen = self._store.websub_hub.last_check(f"{base}{path}.rss")
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
                log.warning("the hub at %s was not notified: %s", host(hub), words(answer))
                return
        with self._store.transaction():
            for path, digest in changed.items():
                self._store.websub_hub.note_check(f"{base}{path}.rss", digest, edition)
        self._edition = edition


def _job(name: str, number: int, group: str) -> NewJob:
    """Return a job for one call; the limit per group of hosts is the same as in one process."""
    return NewJob(str(number), f"{name} {group} {number % MAX_CALLS_PER_GROUP}", {"number": number})


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("hub: checking for changes failed", exc_info=error)


def _news(before: str, after: str) -> bool:
    return bool(set(after.split()) - set(before.split()))
