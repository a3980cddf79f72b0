"""Describe the health of a source: its state, and messages about it.

Pure: a row of health and the time in, a state and messages out. `web` shows them.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from aggregator.model import SourceHealth
from aggregator.polling.cadence import Silence, silence
from aggregator.text.markup import clip
from aggregator.text.urls import shown

_RECENT = timedelta(days=30)
"""How long a move or a changed format is mentioned."""
_MAX_HUB_MESSAGE_CHARS = 200


STATES = ("failing", "gone", "silent", "waiting", "ok", "paused", "removed")
"""The states of a source, the most urgent first. A silent source answers, but is overdue."""


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
    """Detects overdue sources, and caches when each will be overdue, which depends on its arrivals alone."""

    def __init__(self) -> None:
        self._cached: dict[str, tuple[int, datetime | None]] = {}

    def overdue(self, source_id: str, arrivals: str, now: datetime) -> bool:
        """Return whether a source is overdue at *now*; *arrivals* as they are stored, JSON."""
        key = hash(arrivals)
        cached = self._cached.get(source_id)
        if cached is None or cached[0] != key:
            expected = silence(tuple(json.loads(arrivals or "[]")), now)
            cached = self._cached[source_id] = (key, expected.overdue_at if expected else None)
        return cached[1] is not None and cached[1] <= now


def of_silence(row: SourceHealth, now: datetime) -> Silence | None:
    """Return how unusual the silence of a source is; None if too little is known or it is not polled."""
    if row.removed or not row.source.enabled or row.state.gone:
        return None
    return silence(row.state.arrivals, now)


class Speech:
    """Words messages about sources: here in English, for the command line and the log.

    Pages speak the language of the site (`web.present.source_speech`); the texts given to `text` are in its catalogs.
    """

    def text(self, message: str, **values: str) -> str:
        """Return *message* with *values* filled in."""
        return message % values if values else message

    def number(self, count: int) -> str:
        """Return a whole number."""
        return f"{count:,}"

    def percent(self, share: float) -> str:
        """Return a share from 0 to 1 in percent."""
        return f"{100 * share:.0f} %"

    def span(self, length: timedelta) -> str:
        """Return a length of time."""
        return span(length)

    def size(self, count: int) -> str:
        """Return a number of bytes."""
        return size(count)

    def date(self, moment: datetime, now: datetime) -> str:
        """Return a day near *now*."""
        return _date(moment, now)


ENGLISH = Speech()


def messages(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return the messages about a source apart from its last response, the most urgent first."""
    return (*news(row, now), *habits(row, now))


def news(row: SourceHealth, now: datetime, speech: Speech = ENGLISH) -> tuple[str, ...]:
    """Return what is unusual about a source: its silence, a move, another format."""
    return tuple(filter(None, (_silence(row, now, speech), *_changes(row, now, speech))))


def habits(row: SourceHealth, now: datetime, speech: Speech = ENGLISH) -> tuple[str, ...]:
    """Return how a source is polled: its hub, its cadence, its requests, and the savings."""
    sentences = (
        _hub(row, now, speech),
        _cadence(row, now, speech),
        _requested_waits(row, speech),
        _savings(row, speech),
    )
    return tuple(filter(None, sentences))


def _silence(row: SourceHealth, now: datetime, speech: Speech) -> str:
    state = row.state
    silence_now = of_silence(row, now)
    if silence_now is not None and silence_now.overdue_at <= now:
        since, odds = speech.date(silence_now.overdue_at, now), _odds(silence_now.probability, speech)
        if state.failures:
            return speech.text("overdue since %(since)s: a silence this long is %(odds)s", since=since, odds=odds)
        return speech.text(
            "overdue since %(since)s, although it answers: a silence this long is %(odds)s", since=since, odds=odds
        )
    if silence_now is None and state.last_ok_at is not None and not (row.removed or state.gone or state.failures):
        if not row.entries:
            return speech.text("answers, but has no entries yet")
        last = state.last_new_at
        if last is not None and now - last > _RECENT:
            return speech.text("answers, but has had nothing new since %(since)s", since=speech.date(last, now))
    return ""


def _changes(row: SourceHealth, now: datetime, speech: Speech) -> list[str]:
    state = row.state
    changes = []
    if state.moved_at is not None and now - state.moved_at < _RECENT:
        changes.append(
            speech.text(
                "moved from %(address)s (%(date)s)",
                address=shown(state.moved_from),
                date=speech.date(state.moved_at, now),
            )
        )
    elif state.url != row.source.url and not row.removed:
        changes.append(speech.text("polled at %(address)s, where it moved permanently", address=shown(state.url)))
    if state.move_seen_to:
        changes.append(
            speech.text(
                "redirects permanently to %(address)s; the address changes when the next poll says so too",
                address=shown(state.move_seen_to),
            )
        )
    if state.format_changed_at is not None and now - state.format_changed_at < _RECENT:
        changes.append(
            speech.text(
                "%(before)s became %(after)s (%(date)s)",
                before=state.format_before,
                after=state.hints.format,
                date=speech.date(state.format_changed_at, now),
            )
        )
    return changes


def _hub(row: SourceHealth, now: datetime, speech: Speech) -> str:
    hub = row.hub
    if hub is None or row.removed or not row.source.enabled or row.state.gone:
        return ""
    if hub.lease_until is None:
        if hub.message in ("", "requested", "asked"):
            return speech.text("subscription requested at its hub, not confirmed yet")
        why = clip(hub.message, _MAX_HUB_MESSAGE_CHARS)
        return speech.text("the subscription at its hub failed: %(why)s", why=why)
    until = f"{speech.date(hub.lease_until, now)}, {hub.lease_until:%H:%M} UTC"
    if hub.lease_until <= now:
        return speech.text("the subscription at its hub ended: %(until)s; being renewed", until=until)
    if hub.relied_on:
        return speech.text("its hub delivers updates; lease until %(until)s", until=until)
    if hub.delivered_at is None:
        return speech.text("subscribed at its hub, nothing delivered yet; lease until %(until)s", until=until)
    return speech.text(
        "its hub missed entries, so the feed is polled as if it had none; lease until %(until)s", until=until
    )


def _cadence(row: SourceHealth, now: datetime, speech: Speech) -> str:
    silence_now = of_silence(row, now)
    if silence_now is None:
        return ""
    usual, interval = speech.span(silence_now.usual_gap), speech.span(row.state.interval)
    return speech.text(
        "publishes about every %(usual)s, polled about every %(interval)s", usual=usual, interval=interval
    )


def _requested_waits(row: SourceHealth, speech: Speech) -> str:
    state = row.state
    requests = []
    if state.hints.ttl:
        requests.append(f"ttl {speech.span(state.hints.ttl)}")
    if state.hints.updated_every:
        requests.append(f"sy: {speech.span(state.hints.updated_every)}")
    if state.fresh_for:
        requests.append(f"Cache-Control {speech.span(state.fresh_for)}")
    if state.hints.skip_hours:
        hours = speech.number(len(state.hints.skip_hours))
        requests.append(speech.text("hours of the day to skip: %(n)s", n=hours))
    if state.hints.skip_days:
        days = speech.number(len(state.hints.skip_days))
        requests.append(speech.text("days of the week to skip: %(n)s", n=days))
    if not requests:
        return ""
    listed = ", ".join(requests)
    if not state.waits_kept:
        return speech.text("asks to be polled less often (%(requests)s)", requests=listed)
    return speech.text(
        "asks to be polled less often (%(requests)s); honored %(n)s×",
        requests=listed,
        n=speech.number(state.waits_kept),
    )


def _savings(row: SourceHealth, speech: Speech) -> str:
    if not row.polls:
        return ""
    values = {
        "share": speech.percent(row.unchanged / row.polls),
        "requests": speech.number(row.polls),
        "received": speech.size(row.bytes),
    }
    if not row.saved_bytes:
        return speech.text("%(share)s of the requests (%(requests)s) answered 304; %(received)s received", **values)
    return speech.text(
        "%(share)s of the requests (%(requests)s) answered 304, which saved %(saved)s; %(received)s received",
        saved=speech.size(row.saved_bytes),
        **values,
    )


# Wording


def span(length: timedelta) -> str:
    """Return a length of time: `45 min`, `3 h`, `2 days`."""
    minutes = length.total_seconds() / 60
    if minutes < 1:
        return f"{length.total_seconds():.0f} s"
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def size(count: int) -> str:
    """Return a number of bytes: `12 kB`, `3.4 MB`."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


def _date(moment: datetime, now: datetime) -> str:
    if moment.date() == now.date():
        return "today"
    if timedelta() <= now - moment < timedelta(days=6):
        return f"{moment:%A}"
    return f"{moment.day} {moment:%B}" if moment.year == now.year else f"{moment.day} {moment:%B %Y}"


def _odds(probability: float, speech: Speech) -> str:
    """Return `1 in 130`, to two digits."""
    odds = 1 / probability
    if odds >= 10_000:
        return speech.text("less than 1 in %(n)s", n=speech.number(10_000))
    digits = 10 ** max(len(str(int(odds))) - 2, 0)
    return speech.text("1 in %(n)s", n=speech.number(int(odds / digits + 0.5) * digits))
