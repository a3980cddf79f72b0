"""The site on a loopback port, for a browser; and an address for each of its pages.

What the database contains is up to the caller.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path
from socketserver import ThreadingMixIn
from urllib.parse import quote, unquote, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect, Rule

from aggregator.model import NamedList
from tests.web import newsroom
from web.app import close_app, create_app
from web.http.headers import COOKIE

# Routes that no page of the sample edition links to, with an address to try. None: not a page, whatever the parameters.
EXAMPLES: dict[str, str | None] = {
    "/story/<int(max=9223372036854775807):story_id>/": None,
    "/picture/<int(max=9223372036854775807):entry_id>": None,
    "/websub/<token>": None,
}
TOKEN = "the token of the browser's operator"

# States of a page to test separately. They are opened first, so that their links are known.
STATES = (
    "/search?q=amazon",
    "/search?q=xyzzy+plugh",
    "/category/models?sort=newest&window=24h&min_score=99",
    "/nothing/at/all",
)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve *app*; give its address."""
    server = make_server("127.0.0.1", 0, app.wsgi_app, server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def application(db: Path, moment: datetime = newsroom.NOW) -> Iterator[Flask]:
    """Return the site over *db* as of *moment*."""
    config = replace(newsroom.sample_config(), lists=(NamedList("trainium", "Trainium watch", "trainium"),))
    app = create_app(db, lambda: moment, fallback_config=config, token=TOKEN)
    try:
        yield app
    finally:
        close_app(app)


def signed_in(app: Flask) -> tuple[FlaskClient, str]:
    """Return a client that is signed in as the operator, and its cookie."""
    client = app.test_client()
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/admin/sign-in", data={"token": TOKEN}, headers=headers).status_code == 303
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return client, cookie.value


def addresses(client: FlaskClient, *starts: str, unlinked: bool = True) -> dict[str, str]:
    """Return an address for every route that answers GET with a page, by route.

    Routes without parameters are used as they are; for others, the first link of the site (or of *starts*) that leads
    there, or else `EXAMPLES`. AssertionError for a route without either, unless not *unlinked*: then it is left out.
    """
    rules = [rule for rule in client.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    linked = _linked(client, [*STATES, *starts, *(rule.rule for rule in rules if not rule.arguments)])
    paths = {state: state for state in STATES}
    for rule in rules:
        path = linked.get(rule.rule) or EXAMPLES.get(rule.rule, "") if rule.arguments else rule.rule
        # Readers find no link to the admin pages; paths of files and of the API are not pages.
        if path == "" and not unlinked:
            continue
        if path == "" and re.match(r"/admin/|/api/|.*\.\w+$", rule.rule):
            continue
        assert path != "", f"no page links to {rule.rule}; give tests/browser/site.py an address of it"
        if path is not None and _is_page(client, path):
            paths[rule.rule] = path
    return paths


def _linked(client: FlaskClient, starts: list[str]) -> dict[str, str]:
    """Return the first address of each route that is reachable through links from *starts*."""
    adapter = client.application.url_map.bind("127.0.0.1")
    paths: dict[str, str] = {}
    waiting = list(starts)
    seen = set(waiting)
    while waiting:
        path = waiting.pop(0)
        try:
            rule, _ = adapter.match(unquote(urlsplit(path).path), return_rule=True)
        except (HTTPException, RequestRedirect):
            continue
        assert isinstance(rule, Rule)
        if rule.rule in paths:
            continue
        paths[rule.rule] = path
        answer = client.get(path)
        if answer.mimetype != "text/html":
            continue
        for link in re.findall(r'(?:href|src)="(/[^"]*)"', answer.text):
            target = unescape(link).partition("#")[0]
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return paths


def _is_page(client: FlaskClient, path: str) -> bool:
    answer = client.get(quote(path, safe="/?=&%:+,~"))
    return answer.status_code == 200 and answer.mimetype == "text/html"
