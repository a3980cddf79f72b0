"""Render feeds for the hub with the site's own code, without a socket, once per edition."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import ClosingIterator

from aggregator.model import Clock
from aggregator.store import Store
from web.app import close_app, create_app
from web.http.hints import CacheHints, put_hints
from web.request.services import services

MAX_DOCUMENTS = 8
"""Rendered feeds that are cached within an edition."""


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered feed."""

    body: bytes
    content_type: str
    link: str
    """Its Link header: the hub and itself."""
    digest: str
    """Digests of the content that counts as a change: see `syndication.material`."""


class FeedRenderer:
    """Renders feeds like the site. Opens the database at the first use in each thread."""

    def __init__(self, db: Path, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @cached_property
    def _app(self) -> Flask:
        # Most sites have no subscriber yet, and their worker needs no site.
        return create_app(self._db, self._clock)

    def document(self, topic: str) -> Document | None:
        """Return the feed at an address, or None."""
        parts = urlsplit(topic)
        path, query = services(self._app).addresses.canonical(parts.path, parts.query)
        builder = EnvironBuilder(path, base_url=f"{parts.scheme}://{parts.netloc}/", query_string=query, method="GET")
        environ = builder.get_environ()
        hints = put_hints(environ, CacheHints(self._clock()))
        responses: list[tuple[str, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
            responses.append((status, dict(headers)))
            return lambda data: None

        # Without the page cache, whose responses lack the digests of changes.
        with closing(cast(ClosingIterator, Flask.wsgi_app(self._app, environ, start))) as pieces:
            body = b"".join(pieces)
        status, headers = responses[-1]
        if not status.startswith("200") or hints.material is None:
            return None
        return Document(body, headers["Content-Type"], headers.get("Link", ""), hints.material)

    def close(self) -> None:
        """Close the database."""
        if "_app" in self.__dict__:
            close_app(self._app)


class Renderer(Protocol):
    """Renders feeds."""

    def document(self, topic: str) -> Document | None:
        """Return the feed at an address, or None."""

    def close(self) -> None:
        """Close its resources."""


class Documents:
    """The feeds of the current edition, each rendered once."""

    def __init__(self, store: Store, renderer: Renderer) -> None:
        self._store = store
        self._renderer = renderer
        self._documents: OrderedDict[str, Document | None] = OrderedDict()
        self._edition = -1
        self._rendering = asyncio.Lock()

    async def document(self, topic: str) -> Document | None:
        """Return the feed at an address in this edition, or None."""
        # Sequentially, because calls to many subscribers of one feed need it at the same time.
        async with self._rendering:
            edition = self._store.state.edition()
            if edition != self._edition:
                self._documents.clear()
                self._edition = edition
            if topic not in self._documents:
                self._documents[topic] = await asyncio.to_thread(self._renderer.document, topic)
                while len(self._documents) > MAX_DOCUMENTS:
                    self._documents.popitem(last=False)
            return self._documents[topic]

    def forget(self) -> None:
        """Discard all rendered feeds, because the configuration changed."""
        self._edition = -1

    def close(self) -> None:
        """Close the renderer."""
        self._renderer.close()
