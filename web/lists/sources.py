"""The sources in outline, and which of them a page was asked for: by state, category, name; a page at a time.

Ten thousand sources are too many for one page, and reading all that is known of each takes a second. So all are
known by state alone (`Known`), and whoever shows some reads those. Leaves wording to `present`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from aggregator.model import FeedState, Source, SourceHealth
from aggregator.polling.source_health import STATES, Alarm
from aggregator.store import SourceOutline, Store
from aggregator.text.tokens import storable
from aggregator.text.urls import host
from web.lists import query as asking
from web.request.context import config, now
from web.request.services import services

PAGE_SIZE = 300
"""A usual site has all its sources on one page."""


@dataclass(frozen=True, slots=True)
class Known:
    """A source in outline."""

    source: Source
    state: str
    """One of `health.STATES`."""
    host: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sources of the list."""

    state: str = ""
    category: str = ""
    query: str = ""
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.state or self.category or self.query)

    def query_string(self, **changes: str | int) -> str:
        """Return `?state=failing&q=wire` with *changes*, "" for all; whoever changes a filter begins on page one."""
        asked = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        given = {"state": asked.state, "category": asked.category, "q": asked.query}
        params: dict[str, str | int] = {name: value for name, value in given.items() if value}
        if asked.page > 1:
            params["page"] = asked.page
        return "?" + urlencode(params, quote_via=quote) if params else ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a page shows, and what there is besides."""

    asked: Asked
    shown: Sequence[Known]
    found: int
    """How many match, on all pages."""
    total: int
    states: Mapping[str, int]
    """How many of those that match otherwise are in each state."""
    more: bool


def read(args: Mapping[str, str]) -> Asked:
    """Return what *args* ask for; an unknown state is none."""
    state = args.get("state", "")
    read = asking.read(args)
    return Asked(state if state in STATES else "", storable(read.category), read.query, read.page)


def known(store: Store) -> list[Known]:
    """Return every source in outline, what needs somebody first, else as in feeds.yaml; the removed ones last.

    The worker writes the sources it knows; one that was just added, or all before its first start, were never asked.
    """
    alarm = services().alarm
    moment = now()
    outlines = {outline.source_id: outline for outline in store.source_status.outlines()}
    found = [_known(source, outlines.get(source.id), alarm, moment) for source in config().sources]
    found += [Known(source, "removed", host(source.url)) for source in removed(store)]
    order = {state: position for position, state in enumerate(STATES)}
    return sorted(found, key=lambda one: order[one.state])


def removed(store: Store) -> list[Source]:
    """Return the sources that feeds.yaml had once and has no more."""
    here = {source.id for source in config().sources}
    return [source for source in store.source_status.removed() if source.id not in here]


def _known(source: Source, outline: SourceOutline | None, alarm: Alarm, moment: datetime) -> Known:
    if outline is None:
        return Known(source, "waiting" if source.enabled else "paused", host(source.url))
    silent = outline.state == "ok" and alarm.overdue(source.id, outline.arrivals, moment)
    return Known(source, "silent" if silent else outline.state, outline.host)


def choose(all_known: Sequence[Known], asked: Asked, size: int = PAGE_SIZE) -> Chosen:
    """Return the page of *all_known* that *asked* wants; every word has to be in its name, id or host."""
    words = asked.query.casefold().split()
    found = [
        one
        for one in all_known
        if (not asked.category or one.source.category == asked.category)
        and (not words or _has(words, f"{one.source.name} {one.source.id} {one.host}".casefold()))
    ]
    states = Counter(one.state for one in found)
    if asked.state:
        found = [one for one in found if one.state == asked.state]
    begin = (asked.page - 1) * size
    shown = found[begin : begin + size]
    return Chosen(asked, shown, len(found), len(all_known), states, len(found) > begin + size)


def _has(words: Sequence[str], text: str) -> bool:
    return all(word in text for word in words)


def health(store: Store, sources: Sequence[Source]) -> list[SourceHealth]:
    """Return all that is known of *sources*, in their order."""
    found = {row.source.id: row for row in store.source_status.rows(now(), sources)}
    return [
        found.get(source.id) or SourceHealth(source, FeedState(source.id, source.url), 0, 0, 0) for source in sources
    ]
