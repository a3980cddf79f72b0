"""The WebSub hub's address: takes requests to be told of a feed's changes. Confirming and delivering is the worker's.

Anybody may ask, since nothing comes of it unless the callback confirms. Only programs may: a page in somebody's
browser could otherwise subscribe a stranger to a site that only that browser reaches.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from aggregator.websub_protocol import RefusedError, read_request
from web.auth.access import open_to_others
from web.http.headers import CSP_DATA, is_trusted, trusted_hosts
from web.request.context import config, now, reading

room = Blueprint("hub", __name__)

MOST_SUBSCRIPTIONS = 2_000
MOST_REQUESTS = 200
"""Unconfirmed ones: each costs a question to somebody else's server."""
MOST_OF_A_HOST = 60
"""Subscriptions and requests of one callback host."""


@room.post("/hub")
@open_to_others
def ask() -> Response:
    """Take a request; 202, and the callback is asked soon whether it wants it."""
    if config().site.hub != "own":
        abort(404)
    if request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site"):
        return _plain("This is for programs, not for pages in a browser.", 403)
    try:
        wanted = read_request(request.form)
    except RefusedError as error:
        return _plain(f"{error}.", 400)
    if not is_topic(wanted.topic):
        return _plain("hub.topic is none of this site's feeds.", 400)
    with reading().store() as store:
        subscriptions, requests = store.websub_hub.counts()
        known = store.websub_hub.is_subscribed(wanted.topic, wanted.callback)
        parts = urlsplit(wanted.callback)
        crowded = store.websub_hub.callbacks_like(f"{parts.scheme}://{parts.netloc}/") >= MOST_OF_A_HOST
        if not known and (requests >= MOST_REQUESTS or subscriptions >= MOST_SUBSCRIPTIONS or crowded):
            answer = _plain("This hub has as many subscriptions as it takes.", 503)
            answer.headers["Retry-After"] = "3600"
            return answer
        store.websub_hub.ask(wanted, now())
    return _plain("Your callback will be asked whether it wants this.", 202)


def is_topic(url: str) -> bool:
    """Return whether *url* is the address of a feed of this site."""
    parts = urlsplit(url)
    if parts.fragment or not is_trusted(parts.netloc, trusted_hosts(config().site.url, ())):
        return False
    try:
        _, arguments = current_app.url_map.bind("").match(parts.path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return "form" in arguments


def _plain(words: str, code: int) -> Response:
    response = Response(words + "\n", status=code, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response
