"""Decide when each feed is polled, and what its poll leaves behind.

Knows publishing rhythm, back-off, Retry-After and addresses that moved. Leaves asking to
`fetch`, remembering to `store`, and the clock and all chance to the caller.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Failed, FailureKind, FeedState, Fetched, NotModified, Outcome, PollLimits

DAY = timedelta(hours=24)

JITTER = 0.10
"""Share of a wait by which it is moved to and fro, so that feeds that fell together part again."""

# A feed with one new entry a poll is asked a little too often (entries may be late by one interval at
# most); several at once mean that entries waited. Growing slower than shrinking, so one quiet night
# does not make a busy feed late in the morning: five quiet polls undo one with several entries.
_SHRINK_ONE = 0.85
_SHRINK_MANY = 0.6
_GROW = 1.12


def adapted_interval(interval: timedelta, new: int, *, poll: PollLimits) -> timedelta:
    """Return the time between polls after one that brought *new* entries, within *poll*."""
    factor = _GROW if new == 0 else _SHRINK_ONE if new == 1 else _SHRINK_MANY
    return _within(interval * factor, poll)


def next_poll_at(
    state: FeedState, outcome: Outcome, now: datetime, *, poll: PollLimits, jitter: float = 0.0
) -> datetime:
    """Return when to ask this feed again; never sooner than its server allows.

    state:  as it was before this outcome
    jitter: a number in [-1, 1]

    Each failure in a row doubles the wait, up to a day. What a server asks for with Retry-After is
    kept up to a day, even where `poll.max` is shorter. Gone (410) is a day: `FeedState.gone` is what
    ends polling.
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
            return now + _within(interval * spread, poll)


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
    new: int = 0,
    words: str = "",
    taken: Collection[str] = (),
) -> FeedState:
    """Return what to remember of a feed once *outcome* is dealt with.

    new:   entries that it brought and that were not known
    words: what to say of a success on the source's row
    taken: addresses of other sources; a feed never moves to one of them

    A `Fetched` stands for a document that parsed: one that did not is a `Failed(NOT_A_FEED)` by then.
    """
    state = replace(state, last_polled_at=now)
    if isinstance(outcome, Failed):
        return replace(
            state,
            next_poll_at=next_poll_at(state, outcome, now, poll=poll, jitter=jitter),
            failures=state.failures + 1,
            gone=outcome.kind is FailureKind.GONE,
            last_words=outcome.words,
            last_kind=outcome.kind.value,
            last_status=outcome.status,
        )
    state = replace(state, interval=adapted_interval(state.interval, new, poll=poll))
    state = _moved(state, outcome.moved_to, taken)
    return replace(
        state,
        validators=outcome.validators if isinstance(outcome, Fetched) else state.validators,
        next_poll_at=next_poll_at(state, outcome, now, poll=poll, jitter=jitter),
        failures=0,
        gone=False,
        last_ok_at=now,
        last_new_at=now if new else state.last_new_at,
        last_words=words,
        last_kind="fetched" if isinstance(outcome, Fetched) else "not modified",
        last_status=outcome.status,
    )


def _moved(state: FeedState, moved_to: str, taken: Collection[str]) -> FeedState:
    """Follow a permanent redirect for good once two polls in a row saw it."""
    if not moved_to or moved_to == state.url or moved_to in taken:
        return replace(state, move_seen_to="")
    if moved_to == state.move_seen_to:
        return replace(state, url=moved_to, move_seen_to="")
    return replace(state, move_seen_to=moved_to)


def _within(interval: timedelta, poll: PollLimits) -> timedelta:
    return max(poll.min, min(interval, poll.max, DAY))
