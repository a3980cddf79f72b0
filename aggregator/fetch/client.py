"""Ask a server for a feed, and bring back what it said as a value.

The only package that opens connections of its own accord. Knows HTTP as servers really speak it, deadlines, sizes
and redirects; `connect` holds the connections and refuses addresses, `decode` unpacks, `headers` and `faults` read
what was answered and what went wrong. Leaves when to ask to `schedule` and what came to `parse`.

Measured on clients as they come: their timeouts are per read, so a drip never ends; they inflate a gzip bomb in
one piece (+136 MB) and inside the event loop; they follow redirects to private addresses. Here one deadline
is around everything, the body is unpacked piece by piece up to its limit, and each hop and each resolved
address is checked before a connection is made.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urljoin

from aggregator.fetch.connections import Client, RefusedAddressError
from aggregator.fetch.decompress import ACCEPTED, decoder
from aggregator.fetch.errors import Fault, failure, size_words, status_words
from aggregator.fetch.headers import USER_AGENT, fresh_for, header, holds_for, retry_after, usable, user_agent
from aggregator.fetch.lazy_imports import httpx
from aggregator.model import Failed, FailureKind, Fetched, Limits, NotModified, Outcome, Validators
from aggregator.text.tokens import clip
from aggregator.text.urls import host, safe_link, shown

__all__ = [
    "USER_AGENT",
    "Answered",
    "Client",
    "RefusedAddressError",
    "call",
    "fetch",
    "fresh_for",
    "retry_after",
    "user_agent",
]

_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*")
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)


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
    sent = {"User-Agent": user_agent or USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": ACCEPTED}
    if validators.etag:
        sent["If-None-Match"] = validators.etag
    if validators.last_modified:
        sent["If-Modified-Since"] = validators.last_modified

    def ask(here: str, name: str) -> Awaitable[Outcome]:
        return _follow(client, here, name, sent, headers, limits, now)

    return await _in_turn(client, url, limits, ask)


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
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED, **dict(headers)}
    if content:
        sent["Content-Length"] = str(len(content))

    async def ask(here: str, name: str) -> Answered:
        response = await client.send(here, name, sent, method, content)
        try:
            body, _ = await _body(response, body_bytes)
            return Answered(response.status_code, body)
        finally:
            await response.aclose()

    return await _in_turn(client, url, limits, ask)


_T = TypeVar("_T")


async def _in_turn(client: Client, url: str, limits: Limits, ask: Callable[[str, str], Awaitable[_T]]) -> _T | Failed:
    """Return what *ask* brings, given *url* as it is asked for and its host; whatever goes wrong is a `Failed`.

    It waits for its turn, and has the time of `limits.fetch` from then on.
    """
    seconds = limits.fetch.total_seconds()
    try:
        here, name = _askable(url)
        async with client.turn(name), client.everyone, asyncio.timeout(seconds):
            return await ask(here, name)
    except TimeoutError:
        return Failed(FailureKind.TIMEOUT, f"timed out after {seconds:g} s")
    except Fault as fault:
        return fault.failed
    except Exception as error:
        # The libraries below raise far more than their documented errors (ExceptionGroup, LookupError, ...),
        # and a server must not be able to stop the polling of the others.
        return failure(error)


async def _follow(
    client: Client,
    here: str,
    name: str,
    sent: dict[str, str],
    own_headers: Iterable[tuple[str, str]],
    limits: Limits,
    now: datetime,
) -> Outcome:
    """Ask *here*, which is on the host *name*, and follow redirects by hand, each hop checked like the first."""
    home, own = name, {**sent, **dict(own_headers)}
    permanent, seen = True, {here}
    for _ in range(limits.redirects + 1):
        response = await client.send(here, name, own if name == home else sent)
        status = response.status_code
        try:
            if status not in _REDIRECTS:
                moved_to = here if permanent and len(seen) > 1 else ""
                return await _answer(response, here, moved_to, sent, limits, now)
            target, name = _target(response, here)
        finally:
            await response.aclose()
        permanent = permanent and status in _PERMANENT
        if target in seen:
            raise Fault(FailureKind.REDIRECTS, "redirects in a circle: too many redirects", status)
        seen.add(target)
        here = target
    raise Fault(FailureKind.REDIRECTS, f"too many redirects: more than {limits.redirects}")


def _askable(url: str) -> tuple[str, str]:
    """Return *url* as it is asked for, and its host; or raise what is wrong with it."""
    scheme, colon, _ = url.partition(":")
    if colon and scheme.lower() not in ("http", "https"):
        raise Fault(FailureKind.BAD_URL, f"refused: {clip(scheme, 20)}: is no scheme for feeds, only http and https")
    address = safe_link(url)
    if not address:
        wrong = "an address with a user name" if shown(url) != url and "@" in url else "not a usable address"
        raise Fault(FailureKind.BAD_URL, f"{wrong}: {clip(shown(url), 100)}")
    address = address.partition("#")[0]
    name = host(address)
    _refuse_odd_spelling(name)
    return address, name


def _refuse_odd_spelling(name: str) -> None:
    """Refuse the old spellings of IPv4 addresses: 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""
    if not _NUMBERS.fullmatch(name):
        return
    try:
        meant = socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return
    if meant != name:
        raise Fault(FailureKind.REFUSED_ADDRESS, f"refused: {name} is an odd spelling of the address {meant}")


def _target(response: httpx.Response, here: str) -> tuple[str, str]:
    """Return where a redirect leads, and the host there."""
    status, location = response.status_code, header(response, "Location")
    if not location:
        raise Fault(FailureKind.REDIRECTS, f"{status} redirect without an address", status)
    try:
        absolute = urljoin(here, location)
    except ValueError as error:
        raise Fault(FailureKind.REDIRECTS, f"{status} redirect to no usable address", status) from error
    try:
        return _askable(absolute)
    except Fault as fault:
        kind = FailureKind.REDIRECTS if fault.failed.kind is FailureKind.BAD_URL else fault.failed.kind
        raise Fault(kind, f"{status} redirect {fault.failed.words}", status) from fault


async def _answer(
    response: httpx.Response, url: str, moved_to: str, sent: dict[str, str], limits: Limits, now: datetime
) -> Outcome:
    """Return what an answer that is no redirect amounts to."""
    status = response.status_code
    if status == HTTPStatus.NOT_MODIFIED:
        if not ("If-None-Match" in sent or "If-Modified-Since" in sent):
            raise Fault(FailureKind.STATUS, "304 Not Modified to a request without a condition", status)
        return NotModified(moved_to=moved_to, fresh_for=holds_for(response, now))
    if status == HTTPStatus.GONE:
        raise Fault(FailureKind.GONE, "410 Gone", status)
    if status not in (200, 203):
        asked_for = retry_after(header(response, "Retry-After"), now)
        return Failed(FailureKind.STATUS, status_words(status), status, asked_for)
    body, wire_bytes = await _body(response, limits.feed_bytes)
    if not body:
        raise Fault(FailureKind.BAD_TRANSFER, f"{status} with an empty body", status)
    return Fetched(
        body=body,
        content_type=usable(response, "Content-Type", 200),
        url=url,
        validators=Validators(usable(response, "ETag", 1_000), usable(response, "Last-Modified", 100)),
        moved_to=moved_to,
        status=status,
        fresh_for=holds_for(response, now),
        wire_bytes=wire_bytes,
    )


async def _body(response: httpx.Response, limit: int) -> tuple[bytes, int]:
    """Return the decoded body and its size on the wire; never holds more than *limit* and one piece."""
    unpack = decoder(header(response, "Content-Encoding"), limit)
    pieces: list[bytes] = []
    size = wire = 0
    async for chunk in response.aiter_raw():
        wire += len(chunk)
        for piece in unpack.pieces(chunk) if unpack else (chunk,):
            size += len(piece)
            # What is packed may hold next to nothing, endlessly.
            if max(size, wire) > limit:
                raise Fault(FailureKind.TOO_LARGE, f"larger than {size_words(limit)}", response.status_code)
            pieces.append(piece)
    if unpack and wire and not unpack.ended:
        raise Fault(FailureKind.BAD_TRANSFER, f"the {unpack.name} data ends too early", response.status_code)
    return b"".join(pieces), wire
