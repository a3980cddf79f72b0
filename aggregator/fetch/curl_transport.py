"""Send httpx requests with libcurl, on the running event loop.

libcurl is as tolerant of headers as browsers, supports HTTP/2 and HTTP and SOCKS proxies, and needs a third of the CPU
time of aiohttp for a thousand 304s (docs/dev/performance.md). Knows handles, sockets and timers; the callers check
addresses and follow redirects.

The loop watches libcurl's sockets (its "multi socket" interface), so there are no threads.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import pycurl

from aggregator.fetch.lazy_imports import httpx

_OTHER_BODY_BYTES = 64_000
"""Bytes that are read of a response that is not a document: a redirect, an error page."""
_OK = (b"200", b"203")
_E_HTTP2_STREAM = 92


class HttpVersion(IntEnum):
    """The version of HTTP that a request uses."""

    BEST = pycurl.CURL_HTTP_VERSION_2TLS
    """HTTP/2 if it can be negotiated, else HTTP/1.1."""
    ONLY_1 = pycurl.CURL_HTTP_VERSION_1_1
    ONLY_2 = pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
    """HTTP/2 on a plain connection, where it cannot be negotiated."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Connection options of one request, passed as `request.extensions["connect"]`."""

    addresses: frozenset[str] | None = None
    """IP addresses that a socket may connect to; None: any, because all requests go to the operator's proxy."""
    resolve: str = ""
    """`+host:port:address,address`: the resolved host, so that libcurl does not resolve it again."""
    connect_to: str = ""
    """`host:port:address:port`: the address that a proxy connects to."""
    proxy: str = ""
    tunnel: bool = False
    """Whether to tunnel plain http through an HTTP proxy too."""
    ca_file: str = ""
    version: HttpVersion = HttpVersion.BEST
    max_bytes: int = 10_000_000
    """Limit of the body as received."""


class CurlError(httpx.TransportError):
    """A request failed; *code* is libcurl's, *os_error* the system's or 0."""

    def __init__(self, code: int, text: str, os_error: int = 0, received: int = 0, expected: int = -1) -> None:
        super().__init__(text)
        self.code = code
        self.os_error = os_error
        self.received, self.expected = received, expected
        self.through_proxy = False
        self.through_tls_proxy = False

    @property
    def is_http2(self) -> bool:
        """Whether the server broke the rules of HTTP/2, or ended the stream with an error."""
        return self.code in (pycurl.E_HTTP2, _E_HTTP2_STREAM) or "HTTP/2" in str(self)


class BodyTooLargeError(Exception):
    """A document is too large."""


class NoSocketError(Exception):
    """This machine has no file descriptor or no memory for another socket."""


class NotHttpError(Exception):
    """The response is not HTTP; *start* is its beginning."""

    def __init__(self, start: bytes) -> None:
        super().__init__("not HTTP")
        self.start = start


class CurlTransport(httpx.AsyncBaseTransport):
    """Concurrent requests over reused connections, for one event loop.

    max_connections: idle connections that are kept
    """

    def __init__(self, max_connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._timer: asyncio.TimerHandle | None = None
        self._watched: dict[int, int] = {}
        self._active: dict[pycurl.Curl, _Exchange] = {}
        self._idle: list[_Exchange] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response with its body as received.

        If a document breaks off, `extensions["broken_off"]` is its CurlError: only its content shows if it is whole.

        Raises CurlError, BodyTooLargeError, NotHttpError.
        """
        exchange = self._idle.pop() if self._idle else _Exchange()
        done: asyncio.Future[None] = self._loop.create_future()
        exchange.begin(request, done)
        self._active[exchange.curl] = exchange
        try:
            self._multi.add_handle(exchange.curl)
            await done
            return exchange.response(request)
        finally:
            del self._active[exchange.curl]
            self._multi.remove_handle(exchange.curl)
            exchange.end()
            self._idle.append(exchange)

    async def aclose(self) -> None:
        """Close every connection. No request may be running."""
        for exchange in self._idle:
            exchange.curl.close()
        self._idle.clear()
        self._multi.close()
        self._set_timer(-1)
        for descriptor in list(self._watched):
            self._watch(pycurl.POLL_REMOVE, descriptor)

    # Callbacks from libcurl to the event loop

    def _set_timer(self, wait_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait_ms >= 0:
            self._timer = self._loop.call_later(wait_ms / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _watch(self, what: int, descriptor: int, multi: Any = None, data: Any = None) -> None:
        before = self._watched.get(descriptor, 0)
        now = 0 if what == pycurl.POLL_REMOVE else what
        if now & pycurl.POLL_IN and not before & pycurl.POLL_IN:
            self._loop.add_reader(descriptor, self._act, descriptor, pycurl.CSELECT_IN)
        elif before & pycurl.POLL_IN and not now & pycurl.POLL_IN:
            self._loop.remove_reader(descriptor)
        if now & pycurl.POLL_OUT and not before & pycurl.POLL_OUT:
            self._loop.add_writer(descriptor, self._act, descriptor, pycurl.CSELECT_OUT)
        elif before & pycurl.POLL_OUT and not now & pycurl.POLL_OUT:
            self._loop.remove_writer(descriptor)
        if now:
            self._watched[descriptor] = now
        else:
            self._watched.pop(descriptor, None)

    def _act(self, descriptor: int, ready: int) -> None:
        self._multi.socket_action(descriptor, ready)
        more = 1
        while more:
            more, finished, failed = self._multi.info_read()
            for curl in finished:
                self._active[curl].finish(None)
            for curl, code, text in failed:
                exchange = self._active[curl]
                exchange.finish(CurlError(code, text, curl.getinfo(pycurl.OS_ERRNO)))


class _Exchange:
    """One request and its response, on a reusable handle."""

    def __init__(self) -> None:
        self.curl = curl = pycurl.Curl()
        for option, value in _ALWAYS:
            curl.setopt(option, value)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self._method = "GET"
        self._connect = Connect()
        self._done: asyncio.Future[None] | None = None
        self._head: list[bytes] = []
        self._head_complete = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._failure: Exception | None = None
        self._cut = False
        self._opened: list[socket.socket] = []

    def begin(self, request: httpx.Request, done: asyncio.Future[None]) -> None:
        connect: Connect = request.extensions["connect"]
        curl, before = self.curl, self._connect
        self._connect, self._done = connect, done
        curl.setopt(pycurl.URL, str(request.url))
        # An empty value would remove a header, and "Expect" makes some servers wait.
        headers = [f"{name}: {value}" for name, value in request.extensions["headers"].items() if value]
        curl.setopt(pycurl.HTTPHEADER, [*headers, "Expect:"])
        self._set_method(request)
        if connect.proxy != before.proxy:
            curl.setopt(pycurl.PROXY, connect.proxy)
        if connect.tunnel != before.tunnel:
            curl.setopt(pycurl.HTTPPROXYTUNNEL, connect.tunnel)
        if connect.ca_file != before.ca_file:
            curl.setopt(pycurl.CAINFO, connect.ca_file)
            curl.setopt(pycurl.PROXY_CAINFO, connect.ca_file)  # of an https:// proxy
        if connect.resolve != before.resolve:
            curl.setopt(pycurl.RESOLVE, [connect.resolve] if connect.resolve else [])
        if connect.connect_to != before.connect_to:
            curl.setopt(pycurl.CONNECT_TO, [connect.connect_to] if connect.connect_to else [])
        if connect.version is not before.version:
            curl.setopt(pycurl.HTTP_VERSION, int(connect.version))

    def _set_method(self, request: httpx.Request) -> None:
        if request.method == "GET" == self._method:
            return
        self._method = request.method
        if request.method == "GET":
            self.curl.setopt(pycurl.HTTPGET, 1)
        elif request.method == "POST":
            self.curl.setopt(pycurl.POST, 1)
            self.curl.setopt(pycurl.POSTFIELDS, request.content)
        else:
            raise ValueError(f"{request.method} is not sent by this program")

    def finish(self, error: CurlError | None) -> None:
        """Wake the coroutine that waits for this exchange."""
        if error is not None and not self._cut:
            error.received = self._size
            error.through_proxy = bool(self._connect.proxy)
            error.through_tls_proxy = self._connect.proxy.startswith("https:")
            error.expected = int(self.curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T))
            self._failure = self._failure or error
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def response(self, request: httpx.Request) -> httpx.Response:
        """Return the response, or raise the error."""
        failure = self._failure
        broken_off = isinstance(failure, CurlError) and failure.received > 0 and self._is_document()
        if failure is not None and not broken_off:
            raise failure
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        headers = []
        for line in self._head[1:]:
            name, colon, value = line.partition(b":")
            if colon:
                headers.append((name.strip(), value.strip()))
        stream = httpx.ByteStream(b"".join(self._pieces))
        extensions = {"peer": self.curl.getinfo(pycurl.PRIMARY_IP), "broken_off": failure}
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions, request=request)

    def end(self) -> None:
        """Release the handle for another exchange."""
        self._done = None
        self._head, self._head_complete = [], False
        self._pieces, self._size = [], 0
        self._failure, self._cut = None, False
        # pycurl has duplicated their descriptors.
        for opened in self._opened:
            opened.close()
        self._opened.clear()

    # Progress callbacks of libcurl; an exception here would only be printed

    def _on_header(self, line: bytes) -> None:
        if line in (b"\r\n", b"\n"):
            self._head_complete = True
            return
        if self._head_complete:
            # Another head follows after 1xx or a proxy's response; trailers after a body are ignored.
            if self._pieces or not line.startswith((b"HTTP/", b"http/", b"ICY")):
                return
            self._head, self._head_complete = [], False
        self._head.append(line)

    def _on_body(self, data: bytes) -> int | None:
        if not self._head:
            self._failure = NotHttpError(data[:100])
            return -1
        self._size += len(data)
        is_document = self._is_document()
        if self._size > (self._connect.max_bytes if is_document else _OTHER_BODY_BYTES):
            if is_document:
                self._failure = BodyTooLargeError()
            self._cut = True
            return -1
        self._pieces.append(data)
        return None

    def _is_document(self) -> bool:
        parts = self._head[0].split(None, 2)
        return len(parts) > 1 and parts[1][:3] in _OK

    def _open_socket(self, purpose: int, address: Any) -> Any:
        family, kind, protocol, sockaddr = address
        allowed = self._connect.addresses
        if allowed is not None and str(sockaddr[0]) not in allowed:
            return pycurl.SOCKET_BAD
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError as error:
            self._failure = NoSocketError(error.strerror)
            return pycurl.SOCKET_BAD
        self._opened.append(opened)
        return opened


_ALWAYS: Iterable[tuple[int, Any]] = (
    (pycurl.NOSIGNAL, 1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.FOLLOWLOCATION, 0),  # each hop is checked first
    (pycurl.HTTP_CONTENT_DECODING, 0),  # `decompress` does it, in bounded steps
    (pycurl.HTTP_VERSION, int(HttpVersion.BEST)),
    (pycurl.HTTP09_ALLOWED, 1),  # so that what is not HTTP can be looked at; it is always refused
    (pycurl.HTTP200ALIASES, ["ICY 200"]),
    (pycurl.PROXY, ""),  # not from the environment
    (pycurl.NOPROXY, ""),
    (pycurl.NETRC, 0),
    (pycurl.BUFFERSIZE, 128 * 1024),
)
