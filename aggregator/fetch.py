"""Ask a server for a feed, and bring back what it said as a value.

The only module that opens sockets. Knows HTTP as servers really speak it, deadlines, sizes, redirects
and which addresses are refused. Leaves when to ask to `schedule` and what came to `parse`.

Measured on httpx as it comes: its timeouts are per read, so a drip never ends; it inflates a gzip bomb in
one piece (+136 MB) and inside the event loop; it follows redirects to private addresses. Here one deadline
is around everything, the body is inflated piece by piece up to its limit, and each hop and each resolved
address is checked before a connection is made.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import sys
import zlib
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

# httpx looks for its own command line, and with it comes all of rich and pygments; this is how it is told that there
# is none: 60 ms less at each start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from httpx_aiohttp import AiohttpTransport

from aggregator.addresses import is_public
from aggregator.model import Failed, FailureKind, Fetched, Limits, NotModified, Outcome, Validators
from aggregator.text import clip, storable
from aggregator.urls import host, safe_link, shown

_log = logging.getLogger(__name__)

USER_AGENT = "Groundswell/0.1 (self-hosted news site; polls feeds conditionally)"
"""What a site without a public address calls itself; see `user_agent`."""

_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_MAX_RETRY_AFTER = timedelta(hours=24)
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_WORDS = 200


class RefusedAddressError(Exception):
    """A connection to an address that is not public; no OSError, so that no other answer is tried."""


class Client:
    """Connections to many hosts, shared by all fetches of one event loop.

    limits: `concurrency` fetches at once, `per_host` of them to one host, `per_host_pause` apart;
            `allow_private` names the hosts that may have a private address, spelled exactly as in the
            feed's address.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._all = asyncio.Semaphore(limits.concurrency)
        self._own = frozenset(name.lower() for name in limits.allow_private)
        self._hosts: dict[str, _Turn] = {}
        self._transports: dict[str, AiohttpTransport] | None = None

    async def __aenter__(self) -> Self:
        self._transports = {}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in (self._transports or {}).values():
            await transport.aclose()
        self._transports = None

    def turn(self, name: str) -> _Turn:
        """Return what bounds the fetches at once to the host *name*, and keeps them apart.

        A host that `allow_private` names is the operator's own: it needs no distance, and many feeds may live on
        it, of which some that never answer must not hold up the others.
        """
        turn = self._hosts.get(name)
        if turn is None:
            if name in self._own:
                turn = _Turn(self.limits.concurrency, 0.0)
            else:
                turn = _Turn(self.limits.per_host, self.limits.per_host_pause.total_seconds())
            self._hosts[name] = turn
        return turn

    async def send(
        self, url: str, headers: dict[str, str], method: str = "GET", content: bytes = b""
    ) -> httpx.Response:
        """Send one request, a GET unless said otherwise; the body of its answer is not read yet."""
        if self._transports is None:
            raise RuntimeError("the client is used outside of `async with`")
        scheme = url.partition(":")[0]
        if scheme not in self._transports:
            self._transports[scheme] = self._transport(scheme)
        request = httpx.Request(method, url, headers=headers, content=content)
        return await self._transports[scheme].handle_async_request(request)

    def _transport(self, scheme: str) -> AiohttpTransport:
        """Return the connections of one scheme, so that certificates are read only when they are needed."""
        # Without certificates it trusts nobody.
        empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context = httpx.create_ssl_context(trust_env=False) if scheme == "https" else empty
        allowed = self._own
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context,
                resolver=_CheckingResolver(allowed),
                socket_factory=lambda info: _checked_socket(info, allowed),
                limit=self.limits.concurrency * 2,
                ttl_dns_cache=60,
                keepalive_timeout=15,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        # The transport alone: httpx.AsyncClient would look into every redirect and keep cookies.
        return AiohttpTransport(client=session, verify=context, trust_env=False)

    @property
    def everyone(self) -> asyncio.Semaphore:
        """What bounds all fetches at once."""
        return self._all


class _Turn:
    """So many at once, and each begins so many seconds after the one before."""

    def __init__(self, at_once: int, pause_s: float) -> None:
        self._at_once = asyncio.Semaphore(at_once)
        self._pause_s = pause_s
        self._free_at = 0.0

    async def __aenter__(self) -> None:
        await self._at_once.acquire()
        if not self._pause_s:
            return
        now = asyncio.get_running_loop().time()
        begin = max(now, self._free_at)
        self._free_at = begin + self._pause_s
        try:
            await asyncio.sleep(begin - now)
        except BaseException:
            self._at_once.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._at_once.release()


async def fetch(
    client: Client,
    url: str,
    validators: Validators = Validators(),  # noqa: B008 - frozen
    *,
    limits: Limits,
    now: datetime,
    user_agent: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> Outcome:
    """Ask for *url* and return what came of it; whatever goes wrong is a `Failed`.

    validators: what the server gave us at the last poll that was stored, or none
    limits:     `fetch` is the time for everything together, `feed_bytes` the decoded size
    now:        what a date in Retry-After is measured against
    headers:    of the source's own; never sent to another host, should it redirect there

    Waiting for a turn does not count into the time.
    """
    seconds = limits.fetch.total_seconds()
    async with client.turn(host(url)), client.everyone:
        try:
            async with asyncio.timeout(seconds):
                return await _follow(client, url, validators, limits, now, user_agent or USER_AGENT, tuple(headers))
        except TimeoutError:
            return Failed(FailureKind.TIMEOUT, f"timed out after {seconds:g} s")
        except _Fault as fault:
            return fault.failed
        except Exception as error:
            # The libraries below raise far more than their documented errors (ExceptionGroup, LookupError, ...),
            # and a server must not be able to stop the polling of the others.
            return _failure(error)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server said to a request that is not for a feed, whatever its status."""

    status: int
    body: bytes


async def call(
    client: Client,
    url: str,
    *,
    limits: Limits,
    method: str = "GET",
    content: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    body_bytes: int = 64_000,
) -> Answered | Failed:
    """Send one request and return its answer; redirects are answers, not followed. What goes wrong is a `Failed`.

    With the deadline, the address checks and the turns of `fetch`.
    """
    seconds = limits.fetch.total_seconds()
    async with client.turn(host(url)), client.everyone:
        try:
            async with asyncio.timeout(seconds):
                here = _askable(url)
                _asked.set(host(here))
                sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **dict(headers)}
                if content:
                    sent["Content-Length"] = str(len(content))
                response = await client.send(here, sent, method, content)
                try:
                    body, _ = await _body(response, body_bytes)
                    return Answered(response.status_code, body)
                finally:
                    await response.aclose()
        except TimeoutError:
            return Failed(FailureKind.TIMEOUT, f"timed out after {seconds:g} s")
        except _Fault as fault:
            return fault.failed
        except Exception as error:
            return _failure(error)


class _Fault(Exception):
    """Carries a `Failed` up to `fetch`."""

    def __init__(self, kind: FailureKind, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.failed = Failed(kind, _clean(words), status)


async def _follow(
    client: Client,
    url: str,
    validators: Validators,
    limits: Limits,
    now: datetime,
    user_agent: str,
    own_headers: tuple[tuple[str, str], ...],
) -> Outcome:
    """Ask, and follow redirects by hand, each hop checked like the first."""
    here, home = _askable(url), host(url)
    permanent, seen = True, {here}
    for _ in range(limits.redirects + 1):
        headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        if host(here) == home:
            headers |= dict(own_headers)
        _asked.set(host(here))
        response = await client.send(here, headers)
        try:
            moved_to = here if permanent and len(seen) > 1 else ""
            if response.status_code not in _REDIRECTS:
                return await _answer(response, here, moved_to, validators, limits, now)
            target = _target(response, here)
            permanent = permanent and response.status_code in _PERMANENT
        finally:
            await response.aclose()
        if target in seen:
            raise _Fault(FailureKind.REDIRECTS, "redirects in a circle: too many redirects", response.status_code)
        seen.add(target)
        here = target
    raise _Fault(FailureKind.REDIRECTS, f"too many redirects: more than {limits.redirects}")


def _askable(url: str) -> str:
    """Return *url* as it is asked for, or raise what is wrong with it."""
    scheme, colon, _ = url.partition(":")
    if colon and scheme.lower() not in ("http", "https"):
        raise _Fault(FailureKind.BAD_URL, f"refused: {clip(scheme, 20)}: is no scheme for feeds, only http and https")
    address = safe_link(url)
    if not address:
        wrong = "an address with a user name" if shown(url) != url and "@" in url else "not a usable address"
        raise _Fault(FailureKind.BAD_URL, f"{wrong}: {clip(shown(url), 100)}")
    _refuse_odd_spelling(host(address))
    return address.partition("#")[0]


def _refuse_odd_spelling(name: str) -> None:
    """Refuse the old spellings of IPv4 addresses: 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""
    if not re.fullmatch(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*", name):
        return
    try:
        meant = socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return
    if meant != name:
        raise _Fault(FailureKind.REFUSED_ADDRESS, f"refused: {name} is an odd spelling of the address {meant}")


def _target(response: httpx.Response, here: str) -> str:
    status = response.status_code
    location = response.headers.get("location", "").strip()
    if not location:
        raise _Fault(FailureKind.REDIRECTS, f"{status} redirect without an address", status)
    try:
        absolute = str(httpx.URL(here).join(location))
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise _Fault(FailureKind.REDIRECTS, f"{status} redirect to no usable address", status) from error
    try:
        return _askable(absolute)
    except _Fault as fault:
        kind = FailureKind.REDIRECTS if fault.failed.kind is FailureKind.BAD_URL else fault.failed.kind
        raise _Fault(kind, f"{status} redirect {fault.failed.words}", status) from fault


async def _answer(
    response: httpx.Response, url: str, moved_to: str, sent: Validators, limits: Limits, now: datetime
) -> Outcome:
    """Return what an answer that is no redirect amounts to."""
    status = response.status_code
    if status == HTTPStatus.NOT_MODIFIED:
        if not (sent.etag or sent.last_modified):
            raise _Fault(FailureKind.STATUS, "304 Not Modified to a request without a condition", status)
        return NotModified(moved_to=moved_to, fresh_for=_fresh_for(response, now))
    if status == HTTPStatus.GONE:
        raise _Fault(FailureKind.GONE, "410 Gone", status)
    if status not in (200, 203):
        asked_for = retry_after(response.headers.get("retry-after", ""), now)
        return Failed(FailureKind.STATUS, _status_words(status), status, asked_for)
    body, wire_bytes = await _body(response, limits.feed_bytes)
    if not body:
        raise _Fault(FailureKind.BAD_TRANSFER, f"{status} with an empty body", status)
    return Fetched(
        body=body,
        content_type=_usable(response, "content-type", 200),
        url=url,
        validators=Validators(_usable(response, "etag", 1_000), _usable(response, "last-modified", 100)),
        moved_to=moved_to,
        status=status,
        fresh_for=_fresh_for(response, now),
        wire_bytes=wire_bytes,
    )


async def _body(response: httpx.Response, limit: int) -> tuple[bytes, int]:
    """Return the decoded body and its size on the wire; never holds more than *limit* and one piece."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise _Fault(
            FailureKind.BAD_TRANSFER, f"content encoding {clip(encoding, 40)}, where only gzip was accepted", 200
        )
    inflate = _Inflate(limit) if "gzip" in encoding else None
    pieces: list[bytes] = []
    size = wire = 0
    async for chunk in response.aiter_raw():
        wire += len(chunk)
        for piece in inflate.pieces(chunk) if inflate else (chunk,):
            size += len(piece)
            if size > limit:
                raise _Fault(FailureKind.TOO_LARGE, f"larger than {_size(limit)}", response.status_code)
            pieces.append(piece)
    if inflate and wire and not inflate.ended:
        raise _Fault(FailureKind.BAD_TRANSFER, "the gzip data ends too early", response.status_code)
    return b"".join(pieces), wire


class _Inflate:
    """Gzip in bounded steps, of one member or several."""

    def __init__(self, limit: int) -> None:
        self._step = min(limit + 1, 1_000_000)
        self._member = zlib.decompressobj(31)
        self._fresh = True

    @property
    def ended(self) -> bool:
        """Whether the data so far ends where a member ends."""
        return self._member.eof or self._fresh

    def pieces(self, data: bytes) -> Iterable[bytes]:
        while data:
            if self._member.eof:
                if not data.strip(b"\0"):
                    return  # padding
                self._member = zlib.decompressobj(31)
            self._fresh = False
            try:
                yield self._member.decompress(data, self._step)
            except zlib.error as error:
                raise _Fault(FailureKind.BAD_TRANSFER, f"the gzip data is corrupt: {error}", 200) from error
            data = self._member.unconsumed_tail or self._member.unused_data


# Addresses

_asked: ContextVar[str] = ContextVar("asked", default="")
"""The host of the request that a connection is made for."""


class _CheckingResolver(AbstractResolver):
    """Resolves names, and refuses one of which any answer is not public."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host.lower() not in self._allowed:
            for answer in found:
                _refuse_unless_public(answer["host"], host)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _checked_socket(info: tuple[Any, ...], allowed: frozenset[str]) -> socket.socket:
    """Open the socket for one address; the last gate, which literal addresses do not pass by either."""
    family, kind, proto, _, sockaddr = info
    name = _asked.get()
    if name not in allowed:
        _refuse_unless_public(str(sockaddr[0]), name)
    return socket.socket(family=family, type=kind, proto=proto)


def _refuse_unless_public(address: str, name: str) -> None:
    if not is_public(address):
        what = address if name in ("", address) else f"{name} is {address}"
        raise RefusedAddressError(f"refused: {what}, a private address (limits.allow_private does not name it)")


# Words


def _failure(error: BaseException) -> Failed:
    """Return *error*, as raised by the libraries, in words for the source's row."""
    chain = list(_causes(error))
    for cause in chain:
        match cause:
            case RefusedAddressError():
                return Failed(FailureKind.REFUSED_ADDRESS, _clean(str(cause)))
            case ssl.SSLError() | aiohttp.ClientConnectorCertificateError() | ssl.CertificateError():
                reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or str(cause)
                return Failed(FailureKind.TLS, _clean(f"TLS: {reason}"))
            case aiohttp.ClientConnectorDNSError() | socket.gaierror():
                return Failed(FailureKind.NETWORK, _clean(f"the host name cannot be resolved: {_reason(cause)}"))
            case aiohttp.ClientPayloadError():
                return Failed(FailureKind.BAD_TRANSFER, _broken_off(cause))
            case aiohttp.InvalidURL() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return Failed(FailureKind.BAD_URL, "not a usable address")
            case aiohttp.ServerDisconnectedError():
                return Failed(FailureKind.BAD_TRANSFER, "the server closed the connection without an answer")
            case aiohttp.ClientResponseError() | aiohttp.http_exceptions.HttpProcessingError():
                return Failed(FailureKind.BAD_TRANSFER, _clean(f"not understood as HTTP: {cause.message}"))
            case ConnectionRefusedError():
                return Failed(FailureKind.NETWORK, "the server refused the connection")
            case ConnectionResetError() | BrokenPipeError():
                return Failed(FailureKind.NETWORK, "the connection was reset")
            case _:
                pass
    for cause in chain:
        if isinstance(cause, OSError):
            return Failed(FailureKind.NETWORK, _clean(f"no connection: {cause.strerror or cause}"))
    _log.warning("a fetch failed in a way not foreseen", exc_info=error)
    return Failed(FailureKind.NETWORK, _clean(f"failed: {type(error).__name__}: {error}"))


def _broken_off(error: aiohttp.ClientPayloadError) -> str:
    if counts := re.search(r"received (\d+) of (\d+) bytes", str(error)):
        return f"the answer is incomplete: the connection closed after {counts[1]} of {counts[2]} bytes"
    return _clean(f"the answer is incomplete or broken, the connection closed: {_reason(error)}")


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        members: Sequence[BaseException] = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        waiting += [link for link in (cause.__cause__, cause.__context__, *members) if link is not None]


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error) or type(error).__name__


def _clean(words: str) -> str:
    return clip(" ".join(storable(words).split()), _MAX_WORDS)


def _status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status}, a status that HTTP does not know"


def _size(limit: int) -> str:
    return f"{limit / 1_000_000:g} MB" if limit >= 100_000 else f"{limit} bytes"


def _usable(response: httpx.Response, name: str, limit: int) -> str:
    """Return a header as it can be stored and sent back verbatim: printable ASCII, else ""."""
    value = response.headers.get(name, "").strip()
    return value if len(value) <= limit and value.isascii() and value.isprintable() else ""


@lru_cache(maxsize=4)
def user_agent(site_url: str) -> str:
    """Return who asks and why, for the log of the server that is asked; with *site_url* where others can open it."""
    name = host(site_url)
    if "." not in name or name.endswith((".local", ".lan", ".internal", ".home.arpa", ".localhost")):
        return USER_AGENT
    if name.replace(".", "").isdigit() and not is_public(name):
        return USER_AGENT
    return f"Groundswell/0.1 (+{site_url}; self-hosted news site; polls feeds conditionally)"


def fresh_for(cache_control: str, expires: str, now: datetime) -> timedelta | None:
    """Return for how long an answer holds, at most 24 h; None when its server does not say so.

    `max-age` counts before `Expires`; `no-cache`, `no-store` and a date in the past ask for nothing.
    """
    directives = [part.strip().lower() for part in cache_control[:1_000].split(",")]
    if "no-cache" in directives or "no-store" in directives:
        return timedelta()
    for directive in directives:
        name, _, value = directive.partition("=")
        value = value.strip().strip('"')
        if name.strip() == "max-age" and value.isascii() and value.isdigit():
            return min(timedelta(seconds=int(value[:9])), _MAX_RETRY_AFTER)
    if not expires.strip():
        return None
    # "0" and "-1" mean that it has expired already, and so does every date that cannot be read.
    return timedelta() if expires.strip().isdigit() else retry_after(expires, now) or timedelta()


def _fresh_for(response: httpx.Response, now: datetime) -> timedelta | None:
    return fresh_for(response.headers.get("cache-control", ""), response.headers.get("expires", ""), now)


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Return for how long a server asks not to be asked, at most 24 h; None for what makes no sense.

    In seconds or as a date. A date in the past, a negative or an absurd number makes no sense.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value)), _MAX_RETRY_AFTER) if len(value) <= 9 else None
    if not value or len(value) > 100:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    return min(wait, _MAX_RETRY_AFTER) if wait > timedelta() else None
