"""Handle requests from granian (RSGI) so that no waiting request holds a thread.

    request > cached page?  answered on the event loop
            > body          read on the event loop, within a deadline, a size and a budget
            > slot          awaited on the event loop, fairly by client (`work_queue`)
            > page          rendered in a thread by the WSGI application, once the request is complete
            > picture       of a slow server: awaited on the event loop, then the application is called again

https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from aggregator.text.ip_addresses import is_loopback
from aggregator.text.wording import size
from aggregator.translatable import Translatable
from web.http.cached_response import Headers
from web.http.clients import PEER, forwarded, host_of_peer, network
from web.http.headers import COOKIE, HEADERS, MAX_BODY, Say
from web.http.hints import hints_of
from web.http.page_cache import IS_ASYNC, PageCache, wsgi_answer
from web.http.readable_feeds import is_browser_at_a_feed, is_readable_feed
from web.http.request_metrics import RequestMetrics
from web.http.work_queue import Busy, WorkQueue

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

MAX_AWAIT_S = 15.0
"""Longest wait for `CacheHints.waits_for`."""
BODY_S = 20.0
"""Seconds within which the body of a request must arrive."""
MAX_BUFFERED = 32_000_000
"""Bytes of incomplete bodies of all clients together."""
MAX_BUFFERED_PER_CLIENT = 4_000_000
"""Bytes of one client, so that a slow sender leaves room for others."""
FAILED = Translatable("Something went wrong.")
BAD_REQUEST = Translatable("Bad request")
BUSY = Translatable("Too many requests are waiting; try again in a few seconds.")
ARRIVING = Translatable("Too many requests are arriving; try again in a few seconds.")
TOO_LARGE = Translatable("Requests may have at most %(size)s.", size=size(MAX_BODY))
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class RequestHeaders(Protocol):
    """`granian.rsgi.Headers`: names are lower case."""

    def get(self, key: str) -> str | None: ...
    def get_all(self, key: str) -> list[str]: ...
    def items(self) -> list[tuple[str, str]]: ...


class Scope(Protocol):
    """`granian.rsgi.Scope`, of HTTP."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> RequestHeaders: ...


class HTTPProtocol(Protocol):
    """`granian.rsgi.HTTPProtocol`."""

    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request, and how."""

    address: str
    scheme: str

    @property
    def network(self) -> str:
        """What counts as one client."""
        return network(self.address)


class BodyError(Exception):
    """A rejected body: the status of the response, and a message."""

    def __init__(self, status: int, message: Translatable) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Gateway:
    """An RSGI application in front of the site's WSGI application.

    proxies: number of trusted proxies in front, each of which adds to X-Forwarded-For and -Proto
    say:     words a message for the path of a request, without waiting: it is called on the event loop
    """

    def __init__(
        self,
        cache: PageCache,
        *,
        metrics: RequestMetrics | None = None,
        proxies: int = 0,
        body_s: float = BODY_S,
        say: Say = lambda message, path: message,
    ) -> None:
        self._cache = cache
        self._say = say
        self._metrics = metrics or RequestMetrics()
        self._proxies = proxies
        self._body_s = body_s
        # Without `--proxies`, all clients behind a local proxy come from loopback.
        self._queue = WorkQueue(exempt=is_loopback if not proxies else lambda client: False)
        self._edition = ThreadPoolExecutor(1, thread_name_prefix="edition")
        self._reading_edition: Future[object] | None = None
        self._buffered = 0
        self._buffered_by: Counter[str] = Counter()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        # Each attribute access of a scope calls granian and makes a new string.
        headers, method, path, scheme = scope.headers, scope.method, scope.path, scope.scheme
        hosts = headers.get_all("host")
        # RFC 9112, section 3.2: a proxy in front may have taken another one of two hosts.
        if len(hosts) > 1 or (not hosts and scope.http_version == "1.1"):
            self._metrics.refused.labels("400").inc()
            protocol.response_bytes(400, _plain_headers(), self._text(BAD_REQUEST, path))
            return
        if self._proxies:
            scheme = forwarded(headers.get_all("x-forwarded-proto"), self._proxies) or scheme
        if (
            method in ("GET", "HEAD")
            and not (is_readable_feed(path) and is_browser_at_a_feed(path, headers.get("accept")))
            and COOKIE not in (headers.get("cookie") or "")
        ):
            page = self._cache.peek(scheme, hosts[0] if hosts else "", path, scope.query_string)
            if page is not None:
                if method == "GET" and (page.story_id is not None or page.shown):
                    self._cache.count(page, self._visitor(scope))
                status, response_headers, body = page.reply.choose(
                    headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
                )
                protocol.response_bytes(status, response_headers, body)
                self._metrics.cached.inc()
                if self._cache.edition_due():
                    self._read_edition()
                return
        try:
            await self._make(scope, protocol, Client(self._address(scope), scheme))
        except Exception as error:
            if type(error).__name__ != "RSGIProtocolClosed":  # the client has gone
                log.exception("a request failed: %s %r", method, path)
                with suppress(Exception):
                    protocol.response_bytes(500, _plain_headers(), self._text(FAILED, path))

    async def _make(self, scope: Scope, protocol: HTTPProtocol, client: Client) -> None:
        method = scope.method
        try:
            body = await self._body(scope, protocol, client) if method in _WITH_BODY else b""
        except BodyError as error:
            closing = [*_plain_headers(), ("Connection", "close")]
            self._metrics.refused.labels(str(error.status)).inc()
            protocol.response_bytes(error.status, closing, self._text(error.message, scope.path))
            return
        began = asyncio.get_running_loop().time()
        costly = self._cache.is_costly(scope.path, scope.query_string)
        environ = _environ(scope, client, body)
        try:
            answer = await self._queue.run(client.network, costly, partial(wsgi_answer, self._cache, environ))
            if (waits_for := hints_of(environ).waits_for) is not None:
                # The future is shared by all requests for the same picture, so it is never cancelled.
                await asyncio.wait([asyncio.ensure_future(_done(waits_for))], timeout=MAX_AWAIT_S)
                environ = _environ(scope, client, body)
                answer = await self._queue.run(client.network, costly, partial(wsgi_answer, self._cache, environ))
        except Busy:
            self._metrics.refused.labels("429").inc()
            busy = [*_plain_headers(), ("Retry-After", "5")]
            protocol.response_bytes(429, busy, self._text(BUSY, scope.path))
            return
        status, response_headers, content = answer
        self._metrics.rendered.observe(asyncio.get_running_loop().time() - began)
        protocol.response_bytes(int(status[:3]), response_headers, content)

    async def _body(self, scope: Scope, protocol: HTTPProtocol, client: Client) -> bytes:
        """Return the whole body; BodyError if it is too large, too slow or incomplete."""
        stated = scope.headers.get("content-length")
        if stated is None and scope.headers.get("transfer-encoding") is None:
            return b""
        if stated is not None and stated.isdigit() and int(stated) > MAX_BODY:
            raise BodyError(413, TOO_LARGE)
        pieces: list[bytes] = []
        size = empty = 0
        who = client.network
        try:
            async with asyncio.timeout(self._body_s):
                async for piece in protocol:
                    size += len(piece)
                    empty += not piece
                    self._buffered += len(piece)
                    self._buffered_by[who] += len(piece)
                    if size > MAX_BODY:
                        raise BodyError(413, TOO_LARGE)
                    if self._buffered > MAX_BUFFERED or self._buffered_by[who] > MAX_BUFFERED_PER_CLIENT:
                        raise BodyError(429, ARRIVING)
                    pieces.append(piece)
        except TimeoutError:
            late = Translatable("The request did not arrive within %(n)s seconds.", n=f"{self._body_s:.0f}")
            raise BodyError(408, late) from None
        finally:
            self._buffered -= size
            self._buffered_by[who] -= size
            if self._buffered_by[who] <= 0:
                del self._buffered_by[who]
        # Granian ends every body with an empty piece. A broken one (connection closed, invalid chunk) has another.
        if empty > 1 or (stated is not None and stated != str(size)):
            raise BodyError(400, BAD_REQUEST)
        return b"".join(pieces)

    def _text(self, message: Translatable, path: str) -> bytes:
        return f"{self._say(message, path)}\n".encode()

    def _read_edition(self) -> None:
        """Check for changes in another thread, so that the event loop never waits for the database."""
        if self._reading_edition is None or self._reading_edition.done():
            self._reading_edition = self._edition.submit(self._cache.read_edition)

    def _address(self, scope: Scope) -> str:
        if self._proxies:
            named = forwarded(scope.headers.get_all("x-forwarded-for"), self._proxies)
            if named:
                return named[:100]
        return host_of_peer(scope.client)

    def _visitor(self, scope: Scope) -> WSGIEnvironment:
        """Return the part of an environment that counting visits needs."""
        visitor: WSGIEnvironment = {"REMOTE_ADDR": self._address(scope)}
        for name in ("user-agent", "sec-purpose", "purpose", "x-moz"):
            if (value := scope.headers.get(name)) is not None:
                visitor[f"HTTP_{name.upper().replace('-', '_')}"] = value
        return visitor

    def close(self) -> None:
        """Accept no more work."""
        self._queue.close()
        self._edition.shutdown(wait=False, cancel_futures=True)


async def _done(future: Future[object]) -> None:
    with suppress(Exception):
        await asyncio.shield(asyncio.wrap_future(future))


def _environ(scope: Scope, client: Client, body: bytes) -> WSGIEnvironment:
    """Return the environment of a request (PEP 3333).

    Header names with an underscore are dropped: they would be mapped to the same names with a hyphen, and a client
    could write headers that only trusted proxies may (nginx and Apache drop them too). `Proxy` is left out for
    CVE-2016-5385.
    """
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.address,
        PEER: host_of_peer(scope.client),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": client.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        IS_ASYNC: True,
    }
    for name, value in scope.headers.items():
        if "_" in name or name in ("proxy", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key == "HTTP_COOKIE" and key in environ:
            value = f"{environ[key]}; {value}"
        elif key in environ:
            value = f"{environ[key]},{value}"
        environ[key] = value
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        environ.pop("CONTENT_LENGTH", None)
    return environ


def _plain_headers() -> Headers:
    return [("Content-Type", "text/plain; charset=utf-8"), *HEADERS]
