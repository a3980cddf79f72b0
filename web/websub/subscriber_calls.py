"""Calls to subscribers' callbacks: verification of subscriptions, and delivery of changed feeds.

In the worker they run concurrently, with a limit. With PostgreSQL each is a job of the queue, which any scorer or
standby runs. A job whose call is no longer due does nothing, so a repeated job delivers nothing twice.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator import fetch, websub_protocol
from aggregator.model import Config, Failed, Limits
from aggregator.store import Store
from aggregator.store.websub.hub import HubRequest, Subscription
from aggregator.text.ip_addresses import is_public_host
from aggregator.text.urls import host
from web.http.clients import network
from web.websub.rendering import Documents

log = logging.getLogger(__name__)

MAX_OF_A_NETWORK = 120
"""Limit of subscriptions per IP address; more than per domain, since hosts share addresses."""
CALLBACK_TIMEOUT = timedelta(seconds=10)
CONFIRMATIONS, DELIVERIES = "hub confirmations", "hub deliveries"
"""The names of the jobs that make one call each."""


def new_challenge() -> str:
    """Return a secret for the verification of a callback."""
    return secrets.token_urlsafe(24)


class SubscriberCalls:
    """Makes calls with the settings of one configuration.

    challenge: returns a secret for the verification of a callback
    """

    def __init__(
        self, config: Config, store: Store, documents: Documents, challenge: Callable[[], str] = new_challenge
    ) -> None:
        self._config = config
        self._store = store
        self._documents = documents
        self._challenge = challenge
        self._client = fetch.Client(_callback_limits(config))

    async def __aenter__(self) -> SubscriberCalls:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def confirm_by_id(self, request_id: int, now: datetime) -> None:
        """Verify a request, if that is due."""
        if pending := self._store.websub_requests.due_by_id(request_id, now):
            await self.confirm(pending, now)

    async def deliver_by_id(self, subscription_id: int, now: datetime) -> None:
        """Deliver a feed to a subscriber, if that is due."""
        if due := self._store.websub_hub.due_by_id(subscription_id, now):
            await self.deliver(due, now)

    # Verification of intent: section 5.3 of the recommendation.

    async def confirm(self, pending: HubRequest, now: datetime) -> None:
        """Verify a request at its callback, and store the result."""
        request = pending.request
        document = await self._documents.document(request.topic)
        if document is None and request.mode == "subscribe":
            await self._deny(pending, "there is no such feed here")
            return
        challenge = self._challenge()
        answer = await self._get(websub_protocol.verification(request, challenge))
        if isinstance(answer, fetch.Answered) and 200 <= answer.status < 300 and answer.body == challenge.encode():
            subscriber = network(answer.peer) if answer.peer else ""
            if request.mode == "subscribe" and self._store.websub_hub.is_full(request, subscriber, MAX_OF_A_NETWORK):
                await self._deny(pending, "this hub has reached its limit of subscriptions for that address")
                return
            with self._store.transaction():
                self._store.websub_requests.answered(pending.request_id)
                if request.mode == "unsubscribe":
                    self._store.websub_hub.unsubscribe(request.topic, request.callback)
                elif document is not None:
                    self._store.websub_hub.subscribe(request, document.digest, subscriber, now)
                    if self._store.websub_hub.last_check(request.topic) is None:
                        self._store.websub_hub.note_check(request.topic, document.digest, self._store.state.edition())
            return
        # Any other response means no. Without a response it is tried again; no response then means no, too.
        if isinstance(answer, Failed) and answer.kind != "refused address" and pending.failures < 2:
            self._store.websub_requests.put_off(pending.request_id, now + websub_protocol.wait(pending.failures + 1))
        else:
            self._store.websub_requests.answered(pending.request_id)
        log.info("hub: %s did not confirm: %s", host(request.callback), words(answer))

    async def _deny(self, pending: HubRequest, reason: str) -> None:
        self._store.websub_requests.answered(pending.request_id)
        await self._get(websub_protocol.denial(pending.request.callback, pending.request.topic, reason))

    # Distribution: section 7.

    async def deliver(self, to: Subscription, now: datetime) -> None:
        """Deliver a feed to one subscriber, signed if it gave a secret."""
        document = await self._documents.document(to.topic)
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
            self._store.websub_hub.failed(to.subscription_id, words(answer), again)
            log.info("hub: %s rejected a delivery: %s", host(to.callback), words(answer))

    async def _get(self, url: str) -> fetch.Answered | Failed:
        access = _access_of_callback(url, self._config)
        return await fetch.call(self._client, url, limits=_callback_limits(self._config), access=access)


def _callback_limits(config: Config) -> Limits:
    return replace(config.limits, fetch=min(CALLBACK_TIMEOUT, config.limits.fetch))


def _access_of_callback(url: str, config: Config) -> fetch.Access:
    """Return the access of a call to a subscriber.

    If the site is public, anybody can name a callback, so none may reach the operator's network except those in
    `allow_private_callbacks`. The subscribers of a site in a private network are in that network: they may also be
    hosts of `allow_private`.
    """
    access = fetch.access.of_callback(url, config)
    name = host(url)
    if is_public_host(host(config.site.url)) or name not in {
        allowed.lower() for allowed in config.limits.allow_private
    }:
        return access
    return replace(access, private_hosts=access.private_hosts | {name})


def words(answer: fetch.Answered | Failed) -> str:
    return answer.message if isinstance(answer, Failed) else f"answered {answer.status}"
