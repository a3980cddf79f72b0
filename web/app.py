"""Put the site together: Flask, the page cache in front of it, headers around it.

`create_app` starts nothing and opens nothing: the database is opened by the first request that
needs it, in the thread that needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, abort, g, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from aggregator.clock import FastClock
from aggregator.health import Alarm
from aggregator.model import Clock, Config
from aggregator.store.operator import Session
from web import admin, api, asked, gate, metrics, present, websub
from web.admin import acts
from web.cache import PageCache
from web.context import config, feeds_of, now
from web.door import Door, may_be_operator
from web.guard import (
    MAX_BODY,
    MAX_QUERY_STRING,
    Guarded,
    is_trusted,
    new_request_id,
    trusted_hosts,
)
from web.pages import ROOMS, machine
from web.pages.files import asset
from web.pictures import Pictures
from web.reading import Reading, Unreadable
from web.views import Views

log = logging.getLogger(__name__)


def create_app(
    db: Path,
    clock: Clock,
    *,
    fallback_config: Config | None = None,
    extra_hosts: Iterable[str] = (),
    refresh: timedelta | None = None,
    edition_every_s: float = 0.5,
    token: str = "",
    feeds: Path | None = None,
) -> Flask:
    """Return the site over the database at *db*, which need not exist yet.

    fallback_config: what counts until the worker has stored a configuration
    extra_hosts:     names, besides loopback and the site's own, under which it may be asked
    refresh:         pages ask the browser to come again after this time
    edition_every_s: how often the database is asked whether anything changed
    token:           the operator's, "" where the database has the digest of one that was made
    feeds:           feeds.yaml, None where the operator does not edit it here
    """
    app = Flask("web", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, MAX_FORM_MEMORY_SIZE=100_000, MAX_FORM_PARTS=100)
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(counted=present.counted, asset=asset, windows=tuple(asked.WINDOWS))
    reading = Reading(db, fallback_config)
    app.extensions["groundswell"] = reading
    # A worker that is alive says so in real seconds, and a fast clock makes more of them.
    speed = clock.speed if isinstance(clock, FastClock) else 1
    app.extensions["groundswell.silent"] = present.WORKER_SILENT * speed
    app.extensions["groundswell.door"] = Door(token)
    app.extensions["groundswell.alarm"] = Alarm()
    app.extensions["groundswell.feeds"] = feeds
    for room in (*ROOMS, *admin.ROOMS, metrics.room, websub.room):
        app.register_blueprint(room)
    api.install(app)
    _guard_requests(app, list(extra_hosts))
    gate.guard(app)
    _explain_errors(app)

    @app.context_processor
    def masthead() -> dict[str, object]:
        running = config()
        show = present.Presenter(running, {}, now())
        local = show.local(now())
        return {
            "site": running.site,
            "config": running,
            "nav": list(show.sections.values()),
            "today": f"{local:%A}, {local.day} {local:%B %Y}",
            "canonical": request.path,
            "machine": machine.of_page(),
            "served": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "speed": speed,
            "operator": _operator(),
            "votes": acts.Hand(),
            "feeds": feeds_of("Trending", "/trending"),
        }

    @app.after_request
    def ask_again(response: Response) -> Response:
        # Under the operator's hands nothing is loaded anew: a form may be half filled.
        if (
            refresh is not None
            and g.get("operator") is None
            and response.mimetype == "text/html"
            and response.status_code == 200
        ):
            response.headers["Refresh"] = str(max(1, int(refresh.total_seconds())))
        return response

    views = Views.into(db)
    app.extensions["groundswell.views"] = views
    app.extensions["groundswell.pictures"] = Pictures(db.with_name(f"{db.name}.pictures"))
    app.wsgi_app = PageCache(  # type: ignore[method-assign]
        Guarded(app.wsgi_app),
        clock=clock,
        edition=reading.edition,
        looked_at=views.looked_at,
        saw=views.saw,
        private=may_be_operator,
        edition_every_s=edition_every_s,
        stale_s=edition_every_s * 2,
    )
    return app


def close_app(app: Flask) -> None:
    """Write what is still to be written, and close the database."""
    app.extensions["groundswell.views"].close()
    app.extensions["groundswell"].close()


def _operator() -> Session | None:
    try:
        return gate.operator()
    except Unreadable:
        return None


def _guard_requests(app: Flask, extra_hosts: list[str]) -> None:
    @app.before_request
    def refuse() -> None:
        # By hand rather than TRUSTED_HOSTS: the site's own name comes from feeds.yaml and may change any time.
        if not is_trusted(request.host, trusted_hosts(config().site.url, extra_hosts)):
            abort(400, "This site does not go by that name. Its operator can add it as site.url in feeds.yaml.")
        if len(request.query_string) > MAX_QUERY_STRING:
            abort(414, "That address is longer than any this site has.")
        if (request.content_length or 0) > MAX_BODY:
            abort(413)


def _explain_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int, dict[str, str]] | HTTPException | Response:
        if error.code is None or error.code < 400:
            return error
        if api.answers_for(request.path):
            return api.problem(error, error.code, error.description or "")
        allow = getattr(error, "valid_methods", None)
        headers = {"Allow": ", ".join(sorted(allow))} if allow else {}
        return _message(error.code, error.description or ""), error.code, headers

    @app.errorhandler(Unreadable)
    def unreadable(error: Unreadable) -> tuple[str, int, dict[str, str]] | Response:
        log.warning("the database cannot be read: %s", str(error).splitlines()[:1])
        if api.answers_for(request.path):
            return api.problem(None, 503, "The database cannot be read just now.")
        return _message(503, ""), 503, {"Retry-After": "10"}

    @app.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int] | Response:
        request_id = new_request_id()
        log.error("request %s failed: %s %r", request_id, request.method, request.path, exc_info=error)
        if api.answers_for(request.path):
            return api.problem(None, 500, "", request_id)
        return _message(InternalServerError.code, "", request_id), InternalServerError.code


_TITLES = {
    400: "That cannot be answered",
    401: "Sign in first",
    403: "That was refused",
    404: "There is nothing at this address",
    405: "This address is for reading only",
    409: "That cannot be done",
    413: "That is too large",
    414: "That address is too long",
    429: "Not so fast",
    500: "Something went wrong here",
    503: "The news cannot be read just now",
}


def _message(code: int, words: str, request_id: str = "") -> str:
    return render_template(
        "message.html",
        code=code,
        title=_TITLES.get(code, "That did not work"),
        words=words if code in (400, 401, 403, 409, 413, 414, 429) else "",
        request_id=request_id,
    )
