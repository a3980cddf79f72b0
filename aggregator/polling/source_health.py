"""Describe how a source is doing: its state, and a sentence for each thing worth knowing.

Pure: a row of health and the moment in, a state and sentences out. Leaves how a page shows them to `web`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from aggregator.model import SourceHealth
from aggregator.polling.cadence import Silence, silence
from aggregator.text.markup import clip
from aggregator.text.urls import shown

_RECENT = timedelta(days=30)
"""For how long a move or another format is mentioned."""
_MAX_HUB_MESSAGE_CHARS = 200


STATES = ("failing", "gone", "silent", "waiting", "ok", "paused", "removed")
"""What a source can be; what needs attention first. Silent: it answers, and is overdue all the same."""


def state_of(row: SourceHealth, now: datetime) -> str:
    """Return which of `STATES` a source is in."""
    if row.removed:
        return "removed"
    if not row.source.enabled:
        return "paused"
    if row.state.gone:
        return "gone"
    if row.state.last_polled_at is None:
        return "waiting"
    if row.state.failures:
        return "failing"
    silence_now = of_silence(row, now)
    return "silent" if silence_now is not None and silence_now.overdue_at <= now else "ok"


class Alarm:
    """Knows which of many sources are overdue, and remembers when each will be: that depends on its arrivals alone."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, datetime | None]] = {}

    def overdue(self, source_id: str, arrivals: str, now: datetime) -> bool:
        """Return whether a source is overdue at *now*; *arrivals* as they are stored, JSON."""
        key = hash(arrivals)
        known = self._known.get(source_id)
        if known is None or known[0] != key:
            expected = silence(tuple(json.loads(arrivals or "[]")), now)
            known = self._known[source_id] = (key, expected.overdue_at if expected else None)
        return known[1] is not None and known[1] <= now


def of_silence(row: SourceHealth, now: datetime) -> Silence | None:
    """Return how unusual the silence of a source is; None where too little is known or it is not polled."""
    if row.removed or not row.source.enabled or row.state.gone:
        return None
    return silence(row.state.arrivals, now)


def messages(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return what there is to say about a source beside its last answer, the most urgent first."""
    return (*news(row, now), *habits(row, now))


def news(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return what is unusual about a source: its silence, a move, another format."""
    return tuple(filter(None, (_silence(row, now), _changes(row, now))))


def habits(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return how a source is polled: its hub, its cadence, what it asks for, what that saved."""
    return tuple(filter(None, (_hub(row, now), _cadence(row, now), _requested_waits(row), _savings(row))))


def _silence(row: SourceHealth, now: datetime) -> str:
    state = row.state
    silence_now = of_silence(row, now)
    if silence_now is not None and silence_now.overdue_at <= now:
        answers = "" if state.failures else ", although it answers"
        since, odds = _date(silence_now.overdue_at, now), _odds(silence_now.probability)
        return f"overdue since {since}{answers}: a silence this long is {odds}"
    if silence_now is None and state.last_ok_at is not None and not (row.removed or state.gone or state.failures):
        if not row.entries:
            return "answers, but has no entries yet"
        last = state.last_new_at
        if last is not None and now - last > _RECENT:
            return f"answers, but has had nothing new since {_date(last, now)}"
    return ""


def _changes(row: SourceHealth, now: datetime) -> str:
    state = row.state
    changes = []
    if state.moved_at is not None and now - state.moved_at < _RECENT:
        changes.append(f"moved from {shown(state.moved_from)} {_on(state.moved_at, now)}")
    elif state.url != row.source.url and not row.removed:
        changes.append(f"polled at {shown(state.url)}, where it moved permanently")
    if state.move_seen_to:
        changes.append(
            f"redirects permanently to {shown(state.move_seen_to)}; the address changes when the next poll says so too"
        )
    if state.format_changed_at is not None and now - state.format_changed_at < _RECENT:
        changes.append(f"{state.format_before} became {state.hints.format} {_on(state.format_changed_at, now)}")
    return "; ".join(changes)


def _hub(row: SourceHealth, now: datetime) -> str:
    hub = row.hub
    if hub is None or row.removed or not row.source.enabled or row.state.gone:
        return ""
    if hub.lease_until is None:
        if hub.message in ("", "requested", "asked"):
            return "subscription requested at its hub, not confirmed yet"
        return f"the subscription at its hub failed: {clip(hub.message, _MAX_HUB_MESSAGE_CHARS)}"
    until = f"{_date(hub.lease_until, now)}, {hub.lease_until:%H:%M} UTC"
    if hub.lease_until <= now:
        return f"the subscription at its hub ended {until}; being renewed"
    if hub.relied_on:
        return f"its hub delivers updates; lease until {until}"
    if hub.delivered_at is None:
        return f"subscribed at its hub, nothing delivered yet; lease until {until}"
    return f"its hub missed entries, so the feed is polled as if it had none; lease until {until}"


def _cadence(row: SourceHealth, now: datetime) -> str:
    silence_now = of_silence(row, now)
    if silence_now is None:
        return ""
    return f"publishes about every {span(silence_now.usual_gap)}, polled about every {span(row.state.interval)}"


def _requested_waits(row: SourceHealth) -> str:
    state = row.state
    requests = []
    if state.hints.ttl:
        requests.append(f"ttl of {span(state.hints.ttl)}")
    if state.hints.updated_every:
        requests.append(f"sy: of {span(state.hints.updated_every)}")
    if state.fresh_for:
        requests.append(f"Cache-Control of {span(state.fresh_for)}")
    if state.hints.skip_hours:
        requests.append(f"skips {len(state.hints.skip_hours)} hours of the day")
    if state.hints.skip_days:
        requests.append(f"skips {len(state.hints.skip_days)} days of the week")
    if not requests:
        return ""
    honored = "once" if state.waits_kept == 1 else f"{state.waits_kept:,} times"
    return f"asks to be polled less often ({', '.join(requests)})" + (
        f", honored {honored}" if state.waits_kept else ""
    )


def _savings(row: SourceHealth) -> str:
    if not row.polls:
        return ""
    share = f"{100 * row.unchanged / row.polls:.0f} % of {row.polls:,} requests answered 304"
    saved = f", which saved {size(row.saved_bytes)}" if row.saved_bytes else ""
    return f"{share}{saved}; {size(row.bytes)} received"


# Wording


def span(length: timedelta) -> str:
    """Return a length of time as people say it: `45 min`, `3 h`, `2 days`."""
    minutes = length.total_seconds() / 60
    if minutes < 1:
        return f"{length.total_seconds():.0f} s"
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def size(count: int) -> str:
    """Return a number of bytes as people say it: `12 kB`, `3.4 MB`."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


def _on(moment: datetime, now: datetime) -> str:
    date = _date(moment, now)
    return date if date == "today" else f"on {date}"


def _date(moment: datetime, now: datetime) -> str:
    if moment.date() == now.date():
        return "today"
    if timedelta() <= now - moment < timedelta(days=6):
        return f"{moment:%A}"
    return f"{moment.day} {moment:%B}" if moment.year == now.year else f"{moment.day} {moment:%B %Y}"


def _odds(probability: float) -> str:
    """Return `1 in 130`, to two digits."""
    odds = 1 / probability
    if odds >= 10_000:
        return "less than 1 in 10,000"
    digits = 10 ** max(len(str(int(odds))) - 2, 0)
    return f"1 in {int(odds / digits + 0.5) * digits:,}"
