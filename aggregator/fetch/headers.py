"""Read response headers, and make the User-Agent.

Knows how long a response stays fresh, how long a server wants no requests, and which header values can be stored. Uses
the standard library: werkzeug.http reads the same headers, but importing it slows each start of the worker by 50 ms or
more.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from aggregator.fetch.lazy_imports import httpx
from aggregator.model import Validators
from aggregator.text.ip_addresses import is_public
from aggregator.text.urls import host

_PRODUCT = "Groundswell/0.2"
USER_AGENT = f"{_PRODUCT} (self-hosted news site; polls feeds conditionally)"
"""The User-Agent of a site without a public address; see `user_agent`."""

_MAX_RETRY_AFTER = timedelta(hours=24)
_SECONDS = re.compile(r"(\d{1,11}(?:\.\d{0,9})?) ?(?:s|secs?|seconds?)?", re.ASCII | re.IGNORECASE)
_SINCE_1970 = timedelta(days=20 * 365)
"""More seconds than these are a moment, not a wait."""
_RATE_RESETS = ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")
_RATE_REMAINS = ("RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining")
_FIRST_FEEDS = datetime(1995, 1, 1, tzinfo=UTC)
_MAX_AHEAD = timedelta(days=1)
_CODED_ETAG = re.compile(r'(?:--?|;|:)(?:gzip|br|deflate|zstd|df)"\Z')


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


def single(response: httpx.Response, name: str) -> str:
    """Return the value of a header that is no list, trimmed; the first one if a server and its proxy both set it."""
    wanted = name.lower().encode()
    for key, value in response.headers.raw:
        if key.lower() == wanted:
            # Each by itself: httpx reads all as Latin-1 if one of them is.
            try:
                return str(value.decode()).strip()
            except UnicodeDecodeError:
                return str(value.decode("latin-1")).strip()
    return ""


def usable(response: httpx.Response, name: str, limit: int) -> str:
    """Return a header value that can be stored and sent back: printable ASCII, else ""."""
    value = single(response, name)
    return value if len(value) <= limit and value.isascii() and value.isprintable() else ""


def validators(response: httpx.Response, now: datetime) -> Validators:
    """Return what to ask the server with next time.

    Not a Last-Modified that says nothing of the document. A date in the future (a post that is scheduled for 2041) and
    one before there were feeds (files dated 1970 or 1980 by their packager) stay the same when the document changes,
    and the server would answer 304 for ever.
    """
    modified = usable(response, "Last-Modified", 100)
    moment = _moment(modified) if modified else None
    if moment and not _FIRST_FEEDS <= moment <= max(now, _server_time(response, now)) + _MAX_AHEAD:
        modified = ""
    return Validators(usable(response, "ETag", 1_000), modified)


def if_none_match(etag: str) -> str:
    """Return the `If-None-Match` for a stored *etag*.

    Servers that compress append the coding to the ETag, and then do not recognise it: `"x-gzip"` (Apache), `"x--gzip"`
    (Jetty). So the one without it is sent too; both name the same content.
    """
    plain = _CODED_ETAG.sub('"', etag)
    return etag if plain == etag else f"{etag}, {plain}"


def holds_for(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return `fresh_for` of a response, less its age in a shared cache."""
    control, expires = header(response, "Cache-Control"), single(response, "Expires")
    if not (control or expires):
        return None
    fresh = fresh_for(control, expires, _server_time(response, now) if expires else now)
    age = single(response, "Age")
    if fresh and age.isascii() and age.isdigit() and len(age) <= 9:
        return max(fresh - timedelta(seconds=int(age)), timedelta())
    return fresh


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
    moment = _moment(expires)
    return min(max(moment - now, timedelta()), _MAX_RETRY_AFTER) if moment else timedelta()


def requested_wait(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return for how long a server that refused a request wants none, at most 24 h; None if it does not say.

    By Retry-After, else by when its rate limit is reset: Reddit and GitHub say only that.
    """
    stated = single(response, "Retry-After")
    if not stated and (response.status_code == HTTPStatus.TOO_MANY_REQUESTS or _nothing_remains(response)):
        stated = next(filter(None, (single(response, name) for name in _RATE_RESETS)), "")
    return retry_after(stated, _server_time(response, now))


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Return the wait that a server requests, at most 24 h; None if its value makes no sense.

    In seconds, as the seconds since 1970, or as a date. A date in the past and a negative or absurd number make none.
    """
    value = value.strip().strip('"').strip()
    if number := _SECONDS.fullmatch(value):
        wait = timedelta(seconds=math.ceil(float(number[1])))
        if wait > _SINCE_1970:
            wait = datetime.fromtimestamp(0, UTC) + wait - now
    elif moment := _moment(value):
        wait = moment - now
    else:
        return None
    return min(wait, _MAX_RETRY_AFTER) if wait > timedelta() or value == "0" else None


def _nothing_remains(response: httpx.Response) -> bool:
    return any(re.fullmatch(r"0+(?:\.0*)?", single(response, name)) for name in _RATE_REMAINS)


def _server_time(response: httpx.Response, now: datetime) -> datetime:
    """Return the time by the server's clock, to which its dates refer."""
    return _moment(single(response, "Date")) or now


def _moment(value: str) -> datetime | None:
    """Return an HTTP date, or one in ISO 8601; None if it is neither."""
    if not value or len(value) > 100:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
