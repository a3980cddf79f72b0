"""A named list: a search of feeds.yaml with a page of its own."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from flask import Blueprint, abort, render_template

from aggregator.model import NamedList
from aggregator.text.search_query import Query
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query, stories
from web.lists.query import ListParams
from web.pages import machine_readable
from web.request.context import MINUTE, args, config, feeds_of, keep, now, presenter, reading, shows
from web.request.worker_status import status_of

blueprint = Blueprint("named_lists", __name__)

PAGE_SIZE = 30


@blueprint.get("/list/<list_id>")
@query_parameters(*LIST_PARAMETERS, costly=True)
def named_list(list_id: str) -> str:
    """The stories that match a list's search, best first."""
    named = known_list(list_id)
    params = list_params(args())
    if params.page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    with reading().store() as store:
        show = presenter(store)
        result = stories.of_search(store, params, search_of(named, params), PAGE_SIZE)
        voices = store.story_lists.voices(listed.story.story_id for listed in result.stories)
        cards = [show.card(listed, voices=voices.get(listed.story.story_id, ())) for listed in result.stories]
        status = None if cards else status_of(store)
    keep(MINUTE)
    if params.page == 1:
        shows(card.story_id for card in cards)
    path = f"/list/{quote(list_id)}"
    return render_template(
        "list.html",
        title=named.name,
        metadata=machine_readable.list_metadata(named.name, path, cards),
        category_id=None,
        named=named,
        path=path,
        params=params,
        cards=cards,
        more=result.total > params.page * PAGE_SIZE,
        status=status,
        feeds=feeds_of(named.name, path, params.query_string()),
    )


def known_list(list_id: str) -> NamedList:
    """Return a list from feeds.yaml; 404 if there is none of that name."""
    named = config().named_list(list_id)
    if named is None:
        abort(404)
    return named


def list_params(values: dict[str, str], default: str = "") -> ListParams:
    """Return the parameters of a named list: those of a search, except the query."""
    return replace(query.read(values, query.SEARCH_SORTS, default=default), query="", category="")


def search_of(named: NamedList, params: ListParams) -> Query:
    """Return the search of a list, narrowed by the request's parameters; muted stories are left out."""
    return replace(stories.query_of(replace(params, query=named.query), config(), now()), listed_only=True)
