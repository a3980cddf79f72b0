"""Subscribe to the hubs that feeds name: the subscribing half of WebSub, in the worker.

    every 2 s: store deliveries -> subscribe or unsubscribe as the feeds state -> send, renew or retry due requests

Knows which subscriptions should exist, and requests them from hubs before a lease ends. The site confirms them and
stores deliveries, which are parsed here like the document of a poll. Polling continues, less often while a hub delivers
everything. `websub_protocol` has the rules.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from aggregator import fetch, websub_protocol
from aggregator.model import Clock, Config, Failed
from aggregator.polling.poll import store_delivery
from aggregator.polling.poller import Poller
from aggregator.store import Store
from aggregator.store.websub.deliveries import Delivery
from aggregator.store.websub.subscriptions import Subscription

log = logging.getLogger(__name__)

LEASE = timedelta(days=10)
CONFIRM_WITHIN = timedelta(minutes=10)
"""A hub that accepted a request but has not confirmed it by then gets another one."""
_REFUSED_WAIT = timedelta(hours=1)
"""The shortest wait after a refusal by a hub."""
_BATCH = 20


class HubSubscriber:
    """Keeps the subscriptions at hubs up to date.

    base:         the site's public address, without a slash at its end; "" if hubs cannot reach it, and then every
                  subscription ends
    private_hubs: hosts of hubs that may have a private address; only for tests, since feeds name hubs
    """

    def __init__(
        self,
        config: Config,
        *,
        base: str,
        store: Store,
        clock: Clock,
        poller: Poller,
        private_hubs: Collection[str] = (),
    ) -> None:
        self._private_hubs = frozenset(private_hubs)
        self._store = store
        self._clock = clock
        self._poller = poller
        self.reconfigure(config, base)

    def reconfigure(self, config: Config, base: str) -> None:
        """Continue with another configuration."""
        self._config = config
        self._base = base
        self._sources = {source.id: source for source in config.sources if source.enabled}

    async def step(self) -> None:
        """Store deliveries, and send the requests that are due."""
        subscriptions = self._store.websub_subscriptions
        for delivery in self._store.websub_deliveries.waiting(_BATCH):
            await self._store_delivery(delivery)
        self._follow_feeds(self._clock())
        due = subscriptions.due(self._clock(), _BATCH)
        await asyncio.gather(*(self._request(subscription) for subscription in due))

    def _follow_feeds(self, now: datetime) -> None:
        """Subscribe where a feed names a hub; unsubscribe where it no longer does, or the source was removed."""
        subscriptions = self._store.websub_subscriptions
        current = subscriptions.all()
        wanted = self._store.feeds.hubs(self._sources) if self._base else {}
        with self._store.transaction():
            for source_id, (hub, topic) in wanted.items():
                subscription = current.get(source_id)
                if subscription is None or (subscription.hub, subscription.topic) != (hub, topic):
                    token, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
                    subscriptions.want(source_id, hub, topic, token, secret, now)
            for source_id, subscription in current.items():
                if source_id not in wanted and subscription.wanted:
                    subscriptions.drop(source_id, now)

    async def _request(self, subscription: Subscription) -> None:
        """Send a request to subscribe, renew or unsubscribe."""
        failures = subscription.failures + 1
        if subscription.failures >= websub_protocol.MAX_FAILURES and not subscription.wanted:
            self._store.websub_subscriptions.forget(subscription.source_id)  # its lease ends by itself
            return
        response = await fetch.call(
            self._poller.context.client,
            subscription.hub,
            limits=self._config.limits,
            method="POST",
            content=urlencode(self._form(subscription)).encode(),
            headers=[("Content-Type", "application/x-www-form-urlencoded")],
            access=self._access(subscription.source_id),
        )
        wait = websub_protocol.wait(failures)
        if isinstance(response, Failed):
            message = response.message
        elif 200 <= response.status < 300:
            # The hub's confirmation clears the failure.
            message, wait = "requested", max(CONFIRM_WITHIN, wait)
        else:
            message, wait = f"the hub answers {response.status}", max(wait, _REFUSED_WAIT)
        now = self._clock()
        # The hub may have confirmed during the request: then the next one is due before the lease ends.
        after = self._store.websub_subscriptions.of_source(subscription.source_id)
        if after and (after.lease_until, after.token) == (subscription.lease_until, subscription.token):
            self._store.websub_subscriptions.record_request(subscription.source_id, message, failures, now + wait)

    def _form(self, subscription: Subscription) -> dict[str, str]:
        """Return the fields of a request (WebSub, section 5.1)."""
        form = {
            "hub.mode": "subscribe" if subscription.wanted else "unsubscribe",
            "hub.topic": subscription.topic,
            "hub.callback": f"{self._base or self._config.site.url.rstrip('/')}/websub/{subscription.token}",
        }
        if subscription.wanted:
            form |= {"hub.secret": subscription.secret, "hub.lease_seconds": str(int(LEASE.total_seconds()))}
        return form

    def _access(self, source_id: str) -> fetch.Access:
        """Return the access of a request to a hub: a feed names it, so it must not reach private addresses."""
        source = self._sources.get(source_id)
        access = fetch.access.of_feed_content(source) if source else fetch.access.of_others(self._config)
        return replace(access, private_hosts=self._private_hubs)

    async def _store_delivery(self, delivery: Delivery) -> None:
        source = self._sources.get(delivery.source_id)
        if source is None:
            self._store.websub_deliveries.remove(delivery.delivery_id)
            return
        try:
            polled = await store_delivery(source, delivery, self._poller.context)
        except Exception:
            # An internal error with one document must not block the others.
            log.exception("%s: the delivery of its hub could not be stored", source.id)
            self._store.websub_deliveries.remove(delivery.delivery_id)
        else:
            log.info("%s: %s", source.id, polled.state.last_message)
