"""The rules of WebSub (W3C Recommendation of 23 January 2018): requests, leases, signatures, back-off.

Pure, and shared by both sides of a subscription.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Network, ip_address
from urllib.parse import urlencode, urlsplit, urlunsplit

from aggregator.text.urls import host, registrable_domain, safe_link, shown

LEASE = timedelta(days=10)
"""The default."""
MIN_LEASE, MAX_LEASE = timedelta(minutes=5), timedelta(days=30)
MAX_SECRET = 199
"""Bytes; the recommendation requires less than 200."""
MAX_ADDRESS = 2_000
MAX_PENDING = 200
"""Limit of unconfirmed requests: each costs a call to another server."""
MAX_FAILURES = 8
"""Failures in a row after which a delivery is given up, until the next change."""
MAX_FAILURES_TO_END = 3 * MAX_FAILURES
"""Failures in a row after which the subscription ends."""
_FIRST_WAIT, _MAX_WAIT = timedelta(minutes=1), timedelta(hours=6)
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?")
_METHODS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


class RefusedError(Exception):
    """A hub refuses a request; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to subscribe to a topic, or to unsubscribe."""

    mode: str
    """subscribe or unsubscribe."""
    topic: str
    callback: str
    secret: str = ""
    lease: timedelta = LEASE

    @property
    def group(self) -> str:
        """The group of its callback, for the limits of the hub."""
        return callback_group(self.callback)


def callback_group(url: str) -> str:
    """Return the group of hosts with one owner: the registrable domain, an IPv4 address, or the /64 of an IPv6 one.

    All other spellings of addresses (127.1, 0x7f000001) are one group, which is never called.
    """
    name = host(url)
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return "numbers" if _NUMBERS.fullmatch(name) else registrable_domain(name)
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))


def read_request(form: Mapping[str, str]) -> Request:
    """Return the request in a form, with its lease limited; RefusedError with a message for an invalid one."""
    mode = form.get("hub.mode", "")
    if mode not in ("subscribe", "unsubscribe"):
        raise RefusedError("hub.mode must be subscribe or unsubscribe")
    topic, callback = form.get("hub.topic", ""), form.get("hub.callback", "")
    for name, url in (("hub.topic", topic), ("hub.callback", callback)):
        if not url or len(url) > MAX_ADDRESS or not safe_link(url) or shown(url) != url:
            raise RefusedError(
                f"{name} must be an http(s) address of up to {MAX_ADDRESS:,} characters, without a user name"
            )
    secret = form.get("hub.secret", "")
    if len(secret.encode()) > MAX_SECRET:
        raise RefusedError(f"hub.secret must have at most {MAX_SECRET} bytes")
    return Request(mode, topic, callback, secret, _lease(form.get("hub.lease_seconds", "")))


def _lease(seconds: str) -> timedelta:
    if not seconds:
        return LEASE
    if not (seconds.isascii() and seconds.isdigit()):
        raise RefusedError("hub.lease_seconds must be a whole number")
    return min(max(timedelta(seconds=int(seconds[:9])), MIN_LEASE), MAX_LEASE)


def verification(request: Request, challenge: str) -> str:
    """Return the URL that verifies the intent of a request at its callback."""
    params = {"hub.mode": request.mode, "hub.topic": request.topic, "hub.challenge": challenge}
    if request.mode == "subscribe":
        params["hub.lease_seconds"] = str(int(request.lease.total_seconds()))
    return _with(request.callback, params)


def denial(callback: str, topic: str, reason: str) -> str:
    """Return the URL that notifies a callback of a refused subscription."""
    return _with(callback, {"hub.mode": "denied", "hub.topic": topic, "hub.reason": reason})


def _with(url: str, params: Mapping[str, str]) -> str:
    """Return *url* with additional parameters."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(params)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def signature(secret: str, body: bytes, method: str = "sha256") -> str:
    """Return the value of X-Hub-Signature for *body* and *secret*."""
    return f"{method}={hmac.new(secret.encode(), body, _METHODS[method]).hexdigest()}"


def is_signed(header: str, secret: str, body: bytes) -> bool:
    """Return whether *header* is a signature of *body* with *secret*, by any method of the recommendation."""
    method, _, _ = header.partition("=")
    return method in _METHODS and hmac.compare_digest(header.encode(), signature(secret, body, method).encode())


def wait(failures: int) -> timedelta:
    """Return the wait after so many failures in a row (1 or more): a minute, doubled each time, at most 6 h."""
    waited: timedelta = _FIRST_WAIT * 2 ** min(failures - 1, 20)
    return min(waited, _MAX_WAIT)
