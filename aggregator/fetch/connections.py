"""Keep connections to many hosts, and refuse addresses that are not public.

Knows limits and pauses, name resolution, certificate authorities and proxies, and the two checks of every connection:
when a name is resolved, and when the socket is opened. `access` has the permissions.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aggregator.fetch.access import Access
from aggregator.fetch.curl_transport import Connect, CurlTransport, HttpVersion
from aggregator.fetch.errors import FetchError, RefusedAddressError
from aggregator.fetch.lazy_imports import httpx
from aggregator.model import FailureKind, Limits
from aggregator.text.ip_addresses import is_public

_RESOLVED_FOR_S = 60.0
_MAX_RESOLVED = 5_000
_MAX_TURNS = 20_000
_SYSTEM_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


class Client:
    """Connections to many hosts, shared by all fetches of one event loop.

    limits: `concurrency` fetches at once, `per_host` of them to one host, `per_host_pause` apart
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._all = asyncio.Semaphore(limits.concurrency)
        self._hosts: dict[tuple[str, bool], _Turn] = {}
        # Two pools: a connection that was opened with a permission must not be used without it.
        self._public: CurlTransport | None = None
        self._private: CurlTransport | None = None
        self._resolved: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._authorities = _Authorities()

    async def __aenter__(self) -> Self:
        pool_size = self.limits.concurrency * 2
        self._public, self._private = CurlTransport(pool_size), CurlTransport(pool_size)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in (self._public, self._private):
            if transport is not None:
                await transport.aclose()
        self._public = self._private = None
        self._authorities.close()

    def turn(self, name: str, access: Access) -> _Turn:
        """Return the limiter of concurrent fetches to the host *name*, and of the pauses between them.

        A private host is the operator's own: it needs no pause. It may have many feeds, and those that never answer
        must not block the others.
        """
        private = access.is_private(name)
        turn = self._hosts.get((name, private))
        if turn is None:
            if private:
                turn = _Turn(self.limits.concurrency, 0.0)
            else:
                turn = _Turn(self.limits.per_host, self.limits.per_host_pause.total_seconds())
            if len(self._hosts) >= _MAX_TURNS:
                self._forget_idle_hosts()
            self._hosts[name, private] = turn
        return turn

    def _forget_idle_hosts(self) -> None:
        now = asyncio.get_running_loop().time()
        self._hosts = {key: turn for key, turn in self._hosts.items() if turn.is_busy(now)}

    @property
    def all_requests(self) -> asyncio.Semaphore:
        """The limiter of all concurrent fetches."""
        return self._all

    async def send(
        self,
        url: str,
        name: str,
        headers: Mapping[str, str],
        *,
        access: Access,
        max_bytes: int,
        method: str = "GET",
        content: bytes = b"",
        version: HttpVersion = HttpVersion.BEST,
    ) -> httpx.Response:
        """Send one request and return its response, with the body as received.

        url:       in the form of `urls.safe_link`; its host is *name*
        max_bytes: limit for the body of a document (200, 203); less of other responses is read

        Raises FetchError, and the errors of `CurlTransport`.
        """
        if self._public is None or self._private is None:
            raise RuntimeError("the client is used outside of `async with`")
        private = access.is_private(name)
        scheme = url.partition(":")[0]
        ca_file = self._authorities.file(access.ca_file) if scheme == "https" or access.proxy[:5] == "https" else ""
        if access.proxy:
            connect = await self._through_proxy(url, name, access, ca_file, max_bytes, version)
        else:
            connect = await self._directly(url, name, private, ca_file, max_bytes, version)
        transport = self._private if private else self._public
        return await transport.handle_async_request(_request(method, url, headers, content, connect))

    async def _directly(
        self, url: str, name: str, private: bool, ca_file: str, max_bytes: int, version: HttpVersion
    ) -> Connect:
        literal = _literal(name)
        port = _port(url)
        addresses = (literal,) if literal else await self._addresses(name, port)
        if not private:
            for address in addresses:
                _refuse_unless_public(address, name)
        # Pinned, so that the connection goes to the checked address.
        resolve = "" if literal else f"+{name}:{port}:{','.join(map(_bracketed, addresses))}"
        return Connect(
            addresses=frozenset(addresses),
            resolve=resolve,
            ca_file=ca_file,
            max_bytes=max_bytes,
            version=version,
        )

    async def _through_proxy(
        self, url: str, name: str, access: Access, ca_file: str, max_bytes: int, version: HttpVersion
    ) -> Connect:
        """Return how to connect through a proxy, which gets a checked address and hardly ever a name.

        A proxy is in another network. It would resolve a name itself, perhaps to a private address there. It only gets
        the name of the subject's own host, and only if a name is needed: for a plain request to an HTTP proxy, for
        `socks5h` and `socks4a`, and if this machine cannot resolve names.
        """
        own = name == access.own_host
        port = _port(url)
        addresses: tuple[str, ...] = ()
        literal = _literal(name)
        if literal:
            addresses = (literal,)
        elif not (own and access.proxy.startswith(("socks5h:", "socks4a:"))):
            try:
                addresses = await self._addresses(name, port)
            except FetchError as error:
                if not own:
                    message = f"{name} cannot be resolved here, and a proxy is not given names that others chose"
                    raise FetchError(FailureKind.NETWORK, message) from error
        if access.proxy.startswith("socks4"):  # supports only IPv4
            addresses = tuple(address for address in addresses if ":" not in address) or addresses
        if not access.is_private(name):
            for address in addresses:
                _refuse_unless_public(address, name)
        plain_http = url.startswith("http:") and access.proxy.startswith("http")
        give_name = own and (plain_http or not addresses)
        return Connect(
            addresses=None,
            connect_to="" if give_name or literal else f"{name}:{port}:{_bracketed(addresses[0])}:{port}",
            proxy=access.proxy,
            tunnel=plain_http and not give_name,
            ca_file=ca_file,
            max_bytes=max_bytes,
            version=version,
        )

    async def _addresses(self, name: str, port: int) -> tuple[str, ...]:
        """Return the IP addresses of *name*, resolved at most once a minute; FetchError if it has none."""
        loop = asyncio.get_running_loop()
        cached = self._resolved.get((name, port))
        if cached and cached[0] > loop.time():
            return cached[1]
        try:
            answers = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        except OSError as error:
            reason = f"the host name cannot be resolved: {error.strerror or error}"
            raise FetchError(FailureKind.NETWORK, reason) from error
        addresses = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
        if len(self._resolved) >= _MAX_RESOLVED:
            self._resolved.clear()
        self._resolved[name, port] = (loop.time() + _RESOLVED_FOR_S, addresses)
        return addresses


class _Address(httpx.URL):
    """A checked address in the form of `urls.safe_link`, which httpx need not parse again."""

    def __init__(self, url: str) -> None:
        super().__init__(_NOWHERE)
        self._spelled = url

    def __str__(self) -> str:
        return self._spelled


_NOWHERE = httpx.URL("http://nowhere.invalid/")


def _request(method: str, url: str, headers: Mapping[str, str], content: bytes, connect: Connect) -> httpx.Request:
    """Return a request with exactly these headers.

    The constructor of httpx.Request takes 56 microseconds, more than libcurl takes to send the request; this takes 8.
    The headers are among the extensions, as text.
    """
    request = httpx.Request(
        method,
        _NOWHERE,
        stream=httpx.ByteStream(content),
        extensions={"connect": connect, "headers": headers},
    )
    request.url = _Address(url)
    request.read()
    return request


class _Turn:
    """Limits concurrency, and the seconds between two starts."""

    def __init__(self, at_once: int, pause_s: float) -> None:
        self._at_once = asyncio.Semaphore(at_once)
        self._pause_s = pause_s
        self._free_at = 0.0
        self._users = 0

    async def __aenter__(self) -> None:
        self._users += 1
        try:
            await self._at_once.acquire()
        except BaseException:
            self._users -= 1
            raise
        if not self._pause_s:
            return
        now = asyncio.get_running_loop().time()
        begin = max(now, self._free_at)
        self._free_at = begin + self._pause_s
        try:
            await asyncio.sleep(begin - now)
        except BaseException:
            self._users -= 1
            self._at_once.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        self._at_once.release()

    def is_busy(self, now: float) -> bool:
        """Return whether it is in use, awaited, or in its pause."""
        return self._users > 0 or self._free_at > now


# Addresses


def _literal(name: str) -> str:
    """Return the normalized IP address that *name* is, "" for a name."""
    if ":" not in name and not name[-1:].isdigit():
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _refuse_unless_public(address: str, name: str) -> None:
    if not is_public(address):
        what = address if name in ("", address) else f"{name} is {address}"
        raise RefusedAddressError(f"refused: {what}, a private address; allow_private does not permit it")


# Certificate authorities


class _Authorities:
    """Files of trusted certificate authorities, located when the first https request needs them."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[str, str] = {}

    def file(self, own: str) -> str:
        """Return a file with the usual authorities, and those of the file *own* if given."""
        if own not in self._files:
            usual = _usual_ca_file()
            self._files[own] = self._combined(usual, own) if own else usual
        return self._files[own]

    def _combined(self, usual: str, own: str) -> str:
        try:
            content = Path(own).read_bytes()
        except OSError as error:
            raise FetchError(FailureKind.TLS, f"ca_file {own} cannot be read: {error.strerror or error}") from error
        if b"-----BEGIN CERTIFICATE-----" not in content:
            raise FetchError(FailureKind.TLS, f"ca_file {own} has no certificate in PEM format")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="groundswell-ca-")
        path = Path(self._folder.name) / f"{len(self._files)}.pem"
        path.write_bytes(Path(usual).read_bytes() + b"\n" + content)
        return str(path)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._files.clear()


def _usual_ca_file() -> str:
    """Return the file in SSL_CERT_FILE, else that of the system, else that of certifi."""
    import ssl

    named = ssl.get_default_verify_paths().cafile  # SSL_CERT_FILE, if it is set and exists
    if named:
        return named
    for path in _SYSTEM_CA_FILES:
        if Path(path).is_file():
            return path
    import certifi

    return certifi.where()
