"""Lists of stories: trending, newest, a category, a search."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template
from flask_babel import gettext

from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query, stories
from web.lists.query import ListParams
from web.pages import machine_readable
from web.request.context import MINUTE, args, category_name, feeds_of, keep, now, presenter, reading, shows
from web.request.worker_status import status_of

blueprint = Blueprint("listing", __name__)

PAGE_SIZE = 30


@blueprint.get("/trending")
@query_parameters(*LIST_PARAMETERS)
def trending() -> str:
    """Every ranked story, across categories."""
    return _list_page(gettext("Trending"), None, "/trending", query.read(args()))


@blueprint.get("/newest")
@query_parameters(*LIST_PARAMETERS)
def newest() -> str:
    """Every story, newest first."""
    return _list_page(gettext("Newest"), None, "/newest", query.read(args(), default="newest"))


@blueprint.get("/category/<category_id>")
@query_parameters(*LIST_PARAMETERS)
def category(category_id: str) -> str:
    """A category: trending, newest or by score."""
    name = category_name(category_id)
    return _list_page(name, category_id, f"/category/{quote(category_id)}", query.read(args()))


def _list_page(title: str, category_id: str | None, path: str, params: ListParams) -> str:
    if params.page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    with reading().store() as store:
        show = presenter(store)
        page = stories.of_category(store, category_id, params, now(), PAGE_SIZE)
        others = store.story_lists.other_headlines(page.stories, each=3)
        voices = store.story_lists.voices(listed.story.story_id for listed in page.stories)
        cards = [
            show.card(listed, others.get(listed.story.story_id, ()), voices.get(listed.story.story_id, ()))
            for listed in page.stories
        ]
        status = None if cards else status_of(store)
    keep(MINUTE)
    if params.page == 1:
        shows(card.story_id for card in cards)
    return render_template(
        "list.html",
        title=title,
        metadata=machine_readable.list_metadata(title, path, cards),
        category_id=category_id,
        path=path,
        params=params,
        cards=cards,
        more=page.more,
        status=status,
        feeds=feeds_of(title, path, params.query_string()),
    )
