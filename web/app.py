"""Assemble the site: Flask, the page cache in front of it, headers around it.

`create_app` starts and opens nothing: the first request in each thread opens the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, g, request
from flask_babel import gettext

from aggregator.model import Clock, Config
from aggregator.model.clock import FastClock
from aggregator.polling.source_health import Alarm
from aggregator.store.editorial.sessions import Session
from aggregator.translatable import Translatable
from scoring.meaning.search import QueryEncoder
from web import admin, api, present
from web.admin import actions
from web.api.reader import routes as reader_api
from web.auth.credentials import Authenticator
from web.auth.rate_limit import RateLimit
from web.auth.reader_tokens import ReaderAuthenticator
from web.http.addresses import MAX_QUERY_STRING, SiteAddresses
from web.http.database import Reading, Unreadable
from web.http.headers import MAX_BODY, Guarded, cookie_of, is_https, is_trusted, trusted_hosts
from web.http.page_cache import PageCache
from web.http.request_metrics import RequestMetrics
from web.http.visit_counter import VisitCounter
from web.i18n import catalogs
from web.i18n.catalogs import Catalogs, page_language
from web.i18n.messages import plain
from web.i18n.wording import day, long_day, number, plural
from web.lists import query
from web.media.picture_proxy import PictureProxy
from web.pages import machine_readable
from web.pages.blueprints import BLUEPRINTS
from web.pages.service import error_pages, metrics, websub_callback, websub_hub
from web.pages.service.static_files import asset
from web.present.browser_texts import browser_texts
from web.request import access
from web.request.context import config, feeds_of, now
from web.request.services import Services, provide, services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


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
    private_pictures: frozenset[str] = frozenset(),
    query_encoder: QueryEncoder | None = None,
) -> Flask:
    """Return the site over the database at *db*, which need not exist yet.

    fallback_config: used until the worker has stored a configuration
    extra_hosts:     host names of the site, besides loopback and its own
    refresh:         interval at which pages reload
    edition_every_s: interval at which the database is checked for changes
    token:           the operator's, "" if the database has the digest of a generated one
    feeds:           feeds.yaml, None if the operator does not edit it here
    private_pictures: hosts of the local network that pictures may be fetched from: for tests
    query_encoder:   for search by meaning; None: the one that feeds.yaml names
    """
    app = _bare_app()
    database = Reading(db, fallback_config)
    say = partial(_plain, catalogs.install(app, lambda: config().site.language), database)
    # Heartbeats come in real seconds, which a fast clock multiplies.
    speed = clock.speed if isinstance(clock, FastClock) else 1
    site_services = Services(
        database=database,
        credentials=Authenticator(token),
        reader_authenticator=ReaderAuthenticator(),
        visits=VisitCounter.into(db),
        pictures=PictureProxy(database.pictures, private_hosts=private_pictures),
        addresses=SiteAddresses(
            app, database.prefix, keeps_query=(*(blueprint.name for blueprint in admin.BLUEPRINTS), *READS_ANY)
        ),
        alarm=Alarm(),
        worker_silent_after=present.WORKER_SILENT * speed,
        feeds_file=feeds,
        request_metrics=RequestMetrics(),
        hub_requests=RateLimit(websub_hub.MAX_OF_A_CLIENT, websub_hub.CLIENT_WINDOW_S),
        query_encoder=query_encoder or QueryEncoder(),
        api=api.install(app),
        say=say,
    )
    provide(app, site_services)
    _guard_requests(app, list(extra_hosts))
    access.guard(app)
    error_pages.install(app)
    _head_pages(app, speed)
    _ask_again(app, refresh)

    _below_a_path(app)
    app.wsgi_app = PageCache(  # type: ignore[method-assign]
        Guarded(app.wsgi_app, say),
        clock=clock,
        edition=database.edition,
        looked_at=site_services.visits.looked_at,
        saw=site_services.visits.saw,
        private=partial(_is_operators, site_services, clock),
        addresses=site_services.addresses,
        edition_every_s=edition_every_s,
        stale_s=edition_every_s * 2,
    )
    return app


READS_ANY = ("api", "websub", "reader_api")
"""Blueprints whose views read undeclared parameters: repeated ones, and those of a protocol."""


def _bare_app() -> Flask:
    """Return the application with its limits, templates and pages, without services."""
    app = Flask("web", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, MAX_FORM_MEMORY_SIZE=100_000, MAX_FORM_PARTS=100)
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        plural=plural,
        number=number,
        day=day,
        asset=asset,
        windows=tuple(query.WINDOWS),
        state_labels=present.state_labels,
    )
    for blueprint in (
        *BLUEPRINTS,
        *admin.BLUEPRINTS,
        reader_api.blueprint,
        metrics.blueprint,
        websub_callback.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app


def _plain(catalogs: Catalogs, database: Reading, message: Translatable, path: str) -> str:
    """Return a message for a plain-text response: what programs request stays in English."""
    return str(message) if path.startswith("/api/") else plain(message, catalogs, database.known_config().site.language)


def _is_operators(site_services: Services, clock: Clock, environ: WSGIEnvironment) -> bool:
    """Return whether a request with a cookie is the operator's, and must bypass the cache."""
    https = is_https(environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), site_services.database.config().site.url)
    prefix = site_services.database.prefix()
    if not cookie_of(environ, https=https, prefix=prefix):
        return False
    try:
        with site_services.database.store() as store:
            return site_services.credentials.session(store, environ, clock(), https=https, prefix=prefix) is not None
    except Unreadable:
        return True


def close_app(app: Flask) -> None:
    """Write pending counts, and close the database."""
    services(app).close()


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
            "today": long_day(local),
            "canonical": request.path,
            "metadata": machine_readable.page_metadata(),
            "browser_texts": browser_texts(),
            "page_language": page_language(running.site.language),
            "served": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "speed": speed,
            "operator": _operator(),
            "votes": actions.OperatorTools(),
            "feeds": feeds_of(gettext("Trending"), "/trending"),
        }


# Links in HTML begin at the root of the site. No text can look like one, because quotes are escaped.
_LINK = re.compile(rb'\b(href|src|action|formaction|poster|content|data-[a-z-]+)="/(?!/)')


def _below_a_path(app: Flask) -> None:
    """Prefix links, forms and redirects with the path of site.url, if it has one."""

    @app.after_request
    def prefix(response: Response) -> Response:
        path = services().database.prefix()
        if not path:
            return response
        location = response.location or ""
        if location.startswith("/") and not location.startswith(("//", f"{path}/")):
            response.location = path + location
        if response.mimetype == "text/html" and not response.is_streamed:
            root = path.encode()
            response.set_data(_LINK.sub(lambda match: match[0][:-1] + root + b"/", response.get_data()))
        return response


def _ask_again(app: Flask, refresh: timedelta | None) -> None:
    if refresh is None:
        return
    after = str(max(1, int(refresh.total_seconds())))

    @app.after_request
    def reissue(response: Response) -> Response:
        # Pages of the operator do not reload: a form may be half filled in.
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
        # Not TRUSTED_HOSTS, because the site's own name comes from feeds.yaml and may change at any time.
        if not is_trusted(request.host, trusted_hosts(config().site.url, extra_hosts)):
            abort(
                400,
                Translatable(
                    "This site is not configured for that host name. Its operator can set it as site.url in feeds.yaml."
                ),
            )
        if len(request.query_string) > MAX_QUERY_STRING:
            abort(414, Translatable("The address is too long."))
        if (request.content_length or 0) > MAX_BODY:
            abort(413)
