"""Request a feed and return the outcome as a value.

    fetch: address -> checked -> slot -> request -> redirect? -> next address ... -> response -> decompressed -> Outcome

Knows deadlines, sizes, redirects, cookies and what each response means. `connections` keeps the connections and refuses
addresses, `decompress` decompresses, `headers` and `errors` interpret responses and errors.

One deadline covers everything, since a timeout per read never ends with a server that sends a byte now and then. The
body is limited while it arrives and while it is decompressed. Each hop and each resolved address is checked before a
connection is opened.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urljoin

from aggregator.fetch.access import PUBLIC, Access, origin
from aggregator.fetch.bot_checks import bot_check, bot_check_message
from aggregator.fetch.connections import Client
from aggregator.fetch.cookies import Cookies
from aggregator.fetch.curl_transport import CurlError, HttpVersion, NotHttpError
from aggregator.fetch.decompress import ACCEPTED, is_whole, unpack
from aggregator.fetch.errors import FetchError, RefusedAddressError, failure, status_text
from aggregator.fetch.headers import USER_AGENT, header, holds_for, if_none_match, requested_wait, single, usable
from aggregator.fetch.headers import validators as validators_of
from aggregator.fetch.lazy_imports import httpx
from aggregator.fetch.refresh import refresh_target
from aggregator.model import Failed, FailureKind, Fetched, Limits, NotModified, Outcome, Validators
from aggregator.text.markup import clip
from aggregator.text.urls import host, safe_link, shown

_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_BROWSER_ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*")
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_SETTINGS_FRAME = re.compile(rb"\0\0.\x04\0\0\0\0\0", re.DOTALL)
"""The first bytes of a server that only supports HTTP/2 (RFC 9113, section 3.4)."""


async def fetch(
    client: Client,
    url: str,
    validators: Validators = Validators(),  # noqa: B008 - frozen
    *,
    limits: Limits,
    now: datetime,
    user_agent: str = "",
    headers: Iterable[tuple[str, str]] = (),
    home: str = "",
    accept: str = _ACCEPT,
    access: Access = PUBLIC,
) -> Outcome:
    """Request *url* and return the outcome; any error is a `Failed`.

    validators: from the last stored poll, if any
    limits:     `fetch` is the total time, `feed_bytes` the size of the decompressed document
    now:        the reference for a date in Retry-After
    headers:    the source's own headers, sent only to the scheme, host and port of *home*
    home:       the address that the operator gave *headers* to; "" is *url*
    accept:     the requested media types
    access:     the permissions of the subject of this request

    Waiting for a slot does not count towards the time. Cookies are kept for this call only.
    """
    common = {"User-Agent": user_agent or USER_AGENT, "Accept": accept, "Accept-Encoding": ACCEPTED}
    if validators.etag:
        common["If-None-Match"] = if_none_match(validators.etag)
    if validators.last_modified:
        common["If-Modified-Since"] = validators.last_modified
    fetching = _Fetch(client, common, dict(headers), origin(home or url), limits, now, access)
    return await _in_turn(client, url, limits, access, fetching.follow)


@dataclass(frozen=True, slots=True)
class Answered:
    """The response to a request that is not for a feed, with any status."""

    status: int
    body: bytes
    peer: str = ""
    """The IP address that responded, or that of the proxy."""


async def call(
    client: Client,
    url: str,
    *,
    limits: Limits,
    method: str = "GET",
    content: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    body_bytes: int = 64_000,
    access: Access = PUBLIC,
) -> Answered | Failed:
    """Send one request and return its response, without following redirects; any error is a `Failed`.

    With the deadline, address checks and slots of `fetch`. Only a document (200) may have *body_bytes*; at most 64 kB
    of other responses are read.
    """
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED, **dict(headers)}

    async def request(address: str, name: str) -> Answered:
        response = await client.send(
            address, name, sent, access=access, max_bytes=body_bytes, method=method, content=content
        )
        if broken_off := _broken_off(response):
            raise broken_off
        body = unpack(await _raw_body(response), header(response, "Content-Encoding"), body_bytes)
        return Answered(response.status_code, body, response.extensions.get("peer", ""))

    return await _in_turn(client, url, limits, access, request)


_T = TypeVar("_T")


async def _in_turn(
    client: Client, url: str, limits: Limits, access: Access, request: Callable[[str, str], Awaitable[_T]]
) -> _T | Failed:
    """Return the result of *request* for the checked *url* and its host; any error is a `Failed`.

    It waits for a slot, and has the time of `limits.fetch` from then on.
    """
    seconds = limits.fetch.total_seconds()
    try:
        address, name = _checked(url)
        async with client.turn(name, access), client.all_requests, asyncio.timeout(seconds):
            return await request(address, name)
    except TimeoutError:
        return Failed(FailureKind.TIMEOUT, f"timed out after {seconds:g} s")
    except Exception as error:
        return failure(error, limits.feed_bytes)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch: its requests, and the allowed hosts."""

    client: Client
    common: Mapping[str, str]
    own_headers: Mapping[str, str]
    own_origin: tuple[str, str, int | None]
    limits: Limits
    now: datetime
    access: Access

    async def follow(self, url: str, name: str) -> Outcome:
        """Request *url*, which is on the host *name*, and follow redirects, each hop checked like the first."""
        start, permanent = url, True
        cookies = Cookies()
        visited: set[tuple[str, str]] = set()
        for _ in range(self.limits.redirects + 1):
            sent = self._headers(url, cookies.header(url))
            if (url, sent.get("Cookie", "")) in visited:
                raise FetchError(FailureKind.REDIRECTS, "redirect loop: too many redirects")
            visited.add((url, sent.get("Cookie", "")))
            response = await self._send(url, name, sent)
            if response.status_code == HTTPStatus.NOT_ACCEPTABLE and "text/html" not in sent.get("Accept", ""):
                # Some servers send nothing to clients that do not accept HTML.
                response = await self._send(url, name, {**sent, "Accept": _BROWSER_ACCEPT})
            cookies.keep(response.headers.get_list("Set-Cookie"), url)
            if response.status_code in _REDIRECTS:
                permanent = permanent and response.status_code in _PERMANENT
                url, name = _target(response, url)
                continue
            outcome = await self._outcome(response, url, url if permanent and url != start else "")
            if not isinstance(outcome, Fetched):
                return outcome
            target = refresh_target(single(response, "Refresh"), outcome.body, url)
            try:
                target, name = _checked(target) if target else ("", "")
            except FetchError:
                return outcome
            if not target or (target, self._headers(target, cookies.header(target)).get("Cookie", "")) in visited:
                return outcome
            url, permanent = target, False
        raise FetchError(FailureKind.REDIRECTS, f"too many redirects: more than {self.limits.redirects}")

    def _headers(self, url: str, cookie: str) -> dict[str, str]:
        own = self.own_headers if self.own_headers and origin(url) == self.own_origin else {}
        sent = {**self.common, **own}
        if cookie:
            configured = next((name for name in sent if name.lower() == "cookie"), "")
            sent["Cookie"] = f"{sent.pop(configured)}; {cookie}" if configured else cookie
        return sent

    async def _send(self, url: str, name: str, headers: Mapping[str, str]) -> httpx.Response:
        send = partial(self.client.send, url, name, headers, access=self.access, max_bytes=self.limits.feed_bytes)
        try:
            response = await send()
            broken_off = _broken_off(response)
            if broken_off is None or not broken_off.is_http2:
                return response
            other = HttpVersion.ONLY_1
        except NotHttpError as error:
            if not _SETTINGS_FRAME.match(error.start) or url.startswith("https"):
                raise
            # A server that only supports HTTP/2, on a plain connection where it cannot be negotiated.
            other = HttpVersion.ONLY_2
        except CurlError as error:
            if not error.is_http2:
                raise
            # A server that fails over HTTP/2; most of these work over HTTP/1.1.
            other = HttpVersion.ONLY_1
        return await send(version=other)

    async def _outcome(self, response: httpx.Response, url: str, moved_to: str) -> Outcome:
        """Return the outcome of a response that is not a redirect."""
        status = response.status_code
        if status == HTTPStatus.NOT_MODIFIED:
            if not ("If-None-Match" in self.common or "If-Modified-Since" in self.common):
                raise FetchError(FailureKind.STATUS, "304 Not Modified in response to an unconditional request", status)
            return NotModified(moved_to, holds_for(response, self.now), validators_of(response, self.now))
        if status == HTTPStatus.GONE:
            raise FetchError(FailureKind.GONE, "410 Gone", status)
        raw = await _raw_body(response)
        if status not in (200, 203):
            return self._refusal(response, raw)
        broken_off = _broken_off(response)
        try:
            body = unpack(raw, header(response, "Content-Encoding"), self.limits.feed_bytes)
        except FetchError:
            if broken_off is not None:
                raise broken_off from None
            raise
        # Without a last chunk, or where TLS ends without saying so, the document shows whether anything is missing. A
        # length that is not reached is an error all the same: what follows the end may be missing.
        if broken_off is not None and (broken_off.expected >= 0 or not is_whole(body)):
            raise broken_off
        if not body:
            raise FetchError(FailureKind.BAD_TRANSFER, f"{status} with an empty body", status)
        if service := bot_check(status, response.headers, body):
            raise FetchError(FailureKind.BOT_CHECK, bot_check_message(service, status), status)
        return Fetched(
            body=body,
            content_type=usable(response, "Content-Type", 200),
            url=url,
            validators=validators_of(response, self.now),
            moved_to=moved_to,
            status=status,
            fresh_for=holds_for(response, self.now),
            wire_bytes=len(raw),
        )

    def _refusal(self, response: httpx.Response, raw: bytes) -> Failed:
        """Return the failure for a status other than 200, with the wait that the server requests."""
        status = response.status_code
        wait = requested_wait(response, self.now)
        try:
            page = unpack(raw, header(response, "Content-Encoding"), self.limits.feed_bytes)
        except FetchError:
            page = b""  # cut off or corrupt: the status is enough
        if service := bot_check(status, response.headers, page):
            return Failed(FailureKind.BOT_CHECK, bot_check_message(service, status), status, wait)
        return Failed(FailureKind.STATUS, status_text(status), status, wait)


def _broken_off(response: httpx.Response) -> CurlError | None:
    """Return how the document of *response* broke off, None if it did not."""
    error: CurlError | None = response.extensions.get("broken_off")
    return error


async def _raw_body(response: httpx.Response) -> bytes:
    """Return the body as received."""
    return b"".join([piece async for piece in response.aiter_raw()])


def _checked(url: str) -> tuple[str, str]:
    """Return *url* in its requested form, and its host; raise FetchError if it is invalid."""
    scheme, colon, _ = url.partition(":")
    if colon and scheme.lower() not in ("http", "https"):
        raise FetchError(FailureKind.BAD_URL, f"refused: {clip(scheme, 20)}: is not supported; use http or https")
    address = safe_link(url)
    if not address:
        wrong = "an address with a user name" if shown(url) != url and "@" in url else "not a usable address"
        raise FetchError(FailureKind.BAD_URL, f"{wrong}: {clip(shown(url), 100)}")
    address = address.partition("#")[0]
    name = host(address)
    _refuse_odd_spelling(name)
    return address, name


def _refuse_odd_spelling(name: str) -> None:
    """Refuse the old spellings of IPv4 addresses: 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""
    if not _NUMBERS.fullmatch(name):
        return
    try:
        canonical = socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return
    if canonical != name:
        raise RefusedAddressError(f"refused: {name} is an unusual spelling of the address {canonical}")


def _target(response: httpx.Response, url: str) -> tuple[str, str]:
    """Return the target of a redirect, and its host."""
    status, location = response.status_code, single(response, "Location")
    if not location:
        raise FetchError(FailureKind.REDIRECTS, f"{status} redirect without a Location header", status)
    try:
        # A backslash in a path is a slash to browsers.
        path, question_mark, query = location.partition("?")
        absolute = urljoin(url, path.replace("\\", "/") + question_mark + query)
    except ValueError as error:
        raise FetchError(FailureKind.REDIRECTS, f"{status} redirect to an invalid address", status) from error
    try:
        return _checked(absolute)
    except FetchError as error:
        kind = FailureKind.REDIRECTS if error.failed.kind is FailureKind.BAD_URL else error.failed.kind
        raise FetchError(kind, f"{status} redirect {error.failed.message}", status) from error
