"""Be told of news by the hubs that feeds name: the subscribing half of WebSub, in the worker.

Knows which subscriptions there should be and asks hubs for them, before a lease ends again. The site confirms them
and keeps what hubs deliver ; here that is read like the document of a poll. Polls go on beside it, more
rarely while a hub tells of everything, as often as ever when it does not. Leaves the rules to `websub`, remembering to
`store.subscriptions`.
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
from aggregator.model import Clock, Config, Failed, Source
from aggregator.polling.poll import Polled, store_delivery
from aggregator.polling.poller import Poller
from aggregator.store import Store
from aggregator.store.websub.subscriptions import Delivery, Subscription

log = logging.getLogger(__name__)

LEASE = timedelta(days=10)
CONFIRM_WITHIN = timedelta(minutes=10)
"""A hub that took a request and has not confirmed it by then is asked again."""
_AT_ONCE = 20


class Hubs:
    """Keeps subscriptions what they should be.

    base: the site's address, without a slash at its end, where hubs can reach it; "" where they cannot, and then
          every subscription is ended
    private_hubs: hosts of hubs that may have a private address; none but in tests, since feeds name hubs
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
        self.reconfigure(config, base)
        self._store = store
        self._clock = clock
        self._poller = poller

    def reconfigure(self, config: Config, base: str) -> None:
        """Go on with another configuration."""
        self._config = config
        self._base = base
        self._sources = {source.id: source for source in config.sources if source.enabled}

    async def step(self) -> None:
        """Take in what was delivered, and ask the hubs that are to be asked."""
        for delivery in self._store.websub_subscriptions.deliveries(_AT_ONCE):
            await self._take_in(delivery)
        self._follow_the_feeds(self._clock())
        due = self._store.websub_subscriptions.due(self._clock(), _AT_ONCE)
        await asyncio.gather(*(self._ask(one) for one in due))

    def _follow_the_feeds(self, now: datetime) -> None:
        """Begin a subscription where a feed names a hub, end it where it does no longer, or nobody wants it."""
        held = self._store.websub_subscriptions.all()
        wanted = self._store.feeds.hubs(self._sources) if self._base else {}
        with self._store.transaction():
            for source_id, (hub, topic) in wanted.items():
                one = held.get(source_id)
                if one is None or (one.hub, one.topic) != (hub, topic):
                    token, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
                    self._store.websub_subscriptions.want(source_id, hub, topic, token, secret, now)
            for source_id, one in held.items():
                if source_id not in wanted and one.wanted:
                    self._store.websub_subscriptions.drop(source_id, now)

    async def _ask(self, one: Subscription) -> None:
        """Ask a hub to subscribe us, again where the lease is about to end, or to forget us."""
        now = self._clock()
        if one.failures >= websub_protocol.MAX_FAILURES and not one.wanted:
            self._store.websub_subscriptions.forget(one.source_id)  # its lease will end by itself
            return
        form = {
            "hub.mode": "subscribe" if one.wanted else "unsubscribe",
            "hub.topic": one.topic,
            "hub.callback": f"{self._base or self._config.site.url.rstrip('/')}/websub/{one.token}",
        }
        if one.wanted:
            form |= {"hub.secret": one.secret, "hub.lease_seconds": str(int(LEASE.total_seconds()))}
        answer = await fetch.call(
            self._poller.context.client,
            one.hub,
            limits=self._config.limits,
            method="POST",
            content=urlencode(form).encode(),
            headers=[("Content-Type", "application/x-www-form-urlencoded")],
            access=self._access(one.source_id),
        )
        if isinstance(answer, Failed):
            words, wait = answer.words, websub_protocol.wait(one.failures + 1)
        elif 200 <= answer.status < 300:
            # The failure is taken back by the hub's confirmation.
            words, wait = "asked", max(CONFIRM_WITHIN, websub_protocol.wait(one.failures + 1))
        else:
            words, wait = (
                f"the hub answers {answer.status}",
                max(websub_protocol.wait(one.failures + 1), timedelta(hours=1)),
            )
        now = self._clock()
        # The hub may have confirmed while it was being asked: then it is asked again before the lease ends.
        after = self._store.websub_subscriptions.of_source(one.source_id)
        if after is not None and after.lease_until == one.lease_until and after.token == one.token:
            self._store.websub_subscriptions.asked(one.source_id, words, one.failures + 1, now + wait)

    def _access(self, source_id: str) -> fetch.Access:
        """Return what a request to a hub may do: a feed names it, so it never reaches a private address by itself."""
        source = self._sources.get(source_id)
        way = fetch.access.of_feed_content(source) if source else fetch.access.of_others(self._config)
        return replace(way, private_hosts=self._private_hubs)

    async def _take_in(self, delivery: Delivery) -> None:
        source = self._sources.get(delivery.source_id)
        if source is None:
            self._store.websub_subscriptions.taken_in(delivery.delivery_id)
            return
        try:
            polled = await self._read(source, delivery)
        except Exception:
            # A fault of ours with one document must not keep the others waiting for ever.
            log.exception("%s: what its hub delivered could not be taken in", source.id)
            self._store.websub_subscriptions.taken_in(delivery.delivery_id)
        else:
            log.info("%s: %s", source.id, polled.state.last_message)

    async def _read(self, source: Source, delivery: Delivery) -> Polled:
        return await store_delivery(source, delivery, self._poller.context)
