"""View models of sources and hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from flask_babel import gettext

from aggregator.model import HostLedger, Limits, Source, SourceHealth
from aggregator.polling.source_health import STATES, Speech, habits, news, state_of
from aggregator.store import PollRecord
from aggregator.text.ip_addresses import is_public_host
from aggregator.text.markup import clip, storable
from aggregator.text.urls import host, safe_link, shown
from web.i18n.wording import day, duration, language, number, percent, plural, size
from web.present.cards import Moment, Presenter

WORKER_SILENT = timedelta(seconds=60)
"""Without a heartbeat for longer than this the worker counts as not running; it beats every few seconds."""

_USUAL = re.compile(
    r"(?:(?P<new>\d+) new|nothing new)(?:, (?P<old>\d+) of them older than (?P<days>\d+) days)?"
    r"(?:, (?P<edited>\d+) edited)?"
)
"""What most polls say (`polling.poll`), and so what pages say in their own language."""
_SECRETS = re.compile(r"token|secret|passw|pwd|auth(?!or)|session|signature|apikey|(^|[_.-])(key|sig)$", re.I)


def feed_address(source: Source, limits: Limits) -> str:
    """Return the address of a source's feed if the site may publish it, else "".

    Not published: private hosts, hosts in `allow_private`, feeds with their own headers, and addresses with something
    like a key in their query. User name and password are always removed.
    """
    address = safe_link(shown(source.url))
    name = host(address)
    if not address or source.headers or not is_public_host(name):
        return ""
    if name in {allowed.lower() for allowed in limits.allow_private}:
        return ""
    secret = any(_SECRETS.search(key) for key, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True))
    return "" if secret else address


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of the sources page."""

    id: str
    name: str
    category: str
    status: str
    """One of `health.STATES`."""
    outcome: str
    outcome_language: str
    """en for a message of a server or the poller, as it is stored; "" for the language of the page."""
    kind: str
    http_status: str
    failures: int
    polled: Moment | None
    next_poll: str
    entries: int
    recent: int
    firsts: int
    alarms: tuple[str, ...]
    """Messages about anything unusual."""
    notes: tuple[str, ...]
    """Messages about its polling."""


@dataclass(frozen=True, slots=True)
class PollRow:
    """A poll in the list of a source's polls."""

    at: Moment
    message: str
    language: str
    """As `SourceRow.outcome_language`."""
    received: str
    failed: bool


@dataclass(frozen=True, slots=True)
class HostRow:
    """A row of the table of hosts."""

    host: str
    sources: str
    requests: str
    unchanged: str
    received: str
    spared: str
    waits: str


def host_row(ledger: HostLedger) -> HostRow:
    """Return the requests to a host as a table shows them."""
    waits = number(ledger.waits_kept)
    if ledger.waited:
        waits = gettext("%(n)s, %(duration)s in total", n=waits, duration=duration(ledger.waited))
    return HostRow(
        host=ledger.host,
        sources=number(ledger.sources),
        requests=number(ledger.requests),
        unchanged=percent(ledger.unchanged_share),
        received=size(ledger.bytes),
        spared=size(ledger.saved_bytes),
        waits=waits,
    )


def hosts_summary(ledgers: Iterable[HostLedger]) -> str:
    """Return a sentence about the requests to all hosts, "" before the first request."""
    ledgers = list(ledgers)
    requests, unchanged = sum(ledger.requests for ledger in ledgers), sum(ledger.unchanged for ledger in ledgers)
    if not requests:
        return ""
    spared, received = sum(ledger.saved_bytes for ledger in ledgers), sum(ledger.bytes for ledger in ledgers)
    waits = sum(ledger.waits_kept for ledger in ledgers)
    return str(
        gettext(
            "%(requests)s to %(hosts)s so far. %(share)s returned 304 Not Modified: %(received)s received, "
            "%(saved)s saved. Deferred at a server's request: %(polls)s.",
            requests=plural(requests, "request"),
            hosts=plural(len(ledgers), "host"),
            share=percent(unchanged / requests),
            received=size(received),
            saved=size(spared),
            polls=plural(waits, "poll"),
        )
    )


def source_row(show: Presenter, health: SourceHealth) -> SourceRow:
    """Return a row of the sources page."""
    source, state = health.source, health.state
    status = state_of(health, show.now)
    if status in ("paused", "removed", "gone"):
        next_poll = gettext("never")
    elif state.next_poll_at is None or state.next_poll_at <= show.now:
        next_poll = gettext("due")
    else:
        next_poll = gettext("in %(duration)s", duration=duration(state.next_poll_at - show.now))
    section = show.section(source.category)
    message, spoken = outcome(state.last_message)
    return SourceRow(
        id=source.id,
        name=source.name,
        category=section.name if section else "",
        status=status,
        outcome=message or _outcomes()[status],
        outcome_language=spoken if message else "",
        kind=kind_label(state.last_kind),
        http_status="" if state.last_status is None else str(state.last_status),
        failures=state.failures,
        polled=show.moment(state.last_polled_at) if state.last_polled_at else None,
        next_poll=next_poll,
        entries=health.entries,
        recent=health.recent_entries,
        firsts=health.firsts,
        alarms=(*health.notes, *news(health, show.now, PAGE)),
        notes=habits(health, show.now, PAGE),
    )


def state_labels() -> Mapping[str, str]:
    """Return the name of each of `source_health.STATES`, in their order."""
    labels = {
        "failing": gettext("failing"),
        "gone": gettext("gone"),
        "silent": gettext("overdue"),
        "waiting": gettext("not polled yet"),
        "ok": gettext("healthy"),
        "paused": gettext("paused"),
        "removed": gettext("removed"),
    }
    return {state: str(labels[state]) for state in STATES}


def _outcomes() -> Mapping[str, str]:
    labels = state_labels()
    return {
        **labels,
        "silent": labels["ok"],
        "paused": gettext("paused in feeds.yaml"),
        "removed": gettext("no longer in feeds.yaml"),
    }


def kind_label(kind: str) -> str:
    """Return the name of what a poll came to; a kind of a newer version stays as it is."""
    labels = {
        "fetched": gettext("fetched"),
        "not modified": gettext("not modified"),
        "delivered": gettext("delivered"),
        "timeout": gettext("timeout"),
        "network": gettext("network error"),
        "tls": gettext("TLS error"),
        "refused address": gettext("refused address"),
        "bad url": gettext("wrong address"),
        "redirects": gettext("too many redirects"),
        "status": gettext("error of the server"),
        "bot check": gettext("check for bots"),
        "gone": gettext("gone"),
        "too large": gettext("too large"),
        "bad transfer": gettext("broken transfer"),
        "not a feed": gettext("not a feed"),
        "parser": gettext("not readable"),
        "storage": gettext("cannot be stored"),
    }
    return str(labels.get(kind, kind))


def outcome(message: str) -> tuple[str, str]:
    """Return what a poll came to as a page says it, and its language: "" for that of the page.

    What most polls say is worded here. Errors and notes on a document stay as they are stored: in English.
    """
    usual = _USUAL.fullmatch(message)
    if usual is None:
        return plain_message(message), "en"
    parts = [
        gettext("%(n)s new", n=number(int(usual["new"]))) if usual["new"] else gettext("nothing new"),
        gettext(
            "%(n)s of them older than %(days)s", n=number(int(usual["old"])), days=plural(int(usual["days"]), "day")
        )
        if usual["old"]
        else "",
        gettext("%(n)s edited", n=number(int(usual["edited"]))) if usual["edited"] else "",
    ]
    return ", ".join(filter(None, parts)), ""


class PageSpeech(Speech):
    """Sentences about sources in the language of the page."""

    def text(self, message: str, **values: str) -> str:
        return str(gettext(message, **values))

    def number(self, count: int) -> str:
        return number(count)

    def percent(self, share: float) -> str:
        return percent(share)

    def span(self, length: timedelta) -> str:
        return super().span(length) if language() == "en" else duration(length)

    def size(self, count: int) -> str:
        return size(count)

    def date(self, moment: datetime, now: datetime) -> str:
        if language() == "en":
            return super().date(moment, now)
        return str(gettext("today")) if moment.date() == now.date() else day(moment)


PAGE = PageSpeech()


def poll_row(show: Presenter, poll: PollRecord) -> PollRow:
    """Return a poll of a source's own page."""
    status = f" (HTTP {poll.status})" if poll.status else ""
    message, spoken = outcome(poll.message)
    return PollRow(
        at=show.moment(poll.at),
        message=f"{message or kind_label(poll.kind)}{status}",
        language=spoken if message else "",
        received=size(poll.bytes) if poll.bytes else "",
        failed=poll.kind != "fetched",
    )


def plain_message(text: str) -> str:
    """Return a message from a server or document as a page may repeat it."""
    return clip(storable(text), 300)
