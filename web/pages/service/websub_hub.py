"""The WebSub hub's endpoint: accepts requests to subscribe to a feed. The worker verifies and delivers.

Anyone may subscribe, because a subscription only starts when its callback confirms it. Browsers may not: otherwise any
web page could make a visitor's browser subscribe a callback to a site that only that browser can reach. Pending
requests and subscriptions are limited per owner of the callback's host, per feed, and in total. Requests are limited
per client too: each makes the worker call an address that the client chose.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from aggregator.store import ListQuery, Store
from aggregator.text import search_query
from aggregator.text.ip_addresses import is_loopback
from aggregator.websub_protocol import MAX_PENDING, RefusedError, Request, read_request
from web.http.clients import network
from web.http.headers import CSP_DATA, is_trusted, trusted_hosts
from web.request.access import open_to_others
from web.request.context import config, now, public_site, reading
from web.request.services import services

blueprint = Blueprint("hub", __name__)

MAX_SUBSCRIPTIONS = 2_000
MAX_OF_A_GROUP = 60
"""Subscriptions and requests whose callbacks are hosts of one owner."""
MAX_TOPICS = 300
"""Feeds that are subscribed to, in total: each is rendered again when something changes."""
MAX_SEARCHES = 50
"""Of those, searches: what they find is looked up again each time."""
MAX_SEARCHES_OF_A_GROUP = 10
"""Of those, searches whose callbacks are hosts of one owner."""
MAX_OF_A_CLIENT, CLIENT_WINDOW_S = 60, 600
"""Requests of one client within that many seconds."""
FULL_S = 3600
"""Seconds after which a full hub may have room again."""
SEARCH = "/search."
"""What the address of a feed of a search contains."""


@blueprint.post("/hub")
@open_to_others
def ask() -> Response:
    """Accept a request with 202; the worker soon asks the callback to confirm it."""
    if config().site.hub != "own":
        abort(404)
    if request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site"):
        return _plain("This endpoint is for programs, not for pages in a browser.", 403)
    try:
        wanted = read_request(request.form)
    except RefusedError as error:
        return _plain(f"{error}.", 400)
    client = request.remote_addr or ""
    # An undeclared proxy sends the requests of everyone from a loopback address.
    if not is_loopback(client) and not services().hub_requests.allows(network(client)):
        return _try_later("Too many requests came from your address; try again later.", CLIENT_WINDOW_S)
    with reading().store() as store:
        is_subscribed = store.websub_hub.is_subscribed(wanted.topic, wanted.callback)
        if wanted.mode == "unsubscribe" and not is_subscribed:
            return _plain("There is no such subscription.", 400)
        # A feed that no longer exists can still be unsubscribed from.
        if wanted.mode == "subscribe" and not is_topic(store, wanted.topic):
            return _plain("hub.topic must be one of this site's feeds, spelled as in its rel=self link.", 400)
        with store.transaction():
            if full := _is_full(store, wanted, is_subscribed):
                return _try_later(full, FULL_S)
            store.websub_requests.add(wanted, now())
    return _plain("Accepted. Your callback will be asked to confirm.", 202)


def _is_full(store: Store, wanted: Request, is_subscribed: bool) -> str:
    """Return why a request is rejected, "" if it is accepted."""
    subscriptions, pending = store.websub_requests.counts()
    of_group = store.websub_requests.group_counts(wanted.group)
    if not is_subscribed:
        if subscriptions >= MAX_SUBSCRIPTIONS:
            return "This hub has reached its limit of subscriptions."
        if sum(of_group) >= MAX_OF_A_GROUP:
            return "This hub has reached its limit of subscriptions for that host."
        topics, searches, has_topic = store.websub_requests.topic_counts(wanted.topic, SEARCH)
        if not has_topic and topics >= MAX_TOPICS:
            return "This hub has reached its limit of subscribed feeds."
        if not has_topic and SEARCH in wanted.topic and searches >= MAX_SEARCHES:
            return "This hub has reached its limit of subscribed searches; lists can still be subscribed to."
        if (
            SEARCH in wanted.topic
            and store.websub_requests.searches_of(wanted.group, SEARCH) >= MAX_SEARCHES_OF_A_GROUP
        ):
            return "This hub has reached its limit of subscribed searches for that host."
    if pending >= MAX_PENDING and not store.websub_requests.make_room(wanted.group):
        return "Too many requests are waiting for confirmation; try again later."
    return ""


def is_topic(store: Store, url: str) -> bool:
    """Return whether *url* is the address of an existing feed, with no parameters that it ignores."""
    parts = urlsplit(url)
    names = [urlsplit(config().site.url).hostname or ""] if public_site() else trusted_hosts(config().site.url, ())
    if parts.fragment or not is_trusted(parts.netloc, names):
        return False
    path, canonical_query = services().addresses.canonical(parts.path, parts.query)
    parameters = parse_qsl(parts.query, keep_blank_values=True, errors="replace")
    if sorted(parameters) != sorted(parse_qsl(canonical_query, keep_blank_values=True)):
        return False
    try:
        endpoint, arguments = current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    if "form" not in arguments:
        return False
    match arguments:
        case {"category_id": category_id}:
            is_left = ListQuery(category_id=category_id, limit=1)
            return config().category(category_id) is not None or bool(store.story_lists.select(is_left))
        case {"source_id": source_id}:
            return config().source(source_id) is not None
        case {"slug": slug}:
            return store.topics.get(slug) is not None
    # A search with exclusions only equals the newest stories, and there is no end of ways to spell one.
    return not endpoint.endswith(".search_feed") or bool(search_query.read(dict(parameters).get("q", ""), now()).terms)


def _try_later(message: str, seconds: int) -> Response:
    answer = _plain(message, 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _plain(message: str, code: int) -> Response:
    response = Response(message + "\n", status=code, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response
