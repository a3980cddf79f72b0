"""Which stories a list holds: the same for its page and for its feeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model import Config, Entry, Listed
from aggregator.store import ListQuery, SearchResult, Store
from aggregator.store.derived.search import Order
from aggregator.text import search_query
from aggregator.text.search_query import Query
from web.lists.query import Asked

RANKED_MOST = 1000
"""How deep a ranked list is looked through for a filter; the worker ranks fewer."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list."""

    stories: list[Listed]
    more: bool


def of_category(store: Store, category_id: str | None, asked: Asked, now: datetime, size: int) -> Page:
    """Return a page of *size* stories of a category, or of all (None)."""
    # One more than a page holds tells whether there is another.
    found = some_of_category(store, category_id, asked, now, size + 1, (asked.page - 1) * size)
    return Page(found[:size], len(found) > size)


def some_of_category(
    store: Store, category_id: str | None, asked: Asked, now: datetime, limit: int, offset: int
) -> list[Listed]:
    """Return *limit* stories of a category, or of all (None), from the place *offset* on."""
    since = asked.since(now)
    if asked.sort == "trending":
        if not asked.filtered:
            return store.stories.ranked(category_id or "", limit, offset)
        fitting = [
            one
            for one in store.stories.ranked(category_id or "", RANKED_MOST)
            if one.story.score >= asked.min_score
            and one.story.independent_sources >= asked.min_sources
            and (since is None or one.story.last_source_at >= since)
        ]
        return fitting[offset : offset + limit]
    return store.stories.select(
        ListQuery(
            category_id=category_id,
            sort="score" if asked.sort == "score" else "newest",
            since=since,
            min_score=asked.min_score,
            min_sources=asked.min_sources,
            limit=limit,
            offset=offset,
        )
    )


def query_of(asked: Asked, config: Config, now: datetime) -> Query:
    """Return what a search asks for: what was typed, and the filters beside it."""
    typed = search_query.resolved(
        search_query.read(asked.query, now),
        {source.id: source.name for source in config.sources},
        {category.id: category.name for category in config.categories},
    )
    since = asked.since(now)
    return replace(
        typed,
        categories=(asked.category,) if asked.category else typed.categories,
        min_score=max(asked.min_score, typed.min_score),
        min_sources=max(asked.min_sources, typed.min_sources),
        after=max((at for at in (since, typed.after) if at), default=None),
    )


def of_search(store: Store, asked: Asked, looked_for: Query, size: int) -> SearchResult:
    """Return a page of what was searched for."""
    return some_of_search(store, asked, looked_for, size, (asked.page - 1) * size)


def some_of_search(store: Store, asked: Asked, looked_for: Query, limit: int, offset: int) -> SearchResult:
    """Return *limit* stories of what was searched for, from the place *offset* on."""
    order: Order = "newest" if asked.sort == "newest" else "score" if asked.sort == "score" else "best"
    return store.search.stories(looked_for, order=order, limit=limit, offset=offset)


def of_source(store: Store, source_id: str, limit: int) -> list[tuple[Entry, Listed | None]]:
    """Return what a source published, newest first, each with the story it belongs to."""
    rows = []
    for entry in store.entries.of_source(source_id, limit):
        story_id = store.stories.of_entry(entry.entry_id)
        rows.append((entry, None if story_id is None else store.stories.listed(story_id)))
    return rows


def following_merges(store: Store, story_id: int) -> Listed | None:
    """Return the story, or the one that it was merged into in the end; None when there is none."""
    resolved = store.stories.resolve(story_id)
    return None if resolved is None else store.stories.listed(resolved)
