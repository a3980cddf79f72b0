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
"""How long a page with relative times may be kept."""
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
    """Return the three spellings of the list at *path*."""
    return [
        Feed(title, form.name, form.content_type.partition(";")[0], f"{path}.{ending}{query}")
        for ending, form in syndication.FORMATS.items()
    ]


def reading() -> Reading:
    """Return the database of this application."""
    return services().database


def worker_silent() -> timedelta:
    """Return after which time without a heartbeat the worker counts as not running."""
    return services().worker_silent_after


def now() -> datetime:
    """Return the moment of this request."""
    return hints().now


def hints() -> CacheHints:
    """Return what this view says of its answer to the page cache."""
    return hints_of(request.environ)


def config() -> Config:
    """Return the configuration of this request."""
    if "config" not in g:
        g.config = reading().config()
    current: Config = g.config
    return current


def keep(for_: timedelta) -> None:
    """Let the page cache keep this answer."""
    hints().keep_for = for_


def shows(story_ids: Iterable[int]) -> None:
    """Say which stories this list shows, in its order: readers who get it count as having been shown them."""
    hints().shown = tuple(story_ids)


def shows_story(story_id: int) -> None:
    """Say which story this page is about: readers who get it count as having looked at it."""
    hints().story_id = story_id


def presenter(store: Store) -> Presenter:
    """Return what makes view models of this request, the same for all of it."""
    if "presenter" not in g:
        running = config()
        # Those of feeds.yaml have their names there; ten thousand more would be read for nothing.
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
    known = config().category(category_id)
    if known is not None:
        return known.name
    with reading().store() as store:
        if not store.story_lists.select(ListQuery(category_id=category_id, limit=1)):
            abort(404)
        section = presenter(store).section(category_id)
    return section.name if section else category_id


def base_url() -> str:
    """Return where the site is, without a slash at its end.

    The configured address; where that is loopback, the address of the request, because the port may be another.
    """
    url = config().site.url.rstrip("/")
    if (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1"):
        return request.host_url.rstrip("/") + urlsplit(url).path
    return url


def id_base() -> str:
    """Return the address that IDs of feed items are made from: the one that the site had first."""
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
    """Return whether the site has an address that others can reach."""
    return is_public_host(urlsplit(config().site.url).hostname or "")


def shared(response: Response) -> Response:
    """Let pages of other sites read *response*, where this site is a public one.

    Nothing here depends on who asks, so there is nothing that another site could read in somebody's name. But a
    site on loopback or in a private network is reached by its operator's browser only, and what they follow is
    nobody else's business: it answers its own pages.
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
    """Return the query of this request; of a name given twice the first."""
    return request.args.to_dict()


def meaning_of(search: Query, sort: str) -> Embedding | None:
    """Return the embedding of a query that is to be sorted by meaning; None where it cannot be."""
    if sort != "meaning" or not search.terms:
        return None
    return services().query_encoder.embedding(" ".join(search.terms), config().meaning)
