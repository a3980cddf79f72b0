"""Ask one source for news and remember the answer, in one transaction.

The shell around pure decisions: state, then network, then parsing in its child
process, then disk. The validators are written with the entries that they stand
for, so no crash can leave us with the one and without the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.errors import NotAFeedError
from aggregator.fetch import Client, access, fetch
from aggregator.model import (
    Clock,
    Failed,
    FailureKind,
    FeedState,
    Fetched,
    Limits,
    Outcome,
    ParsedFeed,
    Source,
)
from aggregator.parse import identity
from aggregator.parse.fingerprints import document_alone, document_mark, is_same_document
from aggregator.parse.pool import ParserFailedError, ParserPool
from aggregator.polling import schedule
from aggregator.polling.group_commit import GroupCommit
from aggregator.store import PollRecord, Store, StoreFault
from aggregator.store.websub.subscriptions import Delivery

log = logging.getLogger(__name__)

_OLD = timedelta(days=3)
"""Entries that were published longer ago are told apart on the row: a backlog, and no news."""
_NOTHING = identity.Sorted((), (), (), ())


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll came to."""

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
    source: Source,
    *,
    store: Store,
    client: Client,
    parser: ParserPool,
    limits: Limits,
    clock: Clock,
    jitter: float,
    taken: Collection[str] = (),
    user_agent: str = "",
    network_down: Callable[[FeedState, Outcome], bool] = lambda state, outcome: False,
    commit: GroupCommit | None = None,
    state: FeedState | None = None,
) -> Polled:
    """Ask *source* for news and remember the answer, in one transaction.

    jitter:       in [-1, 1], moves the time of the next poll
    taken:        addresses of the other sources, to which this one never moves
    user_agent:   what the site calls itself; a source may have another
    network_down: told what came of it; says whether nothing at all can be reached
    commit:       by which polls that end together share a transaction; without, it has one of its own
    state:        what is remembered of it, where the caller has just read that
    """
    state = state or store.feeds.state(source.id)
    if state is None:
        raise KeyError(f"source {source.id} was never configured here")
    outcome = await fetch(
        client,
        state.url,
        state.validators,
        limits=limits,
        now=clock(),
        user_agent=source.user_agent or user_agent,
        headers=source.headers,
        home=source.url,
        access=access.of_source(source, limits),
    )
    parsed: ParsedFeed | None = None
    if isinstance(outcome, Fetched):
        try:
            seen = store.feeds.items_seen(source.id)
            mark = document_mark(outcome.body, outcome.content_type, outcome.url, limits) if seen else ""
            # A server that knows no 304 sends the same bytes again; there is nothing in them to be read.
            if not (seen and is_same_document(seen, mark)):
                parsed = await parser.parse(outcome.body, outcome.content_type, outcome.url, limits, seen, mark)
        except NotAFeedError as fault:
            outcome = Failed(FailureKind.NOT_A_FEED, str(fault), outcome.status)
        except ParserFailedError as fault:
            outcome = Failed(FailureKind.PARSER, str(fault), outcome.status)
    now = clock()
    told: list[bool] = []

    def remember() -> Polled:
        # Here, so that it looks at what the polls before it in the same transaction wrote; and once.
        told[:] = told or [network_down(state, outcome)]
        down = told[0]
        return _remember(source, state, outcome, parsed, store=store, now=now, jitter=jitter, taken=taken, down=down)

    try:
        return await commit.run(remember) if commit else remember()
    except StoreFault as fault:
        log.error("%s: what its poll brought could not be stored: %s", source.id, fault)
        failed = Failed(FailureKind.STORAGE, f"could not be stored: {fault}")
        return _remember(source, state, failed, None, store=store, now=now, jitter=jitter, taken=taken, down=False)


def _remember(
    source: Source,
    state: FeedState,
    outcome: Outcome,
    parsed: ParsedFeed | None,
    *,
    store: Store,
    now: datetime,
    jitter: float,
    taken: Collection[str],
    down: bool,
) -> Polled:
    with store.transaction():
        first = state.last_ok_at is None
        found = _take_in(source, parsed, store, now, first_document=first) if parsed else _NOTHING
        new, edited = len(found.new), len(found.edited)
        hub = store.websub_subscriptions.of_source(source.id) if state.hints.hub else None
        if hub and new and state.last_ok_at is not None:
            store.websub_subscriptions.missed(source.id, now)
        after = schedule.after(
            state,
            outcome,
            now,
            poll=source.poll,
            jitter=jitter,
            arrived=[one.draft.published_at for one in found.new],
            hints=parsed.hints if parsed else None,
            words=_words(parsed, found, now),
            taken=taken,
            network_down=down,
            told_by_hub=hub is not None and not new and hub.works(now),
        )
        store.feeds.record(
            after,
            PollRecord(
                at=now,
                kind=after.last_kind,
                words=after.last_words,
                status=after.last_status,
                bytes=outcome.wire_bytes if isinstance(outcome, Fetched) else 0,
                new=new,
                edited=edited,
            ),
        )
    return Polled(source.id, outcome, after, new, edited)


async def take_in_delivery(
    source: Source, delivery: Delivery, *, store: Store, parser: ParserPool, limits: Limits, now: datetime
) -> Polled:
    """Store what a hub delivered, as if a poll had brought it, in one transaction.

    It may hold the news alone, so it says nothing of how the feed is to be polled, and validators stay as they are.
    """
    state = store.feeds.state(source.id)
    if state is None:
        raise KeyError(f"source {source.id} was never configured here")
    outcome = Fetched(delivery.body, delivery.content_type, state.url, state.validators)
    words, found, move_seen_to = "", _NOTHING, state.move_seen_to
    parsed: ParsedFeed | None = None
    try:
        seen = store.feeds.items_seen(source.id)
        parsed = await parser.parse(delivery.body, delivery.content_type, state.url, limits, seen)
    except (NotAFeedError, ParserFailedError) as fault:
        words = f"its hub delivered what cannot be read: {fault}"
    with store.transaction():
        if parsed:
            found = _take_in(source, parsed, store, now, first_document=state.last_ok_at is None)
            words = f"told by its hub: {_words(parsed, found, now)}"
            state = schedule.after(
                state,
                outcome,
                now,
                poll=source.poll,
                arrived=[one.draft.published_at for one in found.new],
                words=words,
                told_by_hub=True,
            )
        new, edited = len(found.new), len(found.edited)
        state = replace(state, last_words=words, last_kind="delivered", move_seen_to=move_seen_to)
        store.feeds.record(state, PollRecord(now, "delivered", words, None, len(delivery.body), new, edited, 0))
        store.websub_subscriptions.taken_in(delivery.delivery_id)
    return Polled(source.id, outcome, state, new, edited)


def _take_in(
    source: Source, parsed: ParsedFeed, store: Store, now: datetime, *, first_document: bool
) -> identity.Sorted:
    """Store what is new, edited or refreshed, and return it.

    first_document: the source never answered before
    """
    arrivals, unchanged = parsed.arrivals, frozenset(parsed.unchanged)
    if not arrivals:
        store.feeds.set_items_seen(source.id, parsed.items_seen)
        return _NOTHING
    known = store.entries.known(source.id, identity.identities(arrivals), identity.links(arrivals))
    # An entry that stands in the document as it was is nothing that another item could be.
    known = [entry for entry in known if entry.identity not in unchanged]
    found = identity.sort_out(arrivals, known)
    if found.new or found.edited or found.refreshed:
        at = store.entries.arrival_moment(now)
        store.entries.add(source.id, found.new, at, first_document=first_document)
        for entry, one in found.edited:
            store.entries.edit(entry.entry_id, one, at)
        for entry, one in found.refreshed:
            store.entries.refresh(entry.entry_id, one)
    stored = {entry.identity for entry in known} | {one.identity for one in found.new}
    plain_case = all(one.identity in stored for one in arrivals)
    seen = parsed.items_seen if plain_case else document_alone(parsed.items_seen)
    store.feeds.set_items_seen(source.id, seen)
    return found


def _words(parsed: ParsedFeed | None, found: identity.Sorted, now: datetime) -> str:
    """Return what the source's row says of a poll that went well."""
    if parsed is None:
        return "nothing new"
    parts = [f"{len(found.new)} new" if found.new else "nothing new"]
    published = [one.draft.published_at for one in found.new]
    if old := sum(moment is not None and now - moment > _OLD for moment in published):
        parts.append(f"{old} of them older than {_OLD.days} days")
    if found.edited:
        parts.append(f"{len(found.edited)} edited")
    if not parsed.arrivals:
        parts = ["a feed without entries"]
    return "; ".join([", ".join(parts), *parsed.notes])
