"""Read response headers, and make the User-Agent.

Knows how long a response stays fresh, how long a server wants no requests, and which header values can be stored. Uses
the standard library: werkzeug.http reads the same headers, but importing it slows each start of the worker by 50 ms or
more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from aggregator.fetch.lazy_imports import httpx
from aggregator.text.ip_addresses import is_public
from aggregator.text.urls import host

_PRODUCT = "Groundswell/0.2"
USER_AGENT = f"{_PRODUCT} (self-hosted news site; polls feeds conditionally)"
"""The User-Agent of a site without a public address; see `user_agent`."""

_MAX_RETRY_AFTER = timedelta(hours=24)


def user_agent(site_url: str) -> str:
    """Return the User-Agent: the program, and *site_url* if it is public."""
    name = host(site_url)
    if "." not in name or name.endswith((".local", ".lan", ".internal", ".home.arpa", ".localhost")):
        return USER_AGENT
    if name.replace(".", "").isdigit() and not is_public(name):
        return USER_AGENT
    return f"{_PRODUCT} (+{site_url}; self-hosted news site; polls feeds conditionally)"


def header(response: httpx.Response, name: str) -> str:
    """Return a header's value, trimmed; several of one name are one list (RFC 9110, section 5.3), none is ""."""
    value: str = response.headers.get(name, "")
    return value.strip()


def usable(response: httpx.Response, name: str, limit: int) -> str:
    """Return a header value that can be stored and sent back: printable ASCII, else ""."""
    value = header(response, name)
    return value if len(value) <= limit and value.isascii() and value.isprintable() else ""


def holds_for(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return `fresh_for` of a response."""
    control, expires = header(response, "Cache-Control"), header(response, "Expires")
    return fresh_for(control, expires, now) if control or expires else None


def fresh_for(cache_control: str, expires: str, now: datetime) -> timedelta | None:
    """Return how long a response is fresh, at most 24 h; None if the server does not say.

    `max-age` precedes `Expires`; `no-cache`, `no-store` and dates in the past mean nothing here.
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
    # "0", "-1" and unreadable dates mean that it has already expired.
    return timedelta() if expires.strip().isdigit() else retry_after(expires, now) or timedelta()


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Return the wait that a server requests, at most 24 h; None if its value makes no sense.

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
