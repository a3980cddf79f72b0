"""Poll many sources, each when it is due.

    every half second: read due sources from the store -> one task each -> fetch, parse, store -> due again later

Tracks the running polls. The store knows what is due, so restarts, Retry-After and a changed clock need no state here.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from types import TracebackType

from aggregator.errors import LeaseLostError
from aggregator.fetch import Client, access, user_agent
from aggregator.model import Clock, Config, FeedState, Outcome, Source
from aggregator.parse.pool import ParserPool
from aggregator.polling import schedule
from aggregator.polling.group_commit import GroupCommit
from aggregator.polling.items.articles import Articles
from aggregator.polling.poll import PollContext, Polled, poll
from aggregator.store import Store, StoreFault
from aggregator.store.cluster.leases import LEASE_S, RENEW_S, PollLeases, shard_of
from aggregator.text.urls import host

log = logging.getLogger(__name__)

_REST = timedelta(minutes=1)
"""How long a source pauses after a poll that could not be stored (a full disk), so that it is not polled in a loop."""


class Poller:
    """Polls due sources, at most `limits.concurrency` at a time, and stops cleanly.

    rng:      for the jitter of the next poll; seeded by the caller
    finished: called with each stored poll
    leases:   the hosts of this process, if several processes poll; None: all hosts
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        clock: Clock,
        rng: random.Random,
        finished: Callable[[Polled], None] | None = None,
        leases: PollLeases | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._finished = finished or (lambda polled: None)
        self._leases = leases
        self._lease_until_s = self._renew_at_s = 0.0
        self._client = Client(config.limits)
        self._parser = ParserPool()
        self._articles = Articles(store)
        self._active: dict[str, asyncio.Task[None]] = {}
        self._resting: dict[str, datetime] = {}
        self._active_hosts: Counter[str] = Counter()
        self._paused_until_s: dict[str, float] = {}
        self._reach = schedule.Reach()
        self._commit = GroupCommit(store.transaction, lambda: len(self._active))
        self._configure(config)

    def _configure(self, config: Config) -> None:
        self._config = config
        self._sources = {source.id: source for source in config.sources}
        self._urls = Counter(source.url for source in config.sources)
        # A host on the private network may be polled for all its sources at once.
        own = (host(source.url) for source in config.sources if source.allow_private)
        self._private_hosts = frozenset((*config.limits.allow_private, *own))
        self._context = PollContext(
            store=self._store,
            client=self._client,
            parser=self._parser,
            articles=self._articles,
            limits=config.limits,
            clock=self._clock,
            listed_hosts=access.listed_hosts(config.limits),
            user_agent=user_agent(config.site.url),
            commit=self._commit,
            require_lease=self._leases.require if self._leases else lambda host: None,
            network_down=self._network_down,
        )

    async def __aenter__(self) -> Poller:
        # A round allocates hundreds of thousands of objects with few cycles; the default threshold of 700 would
        # collect all the time.
        gc.set_threshold(max(gc.get_threshold()[0], 20_000), 20, 20)
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A cancelled poll stores nothing, so no feed gets a failure because the program stops.
        for task in self._active.values():
            task.cancel()
        await asyncio.gather(*self._active.values(), return_exceptions=True)
        await self._client.__aexit__(kind, value, trace)
        await self._articles.aclose()
        await self._parser.aclose()

    @property
    def context(self) -> PollContext:
        """The context of its polls; `reconfigure` replaces it."""
        return self._context

    async def reconfigure(self, config: Config) -> None:
        """Continue with another configuration; running polls end with the old one."""
        # The client holds the limits, so its polls must end before it is replaced.
        if config.limits != self._config.limits:
            await asyncio.gather(*self._active.values(), return_exceptions=True)
            await self._client.__aexit__(None, None, None)
            self._client = await Client(config.limits).__aenter__()
        self._configure(config)

    def clock_was_set(self, step: timedelta) -> None:
        """Keep all waits unchanged after the system clock was set by *step*.

        Not if several processes poll: the clocks of the others were not set.
        """
        direction = f"{abs(step).total_seconds():,.0f} s {'back' if step < timedelta() else 'forward'}"
        log.warning("the system clock was set %s; the polling schedule moves with it", direction)
        self._resting = {source_id: until + step for source_id, until in self._resting.items()}
        with self._store.transaction():
            self._store.feeds.shift_schedule(step)
            self._store.websub_subscriptions.shift_schedule(step)

    def renew_lease(self) -> None:
        """Extend the lease if it is time to, or if its share of the hosts is not fair yet."""
        assert self._leases is not None
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        if self._leases.is_fair and began_s < self._renew_at_s:
            return
        if not self._leases.renew({shard_of(name) for name in self._active_hosts}):
            log.warning("the lease expired; dropping %d polls in progress", len(self._active))
            for task in self._active.values():
                task.cancel()
        self._renew_at_s = began_s + RENEW_S
        # By the time at which the request left: the server's lease ends later than this.
        self._lease_until_s = began_s + LEASE_S

    def _leased(self) -> frozenset[int] | None:
        """Return the shards that this process may poll now; None: all."""
        if self._leases is None:
            return None
        return self._leases.shards if asyncio.get_running_loop().time() < self._lease_until_s else frozenset()

    def start_due(self, only: Collection[str] | None = None) -> int:
        """Start polling due sources that are not active, or those of *only*; return how many were started."""
        now = self._clock()
        free = self._config.limits.concurrency - len(self._active)
        if free <= 0:
            return 0
        started = 0
        # The store does not know about running polls: a source stays due until its poll is stored.
        # Active and resting sources are skipped below, so request as many more.
        limit = free + len(self._active) + len(self._resting)
        if only is not None and len(only) < len(self._sources):
            limit = len(self._sources)
        now_s = asyncio.get_running_loop().time()
        self._paused_until_s = {name: until_s for name, until_s in self._paused_until_s.items() if until_s > now_s}
        # Sources that a person or a hub asks for are polled although their host has set a limit.
        paused = frozenset(self._paused_until_s) - self._private_hosts if only is None else frozenset()
        busy = [*paused, *(name for name in self._active_hosts if name not in paused and self._is_busy(name))]
        due = self._store.feeds.due(now, limit, busy, self._leased())
        # A query over a network that is cut may hang until the lease has ended.
        if self._leased() == frozenset():
            return 0
        for state in due:
            if started == free:
                break
            name = host(state.url)
            if (only is None or state.source_id in only) and name not in paused and not self._is_busy(name):
                started += self._start(state, name, now)
        return started

    def _is_busy(self, name: str) -> bool:
        """Return whether a host has `limits.per_host` polls; more would wait in slots that others could use."""
        return self._active_hosts.get(name, 0) >= self._config.limits.per_host and name not in self._private_hosts

    async def poll_now(self, source_ids: Collection[str] | None = None) -> None:
        """Poll only these sources, or all that are due, and wait until all are done."""
        if source_ids is not None:
            source_ids = frozenset(source_ids)
            # Requested by a person or a hub, so back-off and Retry-After are ignored once.
            self._store.feeds.make_due(source_ids)
        while self.start_due(source_ids) or self._active:
            await asyncio.wait(self._active.values(), return_when=asyncio.FIRST_COMPLETED)

    def _start(self, state: FeedState, name: str, now: datetime) -> bool:
        source = self._sources.get(state.source_id)
        if source is None or not source.enabled or source.id in self._active:
            return False
        if self._resting.get(source.id, now) > now:
            return False
        # The pause is over; if this poll cannot be stored either, another begins.
        self._resting.pop(source.id, None)
        self._active_hosts[name] += 1
        task = asyncio.create_task(self._poll(source, state, name), name=f"poll {source.id}")
        self._active[source.id] = task
        return True

    async def _poll(self, source: Source, state: FeedState, polled_host: str) -> None:
        taken = _OtherAddresses(self._urls, source.url)
        try:
            polled = await poll(source, state, self._context, jitter=self._rng.uniform(-1, 1), taken=taken)
        except StoreFault as error:
            log.error("%s: the result of its poll could not be stored: %s", source.id, error)
            self._resting[source.id] = self._clock() + _REST
        except LeaseLostError as error:
            log.warning("%s: %s", source.id, error)
        except Exception:
            # A bug that one feed triggers must not stop the others.
            log.exception("%s: the poll failed unexpectedly", source.id)
            self._resting[source.id] = self._clock() + _REST
        else:
            if pause := schedule.pause_of_host(polled.outcome):
                self._paused_until_s[polled_host] = asyncio.get_running_loop().time() + pause.total_seconds()
            if not polled.ok:
                log.warning("%s: %s", source.id, polled.state.last_message)
            self._finished(polled)
        finally:
            # Always release the slot, or a handful of bugs would stop all polling.
            self._active.pop(source.id, None)
            self._active_hosts[polled_host] -= 1
            if not self._active_hosts[polled_host]:
                del self._active_hosts[polled_host]

    def _network_down(self, state: FeedState, outcome: Outcome) -> bool:
        """Return whether the network is down; sources that failed before it was detected are retried soon."""
        before = self._reach
        # The common case: most outcomes of a round of a thousand feeds.
        if not before.unreached and not schedule.is_unreachable(outcome):
            return False
        self._reach = before.with_outcome(state.source_id, host(state.url), outcome, state.failures)
        if self._reach.is_down and not before.is_down:
            log.error("no source can be reached; is this machine connected to the network?")
            retry = self._clock() + schedule.network_retry(self._rng.uniform(-1, 1))
            states = [self._store.feeds.state(source_id) for _, source_id in before.unreached]
            self._store.feeds.reschedule(schedule.no_later(state, retry) for state in states if state is not None)
        return self._reach.is_down


class _OtherAddresses(Collection[str]):
    """The addresses of all sources but one; a view, because each poll needs one."""

    def __init__(self, urls: Counter[str], own: str) -> None:
        self._urls, self._own = urls, own

    def __contains__(self, url: object) -> bool:
        return self._urls[str(url)] > (url == self._own)

    def __iter__(self) -> Iterator[str]:
        return (url for url in self._urls if url in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
