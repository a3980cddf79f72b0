"""The stories of a list, the same for its page and its feeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model import Config, Embedding, Entry, Listed
from aggregator.store import ListQuery, SearchResult, Store
from aggregator.store.stories.search import Order
from aggregator.text import search_query
from aggregator.text.search_query import Query
from aggregator.translatable import Translatable
from scoring.meaning.search import by_meaning
from web.lists.query import ListParams

ENTRIES_PER_STORY = 2
"""Entries of a source that are read per story of a list."""
MAX_SOURCE_OFFSET = 500
"""The largest offset in the stories of a source: each story is a lookup."""
MAX_RANKED = 1000
"""Stories of a ranked list that are filtered; the worker ranks fewer."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list."""

    stories: list[Listed]
    more: bool


def of_category(store: Store, category_id: str | None, params: ListParams, now: datetime, size: int) -> Page:
    """Return a page of *size* stories of a category, or of all (None)."""
    # One more than a page shows whether there is another.
    stories = some_of_category(store, category_id, params, now, size + 1, (params.page - 1) * size)
    return Page(stories[:size], len(stories) > size)


def some_of_category(
    store: Store, category_id: str | None, params: ListParams, now: datetime, limit: int, offset: int
) -> list[Listed]:
    """Return *limit* stories of a category, or of all (None), from *offset* on."""
    since = params.since(now)
    if params.sort == "trending":
        if not params.filtered:
            return store.story_lists.ranked(category_id or "", limit, offset)
        matching = [
            listed
            for listed in store.story_lists.ranked(category_id or "", MAX_RANKED)
            if listed.story.score >= params.min_score
            and listed.story.independent_sources >= params.min_sources
            and (since is None or listed.story.last_source_at >= since)
        ]
        return matching[offset : offset + limit]
    return store.story_lists.select(
        ListQuery(
            category_id=category_id,
            sort="score" if params.sort == "score" else "newest",
            since=since,
            min_score=params.min_score,
            min_sources=params.min_sources,
            limit=limit,
            offset=offset,
        )
    )


def query_of(params: ListParams, config: Config, now: datetime) -> Query:
    """Return the query of a search, with its text and filters."""
    typed = search_query.resolved(
        search_query.read(params.query, now),
        {source.id: source.name for source in config.sources},
        {category.id: category.name for category in config.categories},
    )
    since = params.since(now)
    notes = typed.notes
    if params.sort == "meaning" and not config.meaning.model:
        notes = (*notes, Translatable("this site has no sentence encoder, so the best matches of the words come first"))
    return replace(
        typed,
        notes=notes,
        categories=(params.category,) if params.category else typed.categories,
        min_score=max(params.min_score, typed.min_score),
        min_sources=max(params.min_sources, typed.min_sources),
        after=max((at for at in (since, typed.after) if at), default=None),
    )


def of_search(
    store: Store, params: ListParams, search: Query, size: int, meaning: Embedding | None = None
) -> SearchResult:
    """Return a page of search results."""
    return some_of_search(store, params, search, size, (params.page - 1) * size, meaning)


def some_of_search(
    store: Store, params: ListParams, search: Query, limit: int, offset: int, meaning: Embedding | None = None
) -> SearchResult:
    """Return *limit* search results from the place *offset* on.

    meaning: the query's embedding, for the order by meaning; without it, that order is the best match of the words
    """
    if meaning is not None and params.sort == "meaning":
        return by_meaning(store, search, meaning, limit, offset)
    order: Order = "newest" if params.sort == "newest" else "score" if params.sort == "score" else "best"
    return store.search.stories(search, order=order, limit=limit, offset=offset)


def of_source(store: Store, source_id: str, limit: int) -> list[tuple[Entry, Listed | None]]:
    """Return the entries of a source, newest first, each with its story."""
    rows = []
    for entry in store.entries.of_source(source_id, limit):
        story_id = store.memberships.story_of(entry.entry_id)
        rows.append((entry, None if story_id is None else store.story_lists.listed(story_id)))
    return rows


def stories_of_source(store: Store, source_id: str, limit: int, offset: int) -> list[Listed]:
    """Return *limit* stories that a source took part in, from the place *offset* on, by its newest entry in each."""
    if offset > MAX_SOURCE_OFFSET:
        return []
    result: dict[int, Listed] = {}
    for _, listed in of_source(store, source_id, ENTRIES_PER_STORY * (offset + limit)):
        if listed is not None:
            result.setdefault(listed.story.story_id, listed)
    return list(result.values())[offset : offset + limit]


def following_merges(store: Store, story_id: int) -> Listed | None:
    """Return the story, or the one that it finally merged into, or None."""
    resolved = store.stories.resolve(story_id)
    return None if resolved is None else store.story_lists.listed(resolved)
