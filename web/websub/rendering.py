"""Feeds as the hub delivers them: rendered by the site's own code, without a socket, once in each edition."""

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
"""Feeds that are kept rendered within an edition."""


@dataclass(frozen=True, slots=True)
class Document:
    """A feed in its present version."""

    body: bytes
    content_type: str
    link: str
    """Its Link header: the hub and itself."""
    digest: str
    """Digests of what counts as a change: see `syndication.material`."""


class FeedRenderer:
    """Makes feeds as the site would. Opens the database in the threads that use it, when they first do."""

    def __init__(self, db: Path, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @cached_property
    def _app(self) -> Flask:
        # Most sites have no subscriber yet, and their worker needs no site.
        return create_app(self._db, self._clock)

    def document(self, topic: str) -> Document | None:
        """Return a feed, or None when there is none at that address."""
        parts = urlsplit(topic)
        path, query = services(self._app).addresses.canonical(parts.path, parts.query)
        builder = EnvironBuilder(path, base_url=f"{parts.scheme}://{parts.netloc}/", query_string=query, method="GET")
        environ = builder.get_environ()
        hints = put_hints(environ, CacheHints(self._clock()))
        given: list[tuple[str, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
            given.append((status, dict(headers)))
            return lambda data: None

        # Behind the page cache: an answer from memory does not say what counts as a change of it.
        with closing(cast(ClosingIterator, Flask.wsgi_app(self._app, environ, start))) as pieces:
            body = b"".join(pieces)
        status, headers = given[-1]
        if not status.startswith("200") or hints.material is None:
            return None
        return Document(body, headers["Content-Type"], headers.get("Link", ""), hints.material)

    def close(self) -> None:
        """Close the database."""
        if "_app" in self.__dict__:
            close_app(self._app)


class Renderer(Protocol):
    """Makes feeds."""

    def document(self, topic: str) -> Document | None:
        """Return a feed, or None when there is none at that address."""

    def close(self) -> None:
        """Close what it has open."""


class Documents:
    """The feeds of the present edition, each rendered once."""

    def __init__(self, store: Store, renderer: Renderer) -> None:
        self._store = store
        self._renderer = renderer
        self._documents: OrderedDict[str, Document | None] = OrderedDict()
        self._edition = -1
        self._rendering = asyncio.Lock()

    async def document(self, topic: str) -> Document | None:
        """Return a feed as it is in this edition, or None when there is none at that address."""
        # One after the other: calls to many subscribers of one feed ask for it at the same moment.
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
        """Render every feed anew: the configuration changed."""
        self._edition = -1

    def close(self) -> None:
        """Close the renderer."""
        self._renderer.close()
