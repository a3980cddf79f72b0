"""What every answer carries and which requests are refused: RELIABILITY, section 5.

The outermost check is plain WSGI, so that it holds for redirects, errors and static files alike.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_BODY = 1_000_000
MAX_QUERY_STRING = 4_000
"""Bytes: 200 characters of Chinese are 1,800 bytes once they are escaped."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
CSP_DATA = "default-src 'none'; sandbox"
"""For what is no page: feeds, JSON."""

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
_HTTPS = ("Strict-Transport-Security", "max-age=31536000")


class Guarded:
    """WSGI: completes the headers of whatever the application answers, also when it breaks."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = (*HEADERS, _HTTPS) if environ.get("wsgi.url_scheme") == "https" else HEADERS

        def complete(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers = [*headers, *(header for header in wanted if header[0].lower() not in present)]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        try:
            return self._app(environ, complete)
        except Exception:
            # Flask answers for its views; this is for what breaks around them.
            request_id = new_request_id()
            log.exception("request %s failed: %r", request_id, environ.get("PATH_INFO", ""))
            complete("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"Something went wrong here; the log has the details under {request_id}.\n".encode()]


def new_request_id() -> str:
    """Return what a reader can quote and the log can be searched for."""
    return secrets.token_hex(4)


def trusted_hosts(site_url: str, extra: Iterable[str]) -> list[str]:
    """Return the names under which the site may be asked: loopback, its public address, and *extra*."""
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
    found = _HOST.fullmatch(host.lower())
    return found is not None and found[1] in {name.lower() for name in trusted}
