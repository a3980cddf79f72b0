"""Poll one source and store the outcome, in one transaction.

    state -> fetch -> Fetched? -> same bytes as last time? -> parse in a child -> match with stored entries -> commit

The imperative shell around pure decisions: `schedule` decides the new state, `matching` what is new. The validators are
stored together with the entries of their document, so no crash can leave one without the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from aggregator.errors import NotAFeedError
from aggregator.fetch import Client, access, fetch
from aggregator.model import (
    Clock,
    Failed,
    FailureKind,
    FeedState,
    Fetched,
    Hints,
    KnownEntry,
    Limits,
    Outcome,
    ParsedFeed,
    Source,
)
from aggregator.parse.fingerprints import remember
from aggregator.parse.pool import ParserFailedError, ParserPool
from aggregator.polling import matching, schedule
from aggregator.polling.group_commit import GroupCommit
from aggregator.polling.items.articles import Articles
from aggregator.polling.items.title_filters import filtered
from aggregator.store import PollRecord, Store, StoreFault
from aggregator.store.websub.deliveries import Delivery
from aggregator.text.urls import host

log = logging.getLogger(__name__)

_BACKLOG_AGE = timedelta(days=3)
"""Entries that were published longer ago count as backlog on the source's row."""
_NOTHING_MATCHED = matching.Matched((), (), (), ())


@dataclass(frozen=True, slots=True)
class PollContext:
    """The context that all polls of one configuration share."""

    store: Store
    client: Client
    parser: ParserPool
    limits: Limits
    clock: Clock
    listed_hosts: frozenset[str] = frozenset()
    """`access.listed_hosts` of the configuration."""
    user_agent: str = ""
    """The site's user agent; a source may have another one."""
    commit: GroupCommit | None = None
    """Lets polls that end together share a transaction; None: each has its own."""
    articles: Articles | None = None
    """Fetches full texts, if any source wants them."""
    require_lease: Callable[[str], None] = lambda host: None
    """Called with the host in each storing transaction; LeaseLostError if another process polls it."""
    network_down: Callable[[FeedState, Outcome], bool] = lambda state, outcome: False
    """Called with each outcome; returns whether the whole network is unreachable."""


@dataclass(frozen=True, slots=True)
class Polled:
    """The result of one poll."""

    source_id: str
    outcome: Outcome
    state: FeedState
    new: int = 0
    edited: int = 0

    @property
    def ok(self) -> bool:
        """Whether the server answered as a feed does."""
        return not isinstance(self.outcome, Failed)


async def poll(
    source: Source, state: FeedState, context: PollContext, *, jitter: float, taken: Collection[str] = ()
) -> Polled:
    """Fetch *source*, whose stored state is *state*, and store the outcome.

    jitter: in [-1, 1], moves the time of the next poll
    taken:  addresses of the other sources, to which this one never moves

    LeaseLostError if another process polls its host by now; nothing was stored.
    """
    now = context.clock()
    outcome = await fetch(
        context.client,
        state.url,
        schedule.validators_to_send(state, now),
        limits=context.limits,
        now=now,
        user_agent=source.user_agent or context.user_agent,
        headers=source.headers,
        home=source.url,
        access=access.of_source(source, context.listed_hosts),
    )
    parsed: ParsedFeed | None = None
    if isinstance(outcome, Fetched):
        try:
            parsed = await _parse_if_changed(source, outcome, context)
            parsed = await _with_articles(source, filtered(source, parsed), context) if parsed else None
        except NotAFeedError as error:
            outcome = Failed(FailureKind.NOT_A_FEED, str(error), outcome.status)
        except ParserFailedError as error:
            outcome = Failed(FailureKind.PARSER, str(error), outcome.status)
    # The clock is read again: fetching and parsing may have taken a minute, and waits count from the end of a poll.
    result = PollResult(source, state, outcome, parsed, context.clock(), jitter, taken, context.require_lease)
    unreachable: list[bool] = []

    def write() -> Polled:
        # Decided here, after the polls that come first in the same transaction; and once, because the write may be
        # repeated.
        unreachable[:] = unreachable or [context.network_down(state, outcome)]
        return result.store(context.store, network_down=unreachable[0])

    try:
        return await context.commit.run(write) if context.commit else write()
    except StoreFault as error:
        log.error("%s: the result of its poll could not be stored: %s", source.id, error)
        # A result that cannot be stored is a failed poll of that source: without a new due time it would be polled in a
        # loop.
        failed = Failed(FailureKind.STORAGE, f"could not be stored: {error}")
        return replace(result, outcome=failed, parsed=None).store(context.store, network_down=False)


async def _parse_if_changed(source: Source, document: Fetched, context: PollContext) -> ParsedFeed | None:
    """Return the parsed *document*; None if its bytes equal those that were stored last.

    Servers without 304 send the same bytes again.
    """
    memory = context.store.feeds.document_memory(source.id)
    limits = context.limits
    # Comparing here saves the child process work: many servers answer 200 with the same bytes as last time.
    if memory.stored:
        memory = remember(memory, document.body, document.content_type, document.url, limits)
        if memory.is_unchanged:
            return None
    return await context.parser.parse(document.body, document.content_type, document.url, limits, memory)


async def _with_articles(source: Source, parsed: ParsedFeed, context: PollContext) -> ParsedFeed:
    """Return *parsed* with the full text of its items, if the source wants it."""
    if not source.full_text or context.articles is None or not parsed.arrivals:
        return parsed
    return await context.articles.complete(
        source,
        parsed,
        client=context.client,
        limits=context.limits,
        listed_hosts=context.listed_hosts,
        user_agent=context.user_agent,
        now=context.clock(),
    )


@dataclass(frozen=True, slots=True)
class PollResult:
    """The values that storing a poll needs."""

    source: Source
    before: FeedState
    outcome: Outcome
    parsed: ParsedFeed | None
    now: datetime
    jitter: float
    taken: Collection[str]
    require_lease: Callable[[str], None] = lambda host: None

    def store(self, store: Store, *, network_down: bool) -> Polled:
        """Write entries and state in one transaction."""
        source, before, parsed = self.source, self.before, self.parsed
        subscriptions = store.websub_subscriptions
        with store.transaction():
            self.require_lease(host(before.url))
            matched = _store_entries(source, parsed, store, self.now, before) if parsed else _NOTHING_MATCHED
            new, edited = len(matched.new), len(matched.edited)
            subscription = subscriptions.of_source(source.id) if before.hints.hub else None
            # The hub never delivers the entries of the first document.
            if subscription and new and before.last_ok_at is not None:
                subscriptions.record_missed(source.id, self.now)
            hints = _hints(parsed) if parsed else None
            after = schedule.after(
                before,
                self.outcome,
                self.now,
                poll=source.poll,
                jitter=self.jitter,
                arrived=[arrival.draft.published_at for arrival in matched.new],
                hints=hints,
                # A 304, or the same bytes again, has no hints; those of the last document still apply.
                message=_message(matched, hints or before.hints, self.now),
                taken=self.taken,
                network_down=network_down,
                hub_delivers=subscription is not None and not new and subscription.works(self.now),
            )
            store.feeds.record(
                after,
                PollRecord(
                    at=self.now,
                    kind=after.last_kind,
                    message=after.last_message,
                    status=after.last_status,
                    bytes=self.outcome.wire_bytes if isinstance(self.outcome, Fetched) else 0,
                    new=new,
                    edited=edited,
                ),
            )
        return Polled(source.id, self.outcome, after, new, edited)


async def store_delivery(source: Source, delivery: Delivery, context: PollContext) -> Polled:
    """Store what a hub delivered, as if a poll had fetched it, in one transaction."""
    done = partial(context.store.websub_deliveries.remove, delivery.delivery_id)
    return await store_document(source, delivery.body, delivery.content_type, context, sender="its hub", done=done)


async def store_document(
    source: Source, body: bytes, content_type: str, context: PollContext, *, sender: str, done: Callable[[], None]
) -> Polled:
    """Store a document that was sent to us, as if a poll had fetched it, in one transaction.

    It may contain only the news, so it does not change the polling of the feed, and the validators stay.

    sender: the sender, for the source's row
    done:   called inside the transaction
    """
    store, now = context.store, context.clock()
    state = store.feeds.state(source.id)
    if state is None:
        raise KeyError(f"source {source.id} was never configured here")
    outcome = Fetched(body, content_type, state.url, state.validators)
    # A delivery is not a response of the feed's address, so it neither confirms nor resets a redirect.
    message, matched, move_seen_to = "", _NOTHING_MATCHED, state.move_seen_to
    parsed: ParsedFeed | None = None
    try:
        memory = store.feeds.document_memory(source.id)
        parsed = await context.parser.parse(body, content_type, state.url, context.limits, memory)
        parsed = await _with_articles(source, filtered(source, parsed), context)
    except (NotAFeedError, ParserFailedError) as error:
        message = f"{sender} delivered a document that cannot be read: {error}"
    with store.transaction():
        if parsed:
            matched = _store_entries(source, parsed, store, now, state)
            message = f"delivered by {sender}: {_message(matched, _hints(parsed), now)}"
            state = schedule.after(
                state,
                outcome,
                now,
                poll=source.poll,
                arrived=[arrival.draft.published_at for arrival in matched.new],
                message=message,
                hub_delivers=True,
            )
        new, edited = len(matched.new), len(matched.edited)
        state = replace(state, last_message=message, last_kind="delivered", move_seen_to=move_seen_to)
        store.feeds.record(state, PollRecord(now, "delivered", message, None, len(body), new, edited, 0))
        done()
    return Polled(source.id, outcome, state, new, edited)


def _store_entries(
    source: Source, parsed: ParsedFeed, store: Store, now: datetime, before: FeedState
) -> matching.Matched:
    """Store the entries that are new, edited or refreshed, and return how they match what was stored."""
    arrivals, unchanged = parsed.arrivals, frozenset(parsed.unchanged)
    if not arrivals:
        store.feeds.remember_document(source.id, parsed.memory)
        return _NOTHING_MATCHED
    # A hub's delivery may be stored at the same time: the stored entries must not change in between.
    store.known_entries.lock(source.id)
    candidates: list[KnownEntry] = []
    # The first document of a source has nothing to compare with, and usually more items than any later one.
    if before.last_ok_at is not None or store.known_entries.any_of(source.id):
        candidates = store.known_entries.by_identity(source.id, matching.identities(arrivals), matching.links(arrivals))
    # A second lookup by date and title, only for items without a match, because each costs a query.
    if before.last_ok_at is not None and (wanted := matching.alike(arrivals, candidates)):
        present = {entry.entry_id for entry in candidates}
        more = store.known_entries.by_text(source.id, wanted.dates, wanted.titles)
        candidates += [entry for entry in more if entry.entry_id not in present]
    # An entry that is unchanged in the document cannot be another one of its items.
    candidates = [entry for entry in candidates if entry.identity not in unchanged]
    matched = matching.match(arrivals, candidates)
    if matched.new or matched.edited or matched.refreshed:
        at = store.entries.arrival_moment(now)
        store.entries.add(source.id, matched.new, at, first_document=before.last_ok_at is None)
        for entry, arrival in matched.edited:
            store.entries.edit(entry.entry_id, arrival, at)
        for entry, arrival in matched.refreshed:
            store.entries.refresh(entry.entry_id, arrival)
        # A refreshed entry keeps its title and summary, so no story changes and the engine needs no step.
        if matched.new or matched.edited:
            store.pending_steps.add_poll(source.id, at)
    stated, new = ({arrival.identity for arrival in group} for group in (arrivals, matched.new))
    # If an item is stored under another identity, its fingerprint would hide it from the next poll.
    all_stored = stated <= new | {entry.identity for entry in candidates} and new <= stated
    memory = parsed.memory if all_stored else parsed.memory.without_items()
    store.feeds.remember_document(source.id, memory)
    return matched


def _hints(parsed: ParsedFeed) -> Hints:
    """Return the hints of a document, with the notes that its row repeats until the document changes."""
    empty = not parsed.arrivals and not parsed.unchanged
    if not parsed.notes and not empty:
        return parsed.hints
    return replace(parsed.hints, notes=parsed.notes, empty=empty)


def _message(matched: matching.Matched, hints: Hints, now: datetime) -> str:
    """Return the message on the source's row after a successful poll; *hints* belong to the current document."""
    if hints.empty:
        return "; ".join(["a feed without entries", *hints.notes])
    parts = [f"{len(matched.new)} new" if matched.new else "nothing new"]
    published = [arrival.draft.published_at for arrival in matched.new]
    if backlog := sum(moment is not None and now - moment > _BACKLOG_AGE for moment in published):
        parts.append(f"{backlog} of them older than {_BACKLOG_AGE.days} days")
    if matched.edited:
        parts.append(f"{len(matched.edited)} edited")
    return "; ".join([", ".join(parts), *hints.notes])
