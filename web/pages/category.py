"""Lists of stories: trending, newest, a category, a search."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template

from aggregator.store import ListQuery
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query as asking
from web.lists import stories
from web.lists.query import Asked
from web.pages import machine_readable
from web.request.context import MINUTE, args, config, feeds_of, keep, now, presenter, reading, shows
from web.request.worker_status import status_of

room = Blueprint("listing", __name__)

PAGE_SIZE = 30


@room.get("/trending")
@query_parameters(*LIST_PARAMETERS)
def trending() -> str:
    """Every story that is ranked, across categories."""
    return _list_page("Trending", None, "/trending", asking.read(args()))


@room.get("/newest")
@query_parameters(*LIST_PARAMETERS)
def newest() -> str:
    """Every story, the newest first."""
    return _list_page("Newest", None, "/newest", asking.read(args(), default="newest"))


@room.get("/category/<category_id>")
@query_parameters(*LIST_PARAMETERS)
def category(category_id: str) -> str:
    """A category: trending, newest or by score."""
    name = category_name(category_id)
    return _list_page(name, category_id, f"/category/{quote(category_id)}", asking.read(args()))


def _list_page(title: str, category_id: str | None, path: str, asked: Asked) -> str:
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A list has {asking.MAX_PAGE:,} pages at most.")
    with reading().store() as store:
        show = presenter(store)
        found = stories.of_category(store, category_id, asked, now(), PAGE_SIZE)
        others = store.stories.other_headlines(found.stories, each=3)
        voices = store.stories.voices(one.story.story_id for one in found.stories)
        cards = [
            show.card(one, others.get(one.story.story_id, ()), voices.get(one.story.story_id, ()))
            for one in found.stories
        ]
        status = None if cards else status_of(store)
    keep(MINUTE)
    if asked.page == 1:
        shows(card.story_id for card in cards)
    return render_template(
        "list.html",
        title=title,
        machine=machine_readable.of_list(title, path, cards),
        category_id=category_id,
        path=path,
        asked=asked,
        cards=cards,
        more=found.more,
        status=status,
        feeds=feeds_of(title, path, asked.query_string()),
    )


def category_name(category_id: str) -> str:
    """Return a category's name; 404 unless it is configured, or stories of it are left."""
    known = config().category(category_id)
    if known is not None:
        return known.name
    with reading().store() as store:
        if not store.stories.select(ListQuery(category_id=category_id, limit=1)):
            abort(404)
        section = presenter(store).section(category_id)
    return section.name if section else category_id
