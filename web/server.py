"""Serve the site with granian: one process next to the worker, with an event loop and a few threads.

Errors that can be detected early are reported before granian starts: a port in use, or an address that others can reach
without an operator's token. Granian starts the serving process, which builds the site from `Spec` and a clock.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, cast

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from aggregator.config import parse_config
from aggregator.errors import ConfigError, GroundswellError
from aggregator.model import Clock
from aggregator.process import end_with_parent, keep_heap_small
from aggregator.site.config_watcher import StandInWatch
from aggregator.site.database import exists, open_store
from aggregator.store import StoreFault
from aggregator.text.ip_addresses import is_loopback
from web.alerts.worker_watch import WorkerWatch
from web.app import close_app, create_app
from web.auth.credentials import TOKEN_VARIABLE, checked, make_first_token, token_file
from web.http.gateway import Gateway
from web.http.page_cache import PageCache
from web.request.services import services

log = logging.getLogger(__name__)

CONNECTIONS = 4_000
"""An idle connection takes some memory and a file descriptor, but no thread."""
FOLLOW_AFTER_S, FOLLOW_EVERY_S = 10.0, 2.0
"""Seconds after the start of the site, and between two checks of feeds.yaml."""
WATCH_WORKER_EVERY_S = 30.0
STOP_WITHIN_S = 4
"""Seconds after which the process is killed, so that stopping takes at most five seconds."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the site listens."""

    host: str = "127.0.0.1"
    port: int = 8000

    @property
    def url(self) -> str:
        """The URL for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, _in_url(self.host))
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything that the serving process needs to build the site, except the clock."""

    db: Path
    config_text: str = ""
    """A feeds.yaml that is used until the worker has stored one."""
    extra_hosts: tuple[str, ...] = ()
    refresh_s: float = 0.0
    feeds: Path | None = None
    """feeds.yaml, for edits by the operator."""
    proxies: int = 0
    """Number of trusted proxies in front, whose headers for address and scheme count."""


def application(spec: Spec, clock: Clock) -> Gateway:
    """Build the site in the serving process; view counts are written when that process ends."""
    try:
        fallback = parse_config(spec.config_text, env=os.environ) if spec.config_text else None
    except ConfigError:
        fallback = None  # The worker logs it, and the sources page will show it.
    app = create_app(
        spec.db,
        clock,
        fallback_config=fallback,
        extra_hosts=spec.extra_hosts,
        refresh=timedelta(seconds=spec.refresh_s) if spec.refresh_s else None,
        token=checked(os.environ.get(TOKEN_VARIABLE, "")),
        feeds=spec.feeds,
    )
    gateway = Gateway(
        cast(PageCache, app.wsgi_app),
        metrics=services(app).request_metrics,
        proxies=spec.proxies,
        say=services(app).say,
    )
    # A forked process runs these at its end, but not atexit handlers.
    Finalize(None, close_app, args=(app,), exitpriority=100)
    Finalize(None, gateway.close, exitpriority=101)
    return gateway


def _load(spec: Spec, clock: Clock) -> Gateway:
    """Build the site, and tune this process to answer quickly while it renders pages in the background."""
    keep_heap_small()
    app = application(spec, clock)
    # If granian's parent process is killed, this one would keep serving old pages.
    end_with_parent(os.getppid())
    if spec.feeds is not None:
        watch = StandInWatch(spec.feeds, spec.db)
        threading.Thread(target=_follow_feeds, args=(watch, clock), name="feeds.yaml", daemon=True).start()
        threading.Thread(target=_watch_worker, args=(WorkerWatch(spec.db), clock), name="alarms", daemon=True).start()
    # A garbage collection over everything loaded at the start stops all requests for a tenth of a second.
    gc.collect()
    gc.freeze()
    return app


def _follow_feeds(watch: StandInWatch, clock: Clock) -> None:
    """Apply saved changes of feeds.yaml while no worker does; a worker that starts with the site comes first."""
    pause = threading.Event()
    pause.wait(FOLLOW_AFTER_S)
    while True:
        try:
            watch.step(clock())
        except Exception:
            log.exception("feeds.yaml could not be read")
        pause.wait(FOLLOW_EVERY_S)


def _watch_worker(watch: WorkerWatch, clock: Clock) -> None:
    """Alert the operator when the worker has stopped."""
    pause = threading.Event()
    while not pause.wait(WATCH_WORKER_EVERY_S):
        try:
            watch.step(clock())
        except Exception:
            log.exception("the worker's heartbeat could not be read")


def serve(
    db: Path,
    clock: Clock,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    config_text: str = "",
    extra_hosts: Sequence[str] = (),
    refresh: timedelta | None = None,
    feeds: Path | None = None,
    proxies: int = 0,
    env: Mapping[str, str] = os.environ,
) -> None:
    """Serve until SIGTERM or SIGINT; GroundswellError, with a remedy, when it cannot start."""
    check_port(Address(host, port), env, db)
    _print_token(db, clock, env)
    hosts = tuple(extra_hosts) if is_loopback(host) or host in ("0.0.0.0", "::") else (*extra_hosts, _in_url(host))
    spec = Spec(
        db=db.absolute(),
        config_text=config_text,
        extra_hosts=hosts,
        refresh_s=refresh.total_seconds() if refresh else 0.0,
        feeds=feeds.absolute() if feeds else None,
        proxies=proxies,
    )
    Granian(
        "web.server:application",
        address=host if host != "localhost" else "127.0.0.1",
        port=port,
        interface=Interfaces.RSGI,
        workers=1,
        backlog=1024,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024),
        websockets=False,
        log_level=LogLevels.error,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_WITHIN_S,
    ).serve(target_loader=cast(Any, partial(_load, spec, clock)), wrap_loader=False)  # an object with `__rsgi__`


def _print_token(db: Path, clock: Clock, env: Mapping[str, str]) -> None:
    """Make the operator's token at the first start, and print its location once."""
    if env.get(TOKEN_VARIABLE):
        return
    try:
        with open_store(db) as store:
            if store.sessions.token_digest() is None and make_first_token(store, db, clock()):
                print(f"The operator's token, for /admin, is in {token_file(db)}", file=sys.stderr)
    except (GroundswellError, StoreFault) as error:
        # Reading works without it, and every page shows the error of the database.
        log.warning("the operator's token could not be created: %s", error)


def check_port(address: Address, env: Mapping[str, str] = os.environ, db: Path | None = None) -> None:
    """Raise GroundswellError if the site must not or cannot listen at *address*."""
    host, port = address.host, address.port
    checked(env.get(TOKEN_VARIABLE, ""))
    if not is_loopback(host) and not env.get(TOKEN_VARIABLE) and not _has_token(db):
        raise GroundswellError(
            f"{host} can be reached by others, and no operator's token is set; make one with "
            f"`groundswell rotate-token`, or set {TOKEN_VARIABLE} to a long random text "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(32))'), or leave out --host"
        )
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # So that closing connections of a previous process do not count as in use.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GroundswellError(
            f"cannot serve on {host}, port {port}: {reason[:1].lower()}{reason[1:]}; stop what listens there, "
            f"or choose another with --port"
        ) from None


def _has_token(db: Path | None) -> bool:
    if db is None or not exists(db):
        return False
    with open_store(db) as store:
        return store.sessions.token_digest() is not None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
