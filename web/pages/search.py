"""Search: what was found, where the words stand in it, and what may have been meant when nothing was."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, abort, render_template

from aggregator.model import Entry, Listed
from aggregator.store import SearchResult, Store
from aggregator.text import search_query
from aggregator.text.search_query import Query
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query as asking
from web.lists import stories
from web.lists.query import Asked
from web.present import Card, Link, Presenter
from web.request.context import MINUTE, args, config, feeds_of, keep, now, presenter, reading

room = Blueprint("search", __name__)

PAGE_SIZE = 30
MAX_SUGGESTIONS = 8

Marked = tuple[tuple[str, bool], ...]
"""A text in parts, each with whether it was looked for."""


@dataclass(frozen=True, slots=True)
class Result:
    """A story that was found."""

    card: Card
    headline: Marked
    standfirst: Marked
    elsewhere: Link | None
    """The entry that holds the words, where headline and standfirst do not."""
    elsewhere_marked: Marked = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another search that finds something."""

    text: str
    total: int


@room.get("/search")
@query_parameters("q", *LIST_PARAMETERS, costly=True)
def search() -> str:
    """Full text search over all entries, shown as stories."""
    asked = asking.read(args(), asking.SEARCH_SORTS)
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A search has {asking.MAX_PAGE:,} pages at most.")
    looked_for = stories.query_of(asked, config(), now())
    with reading().store() as store:
        show = presenter(store)
        found = stories.of_search(store, asked, looked_for, PAGE_SIZE) if asked.query else SearchResult([], 0)
        results = [_result(show, one, found.entries.get(one.story.story_id), looked_for) for one in found.stories]
        missed = bool(asked.query) and not found.total
        unfiltered = _unfiltered(store, asked) if missed and asked.filtered else 0
        suggestions = _suggestions(store, looked_for) if missed and not unfiltered else []
    keep(MINUTE)
    return render_template(
        "search.html",
        asked=asked,
        notes=looked_for.notes if asked.query else (),
        results=results,
        total=found.total,
        more=found.total > asked.page * PAGE_SIZE,
        unfiltered=unfiltered,
        suggestions=suggestions,
        page_size=PAGE_SIZE,
        feeds=feeds_of(f"Search: {asked.query}", "/search", asked.query_string()) if asked.query else [],
    )


def _result(show: Presenter, listed: Listed, entry: Entry | None, looked_for: Query) -> Result:
    card = show.card(listed)
    headline = search_query.highlighted(card.headline, looked_for)
    standfirst = search_query.highlighted(card.standfirst, looked_for)
    elsewhere = None
    if entry is not None and not any(hit for _, hit in (*headline, *standfirst)):
        elsewhere = show.link(entry)
    marked = search_query.highlighted(elsewhere.title, looked_for) if elsewhere else ()
    return Result(card, headline, standfirst, elsewhere, marked)


def _unfiltered(store: Store, asked: Asked) -> int:
    """Return how many stories there are without the filters beside the words."""
    bare = replace(asked, window="", min_score=0, min_sources=0, category="", page=1)
    return stories.of_search(store, bare, stories.query_of(bare, config(), now()), 1).total


def _suggestions(store: Store, looked_for: Query) -> list[Suggestion]:
    """Return searches that find something: with words as they may have been meant, else with one word each."""
    total = {term: store.search.stories(Query(terms=(term,)), limit=1).total for term in looked_for.terms}
    nearest = {term: store.search.nearest(term) for term in looked_for.terms if not total[term]}
    meant = [
        replace(looked_for, terms=tuple(other if one == term else one for one in looked_for.terms))
        for term, others in nearest.items()
        for other in others
    ]
    if len(nearest) > 1 and all(nearest.values()):
        # Two misspelled words are mended together.
        mended = tuple(nearest[term][0] if term in nearest else term for term in looked_for.terms)
        meant.insert(0, replace(looked_for, terms=mended))
    suggestions = [
        Suggestion(search_query.spelled(one), count)
        for one in meant
        if (count := store.search.stories(one, limit=1).total)
    ]
    if len(looked_for.terms) > 1 or looked_for != Query(terms=looked_for.terms):
        suggestions += [
            Suggestion(search_query.spelled(Query(terms=(term,))), count) for term, count in total.items() if count
        ]
    return list(dict.fromkeys(suggestions))[:MAX_SUGGESTIONS]
