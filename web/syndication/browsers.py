"""Let browsers show feeds: a thin WSGI layer around the site.

Browsers apply an XML style sheet only to documents that are served as `application/xml`; what is served as
`application/rss+xml` they download or print as raw text. So a request that prefers HTML gets the same bytes under the
other type. Feed readers keep getting the registered types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from web.syndication import atom, rss

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHOWN_AS = "application/xml; charset=utf-8"
_ENDINGS = (".rss", ".atom")
_MEDIA_TYPES = (rss.MEDIA_TYPE, atom.MEDIA_TYPE)


class ReadableFeeds:
    """WSGI: serves RSS and Atom as `application/xml` to browsers."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.endswith(_ENDINGS) or "text/html" not in environ.get("HTTP_ACCEPT", ""):
            return self._app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            shown = [
                (name, SHOWN_AS)
                if name.lower() == "content-type" and value.partition(";")[0] in _MEDIA_TYPES
                else (name, value)
                for name, value in headers
            ]
            return start_response(status, shown, *exc_info)

        return self._app(environ, start)
