"""Every list as RSS 2.0, Atom, JSON Feed and Markdown, in pages (RFC 5005)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from aggregator.model import Listed
from aggregator.store import Store
from aggregator.text.markup import storable
from aggregator.translatable import Translatable
from web import syndication
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.http.headers import CSP_FEED
from web.http.hints import WHOLE_EDITION
from web.lists import paging, query, stories
from web.lists.query import ListParams
from web.pages.reading import named_lists
from web.pages.service.static_files import asset
from web.pages.sources import source_health
from web.present import Presenter
from web.request.context import (
    MINUTE,
    args,
    base_url,
    category_name,
    config,
    hints,
    hub_url,
    id_base,
    keep,
    meaning_of,
    now,
    presenter,
    reading,
    shared,
)
from web.request.services import services

blueprint = Blueprint("feeds", __name__)

FEED_PARAMETERS = (*LIST_PARAMETERS, "limit", "cursor")
DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_ORDERS = {"trending": "ranked by trend", "newest": "newest first", "score": "highest score first"}


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a list that a feed contains."""

    limit: int
    cursor: str

    def query_string(self, params: ListParams, cursor: str) -> str:
        """Return the query string of the feed that begins at *cursor*, with the list's own filters."""
        filters = params.query_string()
        limit = {"limit": self.limit} if self.limit != DEFAULT_LIMIT else {}
        more = urlencode(limit | ({"cursor": cursor} if cursor else {}))
        return filters + (("&" if filters else "?") + more if more else "")


@blueprint.get("/trending.<any(rss,atom,json,md):form>")
@query_parameters(*FEED_PARAMETERS)
def trending_feed(form: str) -> Response:
    """Trending across categories."""
    return _list_feed("Trending", None, "/trending", form, query.read(args()))


@blueprint.get("/newest.<any(rss,atom,json,md):form>")
@query_parameters(*FEED_PARAMETERS)
def newest_feed(form: str) -> Response:
    """All stories, newest first."""
    return _list_feed("Newest", None, "/newest", form, query.read(args(), default="newest"))


@blueprint.get("/category/<category_id>.<any(rss,atom,json,md):form>")
@query_parameters(*FEED_PARAMETERS)
def category_feed(category_id: str, form: str) -> Response:
    """A category, with the filters of its page."""
    name = category_name(category_id)
    return _list_feed(name, category_id, f"/category/{quote(category_id)}", form, query.read(args()))


@blueprint.get("/search.<any(rss,atom,json,md):form>")
@query_parameters("q", *FEED_PARAMETERS, costly=True)
def search_feed(form: str) -> Response:
    """Search results, newest first unless the request asks for another order."""
    params = query.read(args(), query.SEARCH_SORTS, default="newest")
    search = stories.query_of(params, config(), now())
    meaning = meaning_of(search, params.sort)
    with reading().store() as store:

        def read(limit: int, offset: int) -> list[Listed]:
            if not params.query:
                return []
            return stories.some_of_search(store, params, search, limit, offset, meaning).stories

        description = f"Stories that match {params.query!r}" if params.query else "An empty search"
        moving = search.after is not None or search.before is not None
        return _feed(store, f"Search: {params.query}", description, "/search", form, params, read, moving)


@blueprint.get("/source/<source_id>.<any(rss,atom,json,md):form>")
@query_parameters("limit", "cursor")
def source_feed(source_id: str, form: str) -> Response:
    """The stories that a source has reported."""
    with reading().store() as store:
        name = source_health(store, source_id).source.name

        def read(limit: int, offset: int) -> list[Listed]:
            return stories.stories_of_source(store, source_id, limit, offset)

        path = f"/source/{quote(source_id)}"
        return _feed(store, name, f"Stories reported by {name}", path, form, query.read({}), read)


@blueprint.get("/topic/<slug>.<any(rss,atom,json,md):form>")
@query_parameters("limit", "cursor")
def topic_feed(slug: str, form: str) -> Response:
    """The stories of a topic that is rising or was."""
    with reading().store() as store:
        topic = store.topics.get(slug)
        if topic is None:
            abort(404)

        def read(limit: int, offset: int) -> list[Listed]:
            return store.topics.stories(slug, limit, offset)

        path = f"/topic/{quote(slug)}"
        return _feed(store, topic.name, f"Stories about {topic.name}", path, form, query.read({}), read)


@blueprint.get("/list/<list_id>.<any(rss,atom,json,md):form>")
@query_parameters(*FEED_PARAMETERS, costly=True)
def named_list_feed(list_id: str, form: str) -> Response:
    """A list from feeds.yaml, newest first unless the request asks for another order."""
    named = named_lists.known_list(list_id)
    params = named_lists.list_params(args(), default="newest")
    search = named_lists.search_of(named, params)
    with reading().store() as store:

        def read(limit: int, offset: int) -> list[Listed]:
            return stories.some_of_search(store, params, search, limit, offset).stories

        moving = search.after is not None or search.before is not None
        description = f"Stories that match {named.query}"
        return _feed(store, named.name, description, f"/list/{quote(list_id)}", form, params, read, moving)


def _list_feed(title: str, category_id: str | None, path: str, form: str, params: ListParams) -> Response:
    with reading().store() as store:

        def read(limit: int, offset: int) -> list[Listed]:
            return stories.some_of_category(store, category_id, params, now(), limit, offset)

        filters = [_ORDERS[params.sort]]
        filters += [f"score {params.min_score} or higher"] if params.min_score else []
        filters += [f"{params.min_sources} or more independent sources"] if params.min_sources else []
        filters += [f"updated in the last {params.window}"] if params.window else []
        return _feed(store, title, f"Stories, {', '.join(filters)}", path, form, params, read)


def _feed(
    store: Store,
    title: str,
    description: str,
    path: str,
    form: str,
    params: ListParams,
    read: Callable[[int, int], list[Listed]],
    moving: bool = False,
) -> Response:
    """Return a part of a list as a feed.

    The feed depends only on the edition, unless a time window moves with the clock (*moving*).
    """
    window = _window()
    base, site, prefix = base_url(), config().site, services().database.prefix()
    page = paging.page_after(window.cursor, window.limit, read)
    address = f"{base}{path}.{form}"
    chosen = syndication.FORMATS.get(form, syndication.MARKDOWN)
    channel = syndication.Channel(
        title=f"{storable(site.title)}: {storable(title)}",
        description=storable(description),
        page_url=f"{base}{path}{params.query_string()}",
        self_url=address + window.query_string(params, window.cursor),
        language=site.language,
        items=tuple(_items(store, presenter(store), page.stories)),
        hub_url=hub_url(),
        next_url=address + window.query_string(params, page.next_cursor) if page.next_cursor else "",
        first_url=address + window.query_string(params, "") if window.cursor else "",
        style_urls=(("text/xsl", prefix + asset("feed.xsl")), ("text/css", prefix + asset("feed.css"))),
    )
    hints().material = syndication.material(channel)
    keep(MINUTE if params.window or moving else WHOLE_EDITION)
    response = Response(chosen.write(channel), content_type=chosen.content_type)
    response.headers["Content-Security-Policy"] = CSP_FEED
    if form != "md":
        response.vary.add("Accept")
    links = {"hub": channel.hub_url, "self": channel.self_url, "first": channel.first_url, "next": channel.next_url}
    response.headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
    return shared(response)


def _window() -> _Window:
    """Return the requested part of the feed; 400 if it cannot exist."""
    limit, cursor = request.args.get("limit", str(DEFAULT_LIMIT)), request.args.get("cursor", "")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MAX_LIMIT):
        abort(400, Translatable("The parameter limit must be a number from 1 to %(n)s.", n=MAX_LIMIT))
    if not re.fullmatch(paging.CURSOR, cursor):
        abort(400, Translatable("The parameter cursor is not one that this site made. Start again without it."))
    return _Window(int(limit), cursor)


def _items(store: Store, show: Presenter, listed: list[Listed]) -> list[syndication.Item]:
    others = store.story_lists.other_headlines(listed)
    base = base_url()
    items = []
    for story in listed:
        section = show.section(story.story.category_id)
        picture, shown = story.lead.picture, show.picture(story.lead)
        items.append(
            syndication.item(
                story,
                base_url=base,
                id_base=id_base(),
                source=show.source_name(story.lead.source_id),
                first_source=show.source_name(story.first_source_id),
                category=section.name if section else "",
                related=[(entry, show.source_name(entry.source_id)) for entry in others.get(story.story.story_id, ())],
                image=syndication.image(picture, base + shown.src, shown.caption, shown.credit)
                if picture and shown
                else None,
            )
        )
    return items


@blueprint.get("/feed.xml")
@blueprint.get("/feed")
@blueprint.get("/rss")
@blueprint.get("/rss.xml")
@blueprint.get("/index.rss")
@blueprint.get("/index.xml")
def usual_rss_address() -> AnyResponse:
    """Addresses that feed readers try by themselves."""
    return redirect("/trending.rss", 301)


@blueprint.get("/atom")
@blueprint.get("/atom.xml")
@blueprint.get("/index.atom")
def usual_atom_address() -> AnyResponse:
    """The same, for Atom."""
    return redirect("/trending.atom", 301)


@blueprint.get("/index.json")
@blueprint.get("/feed.json")
def usual_json_address() -> AnyResponse:
    """The same, for JSON Feed."""
    return redirect("/trending.json", 301)
