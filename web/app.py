"""Put the site together: Flask, the page cache in front of it, headers around it.

`create_app` starts nothing and opens nothing: the database is opened by the first request that
needs it, in the thread that needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, abort, g, request

from aggregator.clock import FastClock
from aggregator.model import Clock, Config
from aggregator.polling.source_health import Alarm
from aggregator.store.editorial.sessions import Session
from web import admin, api, error_pages, present
from web.admin import actions
from web.auth import access
from web.auth.credentials import Door, may_be_operator
from web.http.database import Reading, Unreadable
from web.http.headers import MAX_BODY, MAX_QUERY_STRING, Guarded, is_trusted, trusted_hosts
from web.http.page_cache import PageCache
from web.http.visit_counter import Views
from web.lists import query
from web.media.picture_proxy import Pictures
from web.pages import machine_readable, metrics, websub_callback
from web.pages.blueprints import ROOMS
from web.pages.static_files import asset
from web.request.context import config, feeds_of, now


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
    app.jinja_env.globals.update(counted=present.counted, asset=asset, windows=tuple(query.WINDOWS))
    reading = Reading(db, fallback_config)
    app.extensions["groundswell"] = reading
    # A worker that is alive says so in real seconds, and a fast clock makes more of them.
    speed = clock.speed if isinstance(clock, FastClock) else 1
    app.extensions["groundswell.silent"] = present.WORKER_SILENT * speed
    app.extensions["groundswell.door"] = Door(token)
    app.extensions["groundswell.alarm"] = Alarm()
    app.extensions["groundswell.feeds"] = feeds
    for room in (*ROOMS, *admin.ROOMS, metrics.room, websub_callback.room):
        app.register_blueprint(room)
    api.install(app)
    _guard_requests(app, list(extra_hosts))
    access.guard(app)
    error_pages.explain(app)
    _head_pages(app, speed)
    _ask_again(app, refresh)

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


def _head_pages(app: Flask, speed: float) -> None:
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
            "machine": machine_readable.of_page(),
            "served": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "speed": speed,
            "operator": _operator(),
            "votes": actions.Hand(),
            "feeds": feeds_of("Trending", "/trending"),
        }


def _ask_again(app: Flask, refresh: timedelta | None) -> None:
    if refresh is None:
        return
    after = str(max(1, int(refresh.total_seconds())))

    @app.after_request
    def ask_again(response: Response) -> Response:
        # Under the operator's hands nothing is loaded anew: a form may be half filled.
        if g.get("operator") is None and response.mimetype == "text/html" and response.status_code == 200:
            response.headers["Refresh"] = after
        return response


def _operator() -> Session | None:
    try:
        return access.operator()
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
