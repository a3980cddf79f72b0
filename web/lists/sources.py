"""The list of sources, filtered by state, category and name, a page at a time.

Ten thousand sources are too many for one page, and reading everything about each takes a second. So a list reads only
the state of each (`SourceSummary`), and the page reads the rest for those it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from aggregator.model import Config, FeedState, Source, SourceHealth
from aggregator.polling.source_health import STATES, Alarm
from aggregator.store import SourceOutline, Store
from aggregator.text.markup import storable
from aggregator.text.urls import host
from web.lists import query

PAGE_SIZE = 300
"""Most sites have all their sources on one page."""


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source with its state."""

    source: Source
    state: str
    """One of `source_health.STATES`."""
    host: str


@dataclass(frozen=True, slots=True)
class SourceParams:
    """Which sources to show."""

    state: str = ""
    category: str = ""
    query: str = ""
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.state or self.category or self.query)

    def query_string(self, **changes: str | int) -> str:
        """Return `?state=failing&q=wire` with *changes*, "" for all; a changed filter goes back to page one."""
        changed = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        filters = {"state": changed.state, "category": changed.category, "q": changed.query}
        query: dict[str, str | int] = {name: value for name, value in filters.items() if value}
        if changed.page > 1:
            query["page"] = changed.page
        return "?" + urlencode(query, quote_via=quote) if query else ""


@dataclass(frozen=True, slots=True)
class SourcePage:
    """The sources of a page, and the total numbers."""

    params: SourceParams
    shown: Sequence[SourceSummary]
    matching: int
    """On all pages."""
    total: int
    states: Mapping[str, int]
    """Number of sources by state that match the other filters."""
    more: bool


def read(args: Mapping[str, str]) -> SourceParams:
    """Return the parameters in *args*; an unknown state is none."""
    state = args.get("state", "")
    params = query.read(args)
    return SourceParams(state if state in STATES else "", storable(params.category), params.query, params.page)


def summaries(store: Store, config: Config, alarm: Alarm, now: datetime) -> list[SourceSummary]:
    """Return every source with its state: urgent ones first, else in the order of feeds.yaml; removed ones last.

    A source that the worker has not stored yet was never polled.
    """
    outlines = {outline.source_id: outline for outline in store.source_status.outlines()}
    sources = [_summary(source, outlines.get(source.id), alarm, now) for source in config.sources]
    sources += [SourceSummary(source, "removed", host(source.url)) for source in removed(store, config)]
    order = {state: position for position, state in enumerate(STATES)}
    return sorted(sources, key=lambda summary: order[summary.state])


def removed(store: Store, config: Config) -> list[Source]:
    """Return the sources that are no longer in feeds.yaml."""
    configured = {source.id for source in config.sources}
    return [source for source in store.source_status.removed() if source.id not in configured]


def _summary(source: Source, outline: SourceOutline | None, alarm: Alarm, now: datetime) -> SourceSummary:
    if outline is None:
        return SourceSummary(source, "waiting" if source.enabled else "paused", host(source.url))
    silent = outline.state == "ok" and alarm.overdue(source.id, outline.arrivals, now)
    return SourceSummary(source, "silent" if silent else outline.state, outline.host)


def select(sources: Sequence[SourceSummary], params: SourceParams, size: int = PAGE_SIZE) -> SourcePage:
    """Return the page of *sources* that *params* select; every word must occur in name, ID or host."""
    needles = params.query.casefold().split()
    matching = [
        summary
        for summary in sources
        if (not params.category or summary.source.category == params.category)
        and _contains(needles, f"{summary.source.name} {summary.source.id} {summary.host}".casefold())
    ]
    states = Counter(summary.state for summary in matching)
    if params.state:
        matching = [summary for summary in matching if summary.state == params.state]
    begin = (params.page - 1) * size
    shown = matching[begin : begin + size]
    return SourcePage(params, shown, len(matching), len(sources), states, len(matching) > begin + size)


def _contains(needles: Sequence[str], text: str) -> bool:
    return all(word in text for word in needles)


def health(store: Store, sources: Sequence[Source], now: datetime) -> list[SourceHealth]:
    """Return everything known about *sources*, in their order."""
    rows = {row.source.id: row for row in store.source_status.rows(now, sources)}
    return [
        rows.get(source.id) or SourceHealth(source, FeedState(source.id, source.url), 0, 0, 0) for source in sources
    ]
