"""What every view needs: the database, the moment, the configuration, how long its response may be cached.

Knows where a request keeps these. Leaves what a page shows to `pages`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Response, abort, g, request

from aggregator.model import Config, Embedding
from aggregator.store import ListQuery, Store
from aggregator.text.ip_addresses import is_public_host
from aggregator.text.search_query import Query
from web import syndication
from web.http.database import Reading
from web.http.hints import CacheHints, hints_of
from web.present import Presenter
from web.request.services import services

MINUTE = timedelta(seconds=60)
"""How long a page with relative times may be cached."""
BRIEF = timedelta(seconds=2)
"""For pages about the running program."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that a page offers."""

    title: str
    kind: str
    content_type: str
    url: str


def feeds_of(title: str, path: str, query: str = "") -> list[Feed]:
    """Return the three feeds of the list at *path*."""
    return [
        Feed(title, form.name, form.content_type.partition(";")[0], f"{path}.{ending}{query}")
        for ending, form in syndication.FORMATS.items()
    ]


def reading() -> Reading:
    """Return the database of this application."""
    return services().database


def worker_silent() -> timedelta:
    """Return the time without a heartbeat after which the worker counts as not running."""
    return services().worker_silent_after


def now() -> datetime:
    """Return the time of this request."""
    return hints().now


def hints() -> CacheHints:
    """Return this view's hints for the page cache."""
    return hints_of(request.environ)


def config() -> Config:
    """Return the configuration of this request."""
    if "config" not in g:
        g.config = reading().config()
    current: Config = g.config
    return current


def keep(for_: timedelta) -> None:
    """Let the page cache store this response."""
    hints().keep_for = for_


def shows(story_ids: Iterable[int]) -> None:
    """Set the stories of this list, in order, for counting impressions."""
    hints().shown = tuple(story_ids)


def shows_story(story_id: int) -> None:
    """Set the story of this page, for counting views."""
    hints().story_id = story_id


def presenter(store: Store) -> Presenter:
    """Return the presenter of this request."""
    if "presenter" not in g:
        running = config()
        # Configured sources have their names in feeds.yaml, so only those of other sources are read.
        names = (
            {source.id: source.name for source in store.source_status.removed()}
            if running.sources
            else store.feeds.names()
        )
        g.presenter = Presenter(running, names, now(), store.entry_languages.of)
    current: Presenter = g.presenter
    return current


def category_name(category_id: str) -> str:
    """Return a category's name; 404 unless it is configured or has stories."""
    category = config().category(category_id)
    if category is not None:
        return category.name
    with reading().store() as store:
        if not store.story_lists.select(ListQuery(category_id=category_id, limit=1)):
            abort(404)
        section = presenter(store).section(category_id)
    return section.name if section else category_id


def base_url() -> str:
    """Return the address of the site, without a slash at its end.

    The configured address, or that of the request if the configured one is loopback, because the port may differ.
    """
    url = config().site.url.rstrip("/")
    if (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1"):
        return request.host_url.rstrip("/") + urlsplit(url).path
    return url


def id_base() -> str:
    """Return the base of feed item IDs: the first address of the site."""
    if "id_base" not in g:
        with reading().store() as store:
            g.id_base = store.state.id_base() or config().site.url
    base: str = g.id_base
    return base


def hub_url() -> str:
    """Return the address of the WebSub hub that feeds name, "" for none."""
    hub = config().site.hub
    return f"{base_url()}/hub" if hub == "own" else "" if hub == "off" else hub


def public_site() -> bool:
    """Return whether the site has a public address."""
    return is_public_host(urlsplit(config().site.url).hostname or "")


def shared(response: Response) -> Response:
    """Allow pages of other sites to read *response*, if this site is public.

    Responses do not depend on the reader, so another site cannot read anything in a reader's name. But a site on
    loopback or in a private network is private to its operator, so only its own pages may read it.
    """
    if public_site():
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Link"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD"
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
            response.headers["Access-Control-Max-Age"] = "86400"
    return response


def args() -> dict[str, str]:
    """Return the query of this request, with the first value of repeated names."""
    return request.args.to_dict()


def meaning_of(search: Query, sort: str) -> Embedding | None:
    """Return the embedding of a query sorted by meaning; None if that is not possible."""
    if sort != "meaning" or not search.terms:
        return None
    return services().query_encoder.embedding(" ".join(search.terms), config().meaning)
