"""Decide when each feed is polled, and what its poll leaves behind.

Knows manners: back-off, Retry-After, what caches, ttl, sy: and skipHours ask for, addresses that moved, and
that a network of our own that is down is no fault of any feed. The feed's rhythm is known to `rhythm`. Leaves
asking to `fetch`, remembering to `store`, and the clock and all chance to the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.model import Failed, FailureKind, FeedState, Fetched, Hints, NotModified, Outcome, PollLimits
from aggregator.polling.cadence import best_wait, with_arrivals

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)

JITTER = 0.10
"""Share of a wait by which it is moved to and fro, so that feeds that fell together part again."""

WORTH = timedelta(minutes=5)
"""A request is made when it saves entries about so much delay together.

Replayed from 5 to 60 minutes over two months of news sites and eight of AI press: 5 minutes cost as many requests
as the fixed factors before, and halve the mean delay. The table is in docs/dev/polling.md."""

HUB_WAIT = timedelta(hours=6)
"""While a hub delivers a feed's entries, the feed is polled this rarely, to check that none is missing."""

NETWORK_RETRY = timedelta(minutes=1)
"""While nothing at all can be reached, each feed is tried again after one to two of these."""

_OLD = timedelta(days=1)


def next_poll_at(
    state: FeedState, outcome: Outcome, now: datetime, *, poll: PollLimits, jitter: float = 0.0
) -> datetime:
    """Return when to ask this feed again; never sooner than its server allows.

    state:  as it was before this outcome, but for interval, hints and `fresh_for`, which are of this outcome
    jitter: a number in [-1, 1]

    Each failure in a row doubles the wait, up to a day. What a server asks for with Retry-After is
    kept up to a day, even where `poll.max` is shorter; what caches and documents ask for (max-age, ttl, sy:,
    skipHours, skipDays) is kept up to `poll.max`. Gone (410) is a day: `FeedState.gone` is what ends polling.
    """
    spread = 1 + JITTER * max(-1.0, min(jitter, 1.0))
    interval = _within(state.interval, poll)
    match outcome:
        case Failed(kind=FailureKind.GONE):
            return now + DAY
        case Failed(retry_after=asked_for):
            # The exponent is bounded so that a feed dead for a year does not overflow a timedelta.
            backoff = min(interval * (1 << min(state.failures, 12)), DAY)
            return now + max(min(backoff * spread, DAY), min(asked_for or timedelta(), DAY))
        case Fetched() | NotModified():
            rested = now + _within(interval * spread, poll)
            return _requested_wait(rested, state.hints, state.fresh_for, now, poll)


def _requested_wait(
    rested: datetime, hints: Hints, fresh_for: timedelta | None, now: datetime, poll: PollLimits
) -> datetime:
    """Return *rested*, or the moment after it until which server and document want to be left alone."""
    longest = now + _within(poll.max, poll)
    for span in (hints.ttl, hints.updated_every, fresh_for):
        if span is not None:
            rested = max(rested, now + span)
    return min(_not_skipped(rested, hints, longest), longest)


def _not_skipped(moment: datetime, hints: Hints, longest: datetime) -> datetime:
    """Return *moment*, or the start of the first hour after it that the document does not want skipped."""
    if not (hints.skip_hours or hints.skip_days):
        return moment
    # A week has 168 hours; after that nothing is left to be found.
    for _ in range(168):
        if moment >= longest or not (moment.hour in hints.skip_hours or moment.weekday() in hints.skip_days):
            break
        moment = moment.replace(minute=0, second=0, microsecond=0) + HOUR
    return moment


def is_due(state: FeedState, now: datetime) -> bool:
    """Return whether *state* is to be polled at *now*.

    A time further off than any wait can be was set under another clock, so it counts as due.
    """
    if state.gone:
        return False
    return state.next_poll_at is None or state.next_poll_at <= now or state.next_poll_at > now + DAY


def after(
    state: FeedState,
    outcome: Outcome,
    now: datetime,
    *,
    poll: PollLimits,
    jitter: float = 0.0,
    arrived: Iterable[datetime | None] = (),
    hints: Hints | None = None,
    words: str = "",
    taken: Collection[str] = (),
    network_down: bool = False,
    told_by_hub: bool = False,
) -> FeedState:
    """Return what to remember of a feed once *outcome* is dealt with.

    arrived:      for each entry that it brought and that was not known, when the feed says it was published
    hints:        of the document that came; None keeps those of the last one
    words:        what to say of a success on the source's row
    taken:        addresses of other sources; a feed never moves to one of them
    network_down: nothing at all can be reached, so a failure says nothing about this feed
    told_by_hub:  its hub delivers its entries, so that it is polled more rarely

    A `Fetched` stands for a document that parsed: one that did not is a `Failed(NOT_A_FEED)` by then.
    """
    if isinstance(outcome, Failed):
        return _failed(state, outcome, now, poll=poll, jitter=jitter, network_down=network_down)
    moments = tuple(arrived)
    arrivals = with_arrivals(state.arrivals, _arrivals(state, moments, now)) if moments else state.arrivals
    # A 304 may leave out what has not changed (RFC 9111, section 4.3.4).
    fresh_for = state.fresh_for if outcome.fresh_for is None else outcome.fresh_for
    # No further than to where the operator ends it anyway.
    interval = _within(best_wait(arrivals, now, WORTH, min(poll.max, DAY)), poll)
    chance = max(-1.0, min(jitter, 1.0))
    rested = now + _within(interval * (1 + JITTER * chance), poll)
    at = _requested_wait(rested, state.hints if hints is None else hints, fresh_for, now, poll)
    kept = at - min(rested, now + _within(poll.max, poll))
    if told_by_hub:
        at = max(at, now + _within(HUB_WAIT * (1 + JITTER * chance), poll))
    # One copy and not one for each of these: a round of a thousand quiet feeds is made of little else.
    return replace(
        state,
        last_polled_at=now,
        fresh_for=fresh_for,
        arrivals=arrivals,
        interval=interval,
        validators=outcome.validators if isinstance(outcome, Fetched) else state.validators,
        next_poll_at=at,
        failures=0,
        gone=False,
        last_ok_at=now,
        last_new_at=now if moments else state.last_new_at,
        last_message=words,
        last_kind="fetched" if isinstance(outcome, Fetched) else "not modified",
        last_status=outcome.status,
        waits_kept=state.waits_kept + (kept > timedelta()),
        waited=state.waited + kept,
        **_reformatted(state, hints, now),
        **_moved(state, outcome.moved_to, taken, now),
    )


def _failed(
    state: FeedState, outcome: Failed, now: datetime, *, poll: PollLimits, jitter: float, network_down: bool
) -> FeedState:
    at, failures, words = (
        next_poll_at(state, outcome, now, poll=poll, jitter=jitter),
        state.failures + 1,
        outcome.message,
    )
    if network_down and is_unreachable(outcome):
        at = min(at, now + network_retry(jitter))
        # An hour without a network is one failure of ours and not sixty of the feed's.
        failures = max(state.failures, 1)
        words = f"{words}; no other source answers either"
    return replace(
        state,
        last_polled_at=now,
        next_poll_at=at,
        failures=failures,
        gone=outcome.kind is FailureKind.GONE,
        last_message=words,
        last_kind=outcome.kind.value,
        last_status=outcome.status,
        waits_kept=state.waits_kept + (outcome.retry_after is not None),
    )


def _arrivals(state: FeedState, published: Iterable[datetime | None], now: datetime) -> list[datetime]:
    """Return our best estimate of when the new entries appeared in the feed.

    That is when they say they were published, where that lies between two polls. A date before the last poll
    means that they appeared later than they say; one of days before is a backlog and tells of no rhythm.
    """
    if state.last_new_at is None or state.last_ok_at is None:
        return [min(moment or now, now) for moment in published]
    last = state.last_ok_at
    recent = [moment for moment in published if moment is None or moment > last - _OLD]
    return [moment if moment is not None and last < moment <= now else now for moment in recent]


def _reformatted(state: FeedState, hints: Hints | None, now: datetime) -> dict[str, Any]:
    """Return what changes by what a document says of itself, also when it is of another format than the last."""
    if hints is None:
        return {}
    before = state.hints.format
    if before and hints.format and before != hints.format:
        return {"hints": hints, "format_before": before, "format_changed_at": now}
    return {"hints": hints}


def _moved(state: FeedState, moved_to: str, taken: Collection[str], now: datetime) -> dict[str, Any]:
    """Return what changes by a permanent redirect: it is followed for good once two polls in a row saw it."""
    if not moved_to or moved_to == state.url or moved_to in taken:
        return {"move_seen_to": ""}
    if moved_to == state.move_seen_to:
        return {"url": moved_to, "move_seen_to": "", "moved_from": state.url, "moved_at": now}
    return {"move_seen_to": moved_to}


def _within(interval: timedelta, poll: PollLimits) -> timedelta:
    return max(poll.min, min(interval, poll.max, DAY))


# Our own network


def is_unreachable(outcome: Outcome) -> bool:
    """Return whether *outcome* is one that a network which is down gives: nobody answered at all."""
    return (
        isinstance(outcome, Failed)
        and outcome.kind in (FailureKind.NETWORK, FailureKind.TIMEOUT)
        and outcome.status is None
    )


def network_retry(jitter: float) -> timedelta:
    """Return how soon to try again while the network is down: one to two minutes."""
    return NETWORK_RETRY * (1.5 + 0.5 * max(-1.0, min(jitter, 1.0)))


@dataclass(frozen=True, slots=True)
class Reach:
    """Who could not be reached since anybody last answered.

    Observed: a router that restarts makes every feed fail within a minute, and by each feed's own back-off the
    site would stay silent for half an hour after it is back.
    Rule: three hosts that had answered before, or were never polled, fail one after the other with no answer from
    anybody in between. Hosts that have long been dead say nothing.
    Known to be wrong: three servers that die in the same quiet minute; they are polled again a minute later.
    """

    unreached: tuple[tuple[str, str], ...] = ()
    """Host and source of each."""

    HOSTS = 3

    @property
    def is_down(self) -> bool:
        """Whether our own network seems to be down."""
        return len({host for host, _ in self.unreached}) >= self.HOSTS

    def with_outcome(self, source_id: str, host: str, outcome: Outcome, failures: int) -> Reach:
        """Return what is known after *outcome*; *failures* in a row there were before it."""
        if not is_unreachable(outcome):
            return Reach() if self.unreached else self
        if (failures and not self.is_down) or (host, source_id) in self.unreached:
            return self
        return Reach((*self.unreached, (host, source_id)))
