"""Let browsers show feeds.

Browsers apply an XML style sheet only to `application/xml`; they download `application/rss+xml` or show it as raw text.
So a request that prefers HTML gets the same bytes with the other type. Feed readers get the registered types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SHOWN_AS = "application/xml; charset=utf-8"
_ENDINGS = (".rss", ".atom")
_MEDIA_TYPES = ("application/rss+xml", "application/atom+xml")


def is_browser_at_a_feed(path: str, accept: str | None) -> bool:
    """Return whether a request for *path* with that Accept header comes from a browser that opens a feed."""
    return is_readable_feed(path) and "text/html" in (accept or "")


def is_readable_feed(path: str) -> bool:
    """Return whether *path* leads to a feed with a style sheet."""
    return path.endswith(_ENDINGS)


def readable(environ: WSGIEnvironment, start_response: StartResponse) -> StartResponse:
    """Wrap *start_response* to send a feed with the type that browsers apply style sheets to."""
    if not is_browser_at_a_feed(environ.get("PATH_INFO", ""), environ.get("HTTP_ACCEPT")):
        return start_response

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
        shown = [
            (name, SHOWN_AS)
            if name.lower() == "content-type" and value.partition(";")[0] in _MEDIA_TYPES
            else (name, value)
            for name, value in headers
        ]
        return start_response(status, shown, *exc_info)

    return start
