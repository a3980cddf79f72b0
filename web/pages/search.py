"""Search: results with highlighted matches, and suggestions if there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, abort, render_template
from flask_babel import gettext

from aggregator.model import Entry, Listed
from aggregator.store import SearchResult, Store
from aggregator.text import search_query
from aggregator.text.search_query import Query
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.i18n.messages import notice
from web.lists import query, stories
from web.lists.query import ListParams
from web.present import Card, Link, Presenter
from web.request.context import MINUTE, args, config, feeds_of, keep, meaning_of, now, presenter, reading

blueprint = Blueprint("search", __name__)

PAGE_SIZE = 30
MAX_SUGGESTIONS = 8

Marked = tuple[tuple[str, bool], ...]
"""A text in parts, each with whether it matches the query."""


@dataclass(frozen=True, slots=True)
class Result:
    """A story that matches."""

    card: Card
    headline: Marked
    standfirst: Marked
    elsewhere: Link | None
    """The entry that matches, where headline and standfirst do not."""
    elsewhere_marked: Marked = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another search that has results."""

    text: str
    total: int


@blueprint.get("/search")
@query_parameters("q", *LIST_PARAMETERS, costly=True)
def search() -> str:
    """Full text search over all entries, shown as stories."""
    params = query.read(args(), query.SEARCH_SORTS)
    if params.page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    search_for = stories.query_of(params, config(), now())
    meaning = meaning_of(search_for, params.sort)
    with reading().store() as store:
        show = presenter(store)
        result = (
            stories.of_search(store, params, search_for, PAGE_SIZE, meaning) if params.query else SearchResult([], 0)
        )
        results = [
            _result(show, listed, result.entries.get(listed.story.story_id), search_for) for listed in result.stories
        ]
        missed = bool(params.query) and not result.total
        unfiltered = _unfiltered(store, params) if missed and params.filtered else 0
        suggestions = _suggestions(store, search_for) if missed and not unfiltered else []
    keep(MINUTE)
    return render_template(
        "search.html",
        params=params,
        by_meaning=bool(config().meaning.model),
        notes=[notice(note) for note in (params.note, *(search_for.notes if params.query else ())) if note],
        results=results,
        total=result.total,
        more=result.total > params.page * PAGE_SIZE,
        unfiltered=unfiltered,
        suggestions=suggestions,
        page_size=PAGE_SIZE,
        feeds=feeds_of(gettext("Search: %(query)s", query=params.query), "/search", params.query_string())
        if params.query
        else [],
    )


def _result(show: Presenter, listed: Listed, entry: Entry | None, search_for: Query) -> Result:
    card = show.card(listed)
    headline = search_query.highlighted(card.headline, search_for)
    standfirst = search_query.highlighted(card.standfirst, search_for)
    elsewhere = None
    if entry is not None and not any(hit for _, hit in (*headline, *standfirst)):
        elsewhere = show.link(entry)
    marked = search_query.highlighted(elsewhere.title, search_for) if elsewhere else ()
    return Result(card, headline, standfirst, elsewhere, marked)


def _unfiltered(store: Store, params: ListParams) -> int:
    """Return the number of results without filters."""
    bare = replace(params, window="", min_score=0, min_sources=0, category="", page=1)
    return stories.of_search(store, bare, stories.query_of(bare, config(), now()), 1).total


def _suggestions(store: Store, search_for: Query) -> list[Suggestion]:
    """Return searches that have results: with corrected words, or with one word each."""
    total = {term: store.search.stories(Query(terms=(term,)), limit=1).total for term in search_for.terms}
    nearest = {term: store.search.nearest(term) for term in search_for.terms if not total[term]}
    corrected = [
        replace(search_for, terms=tuple(other if word == term else word for word in search_for.terms))
        for term, others in nearest.items()
        for other in others
    ]
    if len(nearest) > 1 and all(nearest.values()):
        # Two misspelled words are corrected together.
        terms = tuple(nearest[term][0] if term in nearest else term for term in search_for.terms)
        corrected.insert(0, replace(search_for, terms=terms))
    suggestions = [
        Suggestion(search_query.spelled(search), count)
        for search in corrected
        if (count := store.search.stories(search, limit=1).total)
    ]
    if len(search_for.terms) > 1 or search_for != Query(terms=search_for.terms):
        suggestions += [
            Suggestion(search_query.spelled(Query(terms=(term,))), count) for term, count in total.items() if count
        ]
    return list(dict.fromkeys(suggestions))[:MAX_SUGGESTIONS]
