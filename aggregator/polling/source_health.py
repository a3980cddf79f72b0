"""Say in words how a source is doing.

Pure: a row of health and the moment in, a state and sentences out. Leaves what a page makes of them to `web`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from aggregator.model import SourceHealth
from aggregator.polling.cadence import Silence, silence
from aggregator.text.tokens import clip
from aggregator.text.urls import shown

_RECENT = timedelta(days=30)
"""For how long a move or another format is worth a word."""
_LONGEST_WORDS = 200
"""Characters of what a hub says."""


STATES = ("failing", "gone", "silent", "waiting", "ok", "paused", "removed")
"""What a source can be, what needs somebody first. Silent: it answers, and is overdue all the same."""


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
    told = of_silence(row, now)
    return "silent" if told is not None and told.overdue_at <= now else "ok"


class Alarm:
    """Tells of many sources which are overdue, and remembers when each will be: that hangs on its arrivals alone."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, datetime | None]] = {}

    def overdue(self, source_id: str, arrivals: str, now: datetime) -> bool:
        """Return whether the silence of a source is told at *now*; *arrivals* as they are stored, JSON."""
        key = hash(arrivals)
        known = self._known.get(source_id)
        if known is None or known[0] != key:
            told = silence(tuple(json.loads(arrivals or "[]")), now)
            known = self._known[source_id] = (key, told.overdue_at if told else None)
        return known[1] is not None and known[1] <= now


def of_silence(row: SourceHealth, now: datetime) -> Silence | None:
    """Return how strange the silence of a source is, or None when that cannot be told or nobody listens."""
    if row.removed or not row.source.enabled or row.state.gone:
        return None
    return silence(row.state.arrivals, now)


def words(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return what there is to say of a source beside its last answer, the most alarming first."""
    return (*news(row, now), *habits(row, now))


def news(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return what is out of the ordinary of a source: its silence, a move, another format."""
    return tuple(filter(None, (_silence(row, now), _changes(row, now))))


def habits(row: SourceHealth, now: datetime) -> tuple[str, ...]:
    """Return how a source is asked: its hub, its rhythm, what it asks for, what that came to."""
    return tuple(filter(None, (_hub(row, now), _rhythm(row, now), _manners(row), _thrift(row))))


def _silence(row: SourceHealth, now: datetime) -> str:
    state = row.state
    told = of_silence(row, now)
    if told is not None and told.overdue_at <= now:
        answers = "" if state.failures else ", though it answers"
        return f"overdue since {_date(told.overdue_at, now)}{answers}: such a silence is {_odds(told.probability)}"
    if told is None and state.last_ok_at is not None and not (row.removed or state.gone or state.failures):
        if not row.entries:
            return "answers, and has brought no entry yet"
        last = state.last_new_at
        if last is not None and now - last > _RECENT:
            return f"answers, and has brought nothing new since {_date(last, now)}"
    return ""


def _changes(row: SourceHealth, now: datetime) -> str:
    state = row.state
    said = []
    if state.moved_at is not None and now - state.moved_at < _RECENT:
        said.append(f"moved from {shown(state.moved_from)} {_on(state.moved_at, now)}")
    elif state.url != row.source.url and not row.removed:
        said.append(f"asked at {shown(state.url)}, where it moved to for good")
    if state.move_seen_to:
        said.append(f"says that it moved to {shown(state.move_seen_to)}; followed when it says so again")
    if state.format_changed_at is not None and now - state.format_changed_at < _RECENT:
        said.append(f"{state.format_before} became {state.hints.format} {_on(state.format_changed_at, now)}")
    return "; ".join(said)


def _hub(row: SourceHealth, now: datetime) -> str:
    hub = row.hub
    if hub is None or row.removed or not row.source.enabled or row.state.gone:
        return ""
    if hub.lease_until is None:
        if hub.words in ("", "asked"):
            return "its hub was asked to tell of news, and has not confirmed it yet"
        return f"its hub does not tell of news: {clip(hub.words, _LONGEST_WORDS)}"
    until = f"{_date(hub.lease_until, now)}, {hub.lease_until:%H:%M} UTC"
    if hub.lease_until <= now:
        return f"its hub told of news until {until}; it is asked again"
    if hub.relied_on:
        return f"its hub tells of news; lease until {until}"
    if hub.delivered_at is None:
        return f"its hub is to tell of news, and has told of none yet; lease until {until}"
    return f"its hub missed news, so the feed is asked as often as without it; lease until {until}"


def _rhythm(row: SourceHealth, now: datetime) -> str:
    told = of_silence(row, now)
    if told is None:
        return ""
    return f"brings news about every {span(told.usual_gap)}, asked about every {span(row.state.interval)}"


def _manners(row: SourceHealth) -> str:
    state = row.state
    asked = []
    if state.hints.ttl:
        asked.append(f"ttl of {span(state.hints.ttl)}")
    if state.hints.updated_every:
        asked.append(f"sy: of {span(state.hints.updated_every)}")
    if state.fresh_for:
        asked.append(f"Cache-Control of {span(state.fresh_for)}")
    if state.hints.skip_hours:
        asked.append(f"skips {len(state.hints.skip_hours)} hours of the day")
    if state.hints.skip_days:
        asked.append(f"skips {len(state.hints.skip_days)} days of the week")
    if not asked:
        return ""
    kept = "once" if state.waits_kept == 1 else f"{state.waits_kept:,} times"
    return f"asks for distance ({', '.join(asked)})" + (f", which was kept {kept}" if state.waits_kept else "")


def _thrift(row: SourceHealth) -> str:
    if not row.polls:
        return ""
    share = f"{100 * row.unchanged / row.polls:.0f} % of {row.polls:,} requests answered 304"
    spared = f", which spared {size(row.saved_bytes)}" if row.saved_bytes else ""
    return f"{share}{spared}; {size(row.bytes)} received"


# Words


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
