"""Decide when each feed is polled next, and what state a poll leaves behind.

Knows back-off, Retry-After, the waits that caches, ttl, sy: and skipHours request, permanent redirects, and that an
outage of the local network is not a failure of a feed. Pure: the caller passes the time and a random number; `cadence`
models the feed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aggregator.model import (
    Failed,
    FailureKind,
    FeedState,
    Fetched,
    Hints,
    NotModified,
    Outcome,
    PollLimits,
    Validators,
)
from aggregator.polling.cadence import best_wait, silence, with_arrivals

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)

JITTER = 0.10
"""Random variation of a wait, as a share, so that feeds that became due together spread out again."""

WORTH = timedelta(minutes=5)
"""A feed is polled when that is expected to save its entries this much delay in total.

Chosen by `bench.rhythm` from 5 to 60 minutes: 5 minutes make as many requests as polling news sites every 30 minutes,
with half the median delay. The table is in docs/dev/polling.md."""

HUB_WAIT = timedelta(hours=6)
"""While a hub delivers a feed's entries, the feed is polled this rarely, to check that none is missing."""

NETWORK_RETRY = timedelta(minutes=1)
"""While the local network is down, each feed is retried after one to two of these."""

_OLD = timedelta(days=1)
_LONG_SILENT = timedelta(days=30)
_RATE_LIMIT_PAUSE = timedelta(minutes=1)
_MAX_RATE_LIMIT_PAUSE = timedelta(hours=1)


def next_poll_at(
    state: FeedState, outcome: Outcome, now: datetime, *, poll: PollLimits, jitter: float = 0.0
) -> datetime:
    """Return when to poll this feed next; never sooner than its server allows.

    state:  as before this outcome, except for interval, hints and `fresh_for`, which follow from it
    jitter: a number in [-1, 1]

    Each failure in a row doubles the wait, up to a day. Retry-After is honoured up to a day, even if `poll.max` is
    shorter; what caches and documents request (max-age, ttl, sy:, skipHours, skipDays) up to `poll.max`. After 410 the
    wait is a day: `FeedState.gone` is what ends polling.
    """
    spread = 1 + JITTER * max(-1.0, min(jitter, 1.0))
    interval = _within(state.interval, poll)
    match outcome:
        # The wait hardly matters: `FeedState.gone` ends polling until the operator resumes the source.
        case Failed(kind=FailureKind.GONE):
            return now + DAY
        case Failed(retry_after=requested):
            # The exponent is bounded so that a feed dead for a year does not overflow a timedelta.
            backoff = min(interval * (1 << min(state.failures, 12)), DAY)
            # The longer of the two: a Retry-After of a second after ten failures is the server's default and no
            # promise.
            return now + max(min(backoff * spread, DAY), min(requested or timedelta(), DAY))
        case Fetched() | NotModified():
            earliest = now + _within(interval * spread, poll)
            return _requested_wait(earliest, state.hints, state.fresh_for, now, poll)


def _requested_wait(
    earliest: datetime, hints: Hints, fresh_for: timedelta | None, now: datetime, poll: PollLimits
) -> datetime:
    """Return *earliest*, or a later time that the server or the document requests."""
    # A document may say "yearly"; the operator's `poll.max` bounds every request of this kind.
    longest = now + _within(poll.max, poll)
    for span in (hints.ttl, hints.updated_every, fresh_for):
        if span is not None:
            earliest = max(earliest, now + span)
    return min(_not_skipped(earliest, hints, longest), longest)


def _not_skipped(moment: datetime, hints: Hints, longest: datetime) -> datetime:
    """Return *moment*, or the start of the first later hour that the document does not exclude."""
    if not (hints.skip_hours or hints.skip_days):
        return moment
    # A week has 168 hours, so this ends even if a document skips all of them.
    for _ in range(168):
        if moment >= longest or not (moment.hour in hints.skip_hours or moment.weekday() in hints.skip_days):
            break
        moment = moment.replace(minute=0, second=0, microsecond=0) + HOUR
    return moment


def validators_to_send(state: FeedState, now: datetime) -> Validators:
    """Return what to ask the server with; nothing if its 304s may be wrong.

    Observed: servers whose ETag or Last-Modified never changes answer 304 for ever, although there is news. Rule: if a
    feed is overdue and its last answer was a 304, the first poll of a day asks for the whole document; that of a week
    if it has been silent for a month, since most such feeds have ended.
    """
    if state.last_kind != "not modified" or state.last_polled_at is None:
        return state.validators
    last, today = state.last_polled_at.date(), now.date()
    if last == today:
        return state.validators
    pause = silence(state.arrivals, now)
    if pause is None or pause.overdue_at > now:
        return state.validators
    if now - pause.last_at > _LONG_SILENT and last.isocalendar()[:2] == today.isocalendar()[:2]:
        return state.validators
    return Validators()


def pause_of_host(outcome: Outcome) -> timedelta:
    """Return how long to leave the host of a feed alone after *outcome*.

    A rate limit applies to all feeds of a host: polling the next one would only extend it. At most an hour, because
    the wait in the response for one feed may apply to it alone.
    """
    if not isinstance(outcome, Failed):
        return timedelta()
    if outcome.retry_after is None:
        return _RATE_LIMIT_PAUSE if outcome.status == HTTPStatus.TOO_MANY_REQUESTS else timedelta()
    return min(outcome.retry_after, _MAX_RATE_LIMIT_PAUSE)


def is_due(state: FeedState, now: datetime) -> bool:
    """Return whether *state* is to be polled at *now*.

    A time further away than any wait can be was stored under another clock, so it counts as due.
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
    message: str = "",
    taken: Collection[str] = (),
    network_down: bool = False,
    hub_delivers: bool = False,
) -> FeedState:
    """Return the state of a feed after *outcome*.

    arrived:      the stated date of each new entry
    hints:        of the new document; None keeps those of the last one
    message:      what the source's row says after a success
    taken:        addresses of other sources; a feed never moves to one of them
    network_down: nothing can be reached, so a failure says nothing about this feed
    hub_delivers: its hub delivers its entries, so it is polled more rarely

    `Fetched` means that the document parsed; otherwise the caller passes `Failed(NOT_A_FEED)`.
    """
    if isinstance(outcome, Failed):
        return _failed(state, outcome, now, poll=poll, jitter=jitter, network_down=network_down)
    # Only new entries are evidence of the cadence: an edit may come at any time.
    moments = tuple(arrived)
    arrivals = with_arrivals(state.arrivals, _arrivals(state, moments, now)) if moments else state.arrivals
    # A 304 may leave out what has not changed (RFC 9111, section 4.3.4).
    fresh_for = state.fresh_for if outcome.fresh_for is None else outcome.fresh_for
    # A longer wait would be cut to `poll.max` anyway, so it is not computed.
    interval = _within(best_wait(arrivals, now, WORTH, min(poll.max, DAY)), poll)
    chance = max(-1.0, min(jitter, 1.0))
    earliest = now + _within(interval * (1 + JITTER * chance), poll)
    at = _requested_wait(earliest, state.hints if hints is None else hints, fresh_for, now, poll)
    # Extra waiting that servers requested, for the sources page: it shows that requests are honoured.
    added = at - min(earliest, now + _within(poll.max, poll))
    # The feed is still polled, because a hub may lose a delivery without a sign.
    if hub_delivers:
        at = max(at, now + _within(HUB_WAIT * (1 + JITTER * chance), poll))
    # One `replace` for all fields: a round of a thousand unchanged feeds spends much of its time here.
    return replace(
        state,
        last_polled_at=now,
        fresh_for=fresh_for,
        arrivals=arrivals,
        interval=interval,
        validators=outcome.validators if isinstance(outcome, Fetched) else state.validators.updated(outcome.validators),
        next_poll_at=at,
        failures=0,
        gone=False,
        last_ok_at=now,
        last_new_at=now if moments else state.last_new_at,
        last_message=message,
        last_kind="fetched" if isinstance(outcome, Fetched) else "not modified",
        last_status=outcome.status,
        waits_kept=state.waits_kept + (added > timedelta()),
        waited=state.waited + added,
        **_reformatted(state, hints, now),
        **_moved(state, outcome.moved_to, taken, now),
    )


def rescheduled(state: FeedState, poll: PollLimits) -> FeedState:
    """Return *state* with the next poll as *poll* allows, for a feed whose limits changed since its last poll.

    The back-off of a failing feed stays, as do the waits that the server requested.
    """
    if state.next_poll_at is None or state.last_ok_at is None or state.failures or state.gone:
        return state
    last = state.last_ok_at
    interval = _within(best_wait(state.arrivals, last, WORTH, min(poll.max, DAY)), poll)
    if interval == state.interval:
        at = min(state.next_poll_at, last + _within(poll.max, poll))
    else:
        at = _requested_wait(last + interval, state.hints, state.fresh_for, last, poll)
    return replace(state, interval=interval, next_poll_at=at)


def no_later(state: FeedState, moment: datetime) -> FeedState:
    """Return *state* with the next poll at *moment* if it would be later."""
    at = state.next_poll_at
    return state if at is None or at <= moment else replace(state, next_poll_at=moment)


def _failed(
    state: FeedState, outcome: Failed, now: datetime, *, poll: PollLimits, jitter: float, network_down: bool
) -> FeedState:
    at = next_poll_at(state, outcome, now, poll=poll, jitter=jitter)
    failures, message = state.failures + 1, outcome.message
    if network_down and is_unreachable(outcome):
        at = min(at, now + network_retry(jitter))
        # An hour without a network counts as one failure, not sixty, so that back-off starts afresh once it is back.
        failures = max(state.failures, 1)
        message = f"{message}; no other source answers either"
    return replace(
        state,
        last_polled_at=now,
        next_poll_at=at,
        failures=failures,
        gone=outcome.kind is FailureKind.GONE,
        last_message=message,
        last_kind=outcome.kind.value,
        last_status=outcome.status,
        waits_kept=state.waits_kept + (outcome.retry_after is not None),
    )


def _arrivals(state: FeedState, published: Iterable[datetime | None], now: datetime) -> list[datetime]:
    """Return our best estimate of when the new entries appeared in the feed.

    That is their stated date if it lies between two polls. An entry dated before the last poll appeared later than its
    date; one dated more than a day before is backlog and no evidence of the cadence.
    """
    # The first document is all backlog, but the only evidence of the cadence.
    if state.last_new_at is None or state.last_ok_at is None:
        return [min(moment or now, now) for moment in published]
    last = state.last_ok_at
    recent = [moment for moment in published if moment is None or moment > last - _OLD]
    return [moment if moment is not None and last < moment <= now else now for moment in recent]


def _reformatted(state: FeedState, hints: Hints | None, now: datetime) -> dict[str, Any]:
    """Return the fields that a document's hints change, with a change of its format."""
    if hints is None:
        return {}
    before = state.hints.format
    if before and hints.format and before != hints.format:
        return {"hints": hints, "format_before": before, "format_changed_at": now}
    return {"hints": hints}


def _moved(state: FeedState, moved_to: str, taken: Collection[str], now: datetime) -> dict[str, Any]:
    """Return the fields that a permanent redirect changes: the address, once two polls in a row saw the redirect."""
    # Two, so that a redirect that was a mistake, or that of a captive portal, does not move a feed.
    if not moved_to or moved_to == state.url or moved_to in taken:
        return {"move_seen_to": ""}
    if moved_to == state.move_seen_to:
        return {"url": moved_to, "move_seen_to": "", "moved_from": state.url, "moved_at": now}
    return {"move_seen_to": moved_to}


def _within(interval: timedelta, poll: PollLimits) -> timedelta:
    return max(poll.min, min(interval, poll.max, DAY))


# The local network


def is_unreachable(outcome: Outcome) -> bool:
    """Return whether *outcome* can come from a network outage: no server answered at all."""
    return (
        isinstance(outcome, Failed)
        and outcome.kind in (FailureKind.NETWORK, FailureKind.TIMEOUT)
        and outcome.status is None
    )


def network_retry(jitter: float) -> timedelta:
    """Return the wait before a retry while the network is down: one to two minutes."""
    return NETWORK_RETRY * (1.5 + 0.5 * max(-1.0, min(jitter, 1.0)))


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts that could not be reached since the last answer from any host.

    Observed: a router that restarts makes every feed fail within a minute, and with each feed's own back-off the site
    would stay silent for half an hour afterwards.
    Rule: the network is down when three hosts that had answered before, or were never polled, fail in a row without an
    answer from any host in between. Hosts that have long been dead do not count.
    Known to be wrong: three servers that die in the same quiet minute; they are polled again a minute later.
    """

    unreached: tuple[tuple[str, str], ...] = ()
    """Host and source of each."""

    HOSTS = 3

    @property
    def is_down(self) -> bool:
        """Whether the local network seems to be down."""
        return len({host for host, _ in self.unreached}) >= self.HOSTS

    def with_outcome(self, source_id: str, host: str, outcome: Outcome, failures: int) -> Reach:
        """Return the new value after *outcome* of a source that had *failures* in a row before."""
        if not is_unreachable(outcome):
            return Reach() if self.unreached else self
        if (failures and not self.is_down) or (host, source_id) in self.unreached:
            return self
        return Reach((*self.unreached, (host, source_id)))
