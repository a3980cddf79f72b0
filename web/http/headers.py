"""Security headers of every response, and refused requests.

The outermost layer is plain WSGI, so that it applies to redirects, errors and static files too.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aggregator.translatable import Translatable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_BODY = 1_000_000

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
CSP_DATA = "default-src 'none'; sandbox"
"""For JSON and plain text."""

CSP_FEED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "sandbox allow-same-origin allow-popups allow-top-navigation-by-user-activation"
)
"""For feeds: a browser needs script-src and the site's own origin to apply their style sheet; no script runs."""

HEADERS = (
    ("Content-Security-Policy", CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-cache"),
)
NO_STORE = "no-store"
COOKIE = "groundswell"
SECURE_COOKIE = "__Host-groundswell"
"""With HTTPS: no other host of the domain can set or overwrite it."""
SECURE_COOKIE_BELOW = "__Secure-groundswell"
"""With HTTPS below a path: browsers accept `__Host-` only for cookies of a whole host."""
_HTTPS = ("Strict-Transport-Security", "max-age=31536000")


Say = Callable[[Translatable, str], str]
"""Words a message for the path of a request, outside of Flask."""


class Guarded:
    """WSGI: adds headers to every response of the application, also when it fails."""

    def __init__(self, app: WSGIApplication, say: Say = lambda message, path: message) -> None:
        self._app = app
        self._say = say

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = (*HEADERS, _HTTPS) if environ.get("wsgi.url_scheme") == "https" else HEADERS

        def complete(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers = [*headers, *(header for header in wanted if header[0].lower() not in present)]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        try:
            return self._app(environ, complete)
        except Exception:
            # Flask handles errors in views; this handles errors around them.
            request_id = new_request_id()
            log.exception("request %s failed: %r", request_id, environ.get("PATH_INFO", ""))
            complete("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
            failed = Translatable("Something went wrong. The log has the details under %(number)s.", number=request_id)
            return [f"{self._say(failed, environ.get('PATH_INFO', ''))}\n".encode()]


def new_request_id() -> str:
    """Return an ID that readers can quote and the log can be searched for."""
    return secrets.token_hex(4)


def trusted_hosts(site_url: str, extra: Iterable[str]) -> list[str]:
    """Return the host names that the site answers to: loopback, its public address, and *extra*."""
    try:
        public = urlsplit(site_url).hostname or ""
    except ValueError:
        public = ""
    if ":" in public:
        public = f"[{public}]"
    return [*LOOPBACK, *([public] if public else []), *extra]


_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")


def is_trusted(host: str, trusted: Iterable[str]) -> bool:
    """Return whether a Host header is one of the *trusted* names; the port does not matter."""
    match = _HOST.fullmatch(host.lower())
    return match is not None and match[1] in {name.lower() for name in trusted}


def is_https(scheme: str, host: str, site_url: str) -> bool:
    """Return whether browsers use HTTPS, directly or through a proxy at the site's public address."""
    public = urlsplit(site_url)
    return scheme == "https" or (public.scheme == "https" and host.lower() == public.netloc.lower())


SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


def forged(headers: Mapping[str, str], own: Iterable[str], *, bearer: bool = False) -> str:
    """Return why a changing request does not come from a page of the site, "" if it does.

    own:    the site's origins, as `http://127.0.0.1:8000`
    bearer: the request has the token itself, which no browser sends by itself, so scripts need no origin

    Browsers send Sec-Fetch-Site to HTTPS and to loopback; elsewhere the Origin, or else the Referer, decides.
    """
    origins = {origin.lower() for origin in own}
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin" and not (bearer and site == "none"):
        return Translatable("Request refused. It was sent from another site.")
    origin = headers.get("Origin", "").lower()
    if origin and origin not in origins and not (origin == "null" and site == "same-origin"):
        return Translatable("Request refused. It was sent from another site.")
    if site is None and not origin and not bearer:
        referer = urlsplit(headers.get("Referer", ""))
        if f"{referer.scheme}://{referer.netloc}".lower() not in origins:
            return Translatable("Request refused. The browser did not say from which page it was sent.")
    return ""


def cookie_name(*, https: bool, prefix: str) -> str:
    """Return the name of the session cookie; *prefix* is the path of site.url, "" for none."""
    if not https:
        return COOKIE
    return SECURE_COOKIE_BELOW if prefix else SECURE_COOKIE


def cookie_of(environ: WSGIEnvironment, *, https: bool, prefix: str = "") -> str:
    """Return the value of the session cookie of a request, "" without one."""
    try:
        cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    except CookieError:
        return ""
    cookie = cookies.get(cookie_name(https=https, prefix=prefix))
    return cookie.value if cookie is not None else ""
