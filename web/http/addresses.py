"""Normalize the addresses of requests.

The path of `site.url` is removed if a proxy left it, so that the site works below a path whether its proxy strips it or
not. Parameters that a page does not read are dropped, because each variant would be another page in the cache. Views
declare their parameters with `query_parameters`; the default is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl, quote_plus

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

View = TypeVar("View", bound=Callable[..., object])

MAX_QUERY_STRING = 4_000
"""Bytes: 200 characters of Chinese are 1,800 bytes once they are escaped."""
DEEP_PAGE = 10
"""From this page on, reading a list takes longer than rendering it."""
LIST_PARAMETERS = ("sort", "window", "min_score", "min_sources", "category", "page")
_MEMORY = 4_096
_ATTRIBUTE = "_groundswell_query"


@dataclass(frozen=True, slots=True)
class _Query:
    names: tuple[str, ...] = ()
    every: bool = False
    costly: bool = False


def query_parameters(*names: str, every: bool = False, costly: bool = False) -> Callable[[View], View]:
    """Declare the query parameters that a view reads.

    every:  all parameters; then requests with other parameters are other pages
    costly: responses take so much work that such requests have separate threads
    """

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, _Query(names, every, costly))
        return view

    return mark


class SiteAddresses:
    """The addresses of an application.

    prefix: returns the path of site.url without a slash at its end, "" for none
    keeps_query: blueprints whose views read any parameter
    """

    def __init__(self, app: Flask, prefix: Callable[[], str], keeps_query: Iterable[str] = ()) -> None:
        self._app = app
        self._prefix = prefix
        self._keeps_query = tuple(keeps_query)
        # The meaning of an address does not change while the program runs.
        self._query_of = lru_cache(maxsize=_MEMORY)(self._match)
        self._cached = lru_cache(maxsize=_MEMORY)(self._read)

    def canonical(self, path: str, query: str) -> tuple[str, str]:
        """Return path (without that of site.url) and query (without parameters that the view does not read)."""
        prefix = self._prefix()
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            path = path[len(prefix) :] or "/"
        if not query or len(query) > MAX_QUERY_STRING:
            return path, query
        return path, self._cached(path, query)[0]

    def is_costly(self, path: str, query: str) -> bool:
        """Return whether a response takes a lot of work."""
        path, query = self.canonical(path, query)
        if self._query_of(path).costly:
            return True
        return bool(query) and len(query) <= MAX_QUERY_STRING and self._cached(path, query)[1]

    def _read(self, path: str, query: str) -> tuple[str, bool]:
        """Return the canonical query, and whether it requests a deep page."""
        wanted = self._query_of(path)
        values: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
            values.setdefault(name, value)
        page = values.get("page", "")
        is_deep = page.isascii() and page.isdigit() and int(page[:9]) >= DEEP_PAGE
        if wanted.every:
            return query, is_deep
        # An empty value is the same as a missing one for every view that declares its parameters.
        parameters = [(name, values[name]) for name in wanted.names if values.get(name)]
        return "&".join(f"{name}={quote_plus(value)}" for name, value in parameters), is_deep and bool(parameters)

    def _match(self, path: str) -> _Query:
        try:
            decoded = path.encode("latin-1").decode("utf-8", "replace")
            endpoint, _ = self._app.url_map.bind("").match(decoded, method="GET")
        except (HTTPException, RequestRedirect, UnicodeError):
            return _Query()
        named: _Query = getattr(self._app.view_functions[endpoint], _ATTRIBUTE, _Query())
        return replace(named, every=True) if endpoint.rpartition(".")[0] in self._keeps_query else named
