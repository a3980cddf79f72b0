"""Hold the connections to many hosts, and refuse those to addresses that are not public.

Knows bounds and distances, certificates, and the two gates that every connection passes: when a name is
resolved, and when the socket is made. Leaves what is asked and what is answered to `fetch`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from aggregator.fetch.lazy_imports import (
    AbstractResolver,
    AiohttpTransport,
    ResolveResult,
    ThreadedResolver,
    aiohttp,
    httpx,
)
from aggregator.model import Limits
from aggregator.text.ip_addresses import is_public


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
        self, url: str, name: str, headers: Mapping[str, str], method: str = "GET", content: bytes = b""
    ) -> httpx.Response:
        """Send one request, a GET unless said otherwise; the body of its answer is not read yet.

        url:  as `urls.safe_link` spells it
        name: its host, for which the address check is made
        """
        if self._transports is None:
            raise RuntimeError("the client is used outside of `async with`")
        scheme = url.partition(":")[0]
        if scheme not in self._transports:
            self._transports[scheme] = self._transport(scheme)
        _asked.set(name)
        return await self._transports[scheme].handle_async_request(_request(method, url, headers, content))

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
            auto_decompress=False,
            trust_env=False,
        )
        # The transport alone: httpx.AsyncClient would look into every redirect and keep cookies.
        return AiohttpTransport(client=session, verify=context, trust_env=False)

    @property
    def everyone(self) -> asyncio.Semaphore:
        """What bounds all fetches at once."""
        return self._all


class _Address(httpx.URL):
    """An address as `urls.safe_link` spells it, which is checked already, so httpx need not take it apart as well."""

    def __init__(self, url: str) -> None:
        super().__init__(_NOWHERE)
        self._spelled = url

    def __str__(self) -> str:
        return self._spelled


_NOWHERE = httpx.URL("http://nowhere.invalid/")


def _request(method: str, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Request:
    """Return a request with these headers and no other.

    Given address and content as httpx.Request takes them, making one costs 56 microseconds, half of what aiohttp
    needs to ask and to be answered; so, 10.
    """
    request = httpx.Request(method, _NOWHERE, headers=headers, stream=httpx.ByteStream(content))
    request.url = _Address(url)
    request.read()
    return request


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
