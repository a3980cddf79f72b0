"""Every list as RSS 2.0, Atom and JSON Feed."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from flask import Blueprint, Response, abort, redirect
from werkzeug.wrappers import Response as AnyResponse

from aggregator.model import Listed
from aggregator.store import Store
from aggregator.text.tokens import storable
from web import syndicate
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.http.headers import CSP_DATA
from web.http.hints import WHOLE_EDITION
from web.lists import query as asking
from web.lists import stories
from web.lists.query import Asked
from web.pages.category import category_name
from web.pages.sources import source_health
from web.request.context import MINUTE, args, base_url, config, hints, hub_url, keep, now, presenter, reading, shared

room = Blueprint("feeds", __name__)

FEED_SIZE = 50


@room.get("/trending.<any(rss,atom,json):form>")
@query_parameters(*LIST_PARAMETERS)
def trending_feed(form: str) -> Response:
    """Trending across categories."""
    return _list_feed("Trending", None, "/trending", form, asking.read(args()))


@room.get("/newest.<any(rss,atom,json):form>")
@query_parameters(*LIST_PARAMETERS)
def newest_feed(form: str) -> Response:
    """All stories, the newest first."""
    return _list_feed("Newest", None, "/newest", form, asking.read(args(), default="newest"))


@room.get("/category/<category_id>.<any(rss,atom,json):form>")
@query_parameters(*LIST_PARAMETERS)
def category_feed(category_id: str, form: str) -> Response:
    """A category, with the filters of its page."""
    name = category_name(category_id)
    return _list_feed(name, category_id, f"/category/{quote(category_id)}", form, asking.read(args()))


@room.get("/search.<any(rss,atom,json):form>")
@query_parameters("q", *LIST_PARAMETERS, costly=True)
def search_feed(form: str) -> Response:
    """What a search finds, the newest first unless asked otherwise."""
    asked = asking.read(args(), asking.SEARCH_SORTS, default="newest")
    with reading().store() as store:
        looked_for = stories.query_of(asked, config(), now())
        found = stories.of_search(store, asked, looked_for, FEED_SIZE).stories if asked.query else []
        words = f"Stories with {asked.query!r}" if asked.query else "A search for nothing"
        moving = looked_for.after is not None or looked_for.before is not None
        return _feed(store, f"Search: {asked.query}", words, "/search", form, asked, found, moving)


@room.get("/source/<source_id>.<any(rss,atom,json):form>")
def source_feed(source_id: str, form: str) -> Response:
    """The stories that a source had a part in."""
    with reading().store() as store:
        name = source_health(store, source_id).source.name
        found: dict[int, Listed] = {}
        for _, listed in stories.of_source(store, source_id, FEED_SIZE * 2):
            if listed is not None:
                found.setdefault(listed.story.story_id, listed)
        words = f"Stories that {name} had a part in"
        path = f"/source/{quote(source_id)}"
        return _feed(store, name, words, path, form, asking.read({}), list(found.values())[:FEED_SIZE])


@room.get("/topic/<slug>.<any(rss,atom,json):form>")
def topic_feed(slug: str, form: str) -> Response:
    """The stories of a term that rises or rose."""
    with reading().store() as store:
        topic = store.topics.get(slug)
        if topic is None:
            abort(404)
        found = store.topics.stories(slug, FEED_SIZE)
        words = f"Stories about {topic.name}"
        return _feed(store, topic.name, words, f"/topic/{quote(slug)}", form, asking.read({}), found)


def _list_feed(title: str, category_id: str | None, path: str, form: str, asked: Asked) -> Response:
    with reading().store() as store:
        found = stories.of_category(store, category_id, asked, now(), FEED_SIZE).stories
        words = {"trending": "ranked by trend", "newest": "the newest first", "score": "the highest score first"}
        filters = [f"score from {asked.min_score}"] if asked.min_score else []
        filters += [f"{asked.min_sources} independent sources or more"] if asked.min_sources else []
        filters += [f"of the last {asked.window}"] if asked.window else []
        return _feed(store, title, f"Stories {', '.join([words[asked.sort], *filters])}", path, form, asked, found)


def _feed(
    store: Store,
    title: str,
    words: str,
    path: str,
    form: str,
    asked: Asked,
    found: Sequence[Listed],
    moving: bool = False,
) -> Response:
    """Return a list as a feed; it depends on the edition only, unless a window moves with the clock (*moving*)."""
    base, site = base_url(), config().site
    show = presenter(store)
    others = store.stories.other_headlines(found)
    items = []
    for one in found:
        section = show.section(one.story.category_id)
        items.append(
            syndicate.item(
                one,
                base_url=base,
                id_base=site.url,
                source=show.source_name(one.lead.source_id),
                category=section.name if section else "",
                related=[(entry, show.source_name(entry.source_id)) for entry in others.get(one.story.story_id, ())],
            )
        )
    chosen = syndicate.FORMATS[form]
    channel = syndicate.Channel(
        title=f"{storable(site.title)}: {storable(title)}",
        description=storable(words),
        page_url=f"{base}{path}{asked.query_string()}",
        self_url=f"{base}{path}.{form}{asked.query_string()}",
        language=site.language,
        items=tuple(items),
        hub_url=hub_url(),
    )
    hints().material = syndicate.material(channel)
    keep(MINUTE if asked.window or moving else WHOLE_EDITION)
    response = Response(chosen.write(channel), content_type=chosen.content_type)
    response.headers["Content-Security-Policy"] = CSP_DATA
    hub = [f'<{channel.hub_url}>; rel="hub"'] if channel.hub_url else []
    response.headers["Link"] = ", ".join([*hub, f'<{channel.self_url}>; rel="self"'])
    return shared(response)


@room.get("/feed.xml")
@room.get("/feed")
@room.get("/rss")
@room.get("/rss.xml")
@room.get("/index.rss")
def feed_elsewhere() -> AnyResponse:
    """Where readers look for a feed without being told."""
    return redirect("/trending.rss", 301)


@room.get("/atom.xml")
@room.get("/index.atom")
def atom_elsewhere() -> AnyResponse:
    """The same for Atom."""
    return redirect("/trending.atom", 301)


@room.get("/index.json")
@room.get("/feed.json")
def json_elsewhere() -> AnyResponse:
    """The same for JSON Feed."""
    return redirect("/trending.json", 301)
