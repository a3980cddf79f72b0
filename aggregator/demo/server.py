"""Serve the sample edition on loopback, as its sources would have shown it at the clock's time.

Knows HTTP: validators, 304, gzip, HEAD. Leaves what a feed says to `publish`. The time is whatever the clock
that is handed in says, in the `Date` header too, so that a demo may run faster than the day.
"""

import gzip
import logging
import socketserver
import sys
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aggregator.demo.edition import Edition
from aggregator.demo.publish import article_page, document, home_page
from aggregator.model import Clock

PICTURES = resources.files("aggregator.demo.sample").joinpath("pictures")
_HTML = "text/html; charset=utf-8"
# A client that keeps a connection open without asking holds a thread for no longer than this.
_IDLE_TIMEOUT_S = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    """What is at an address, before the client's conditions are looked at."""

    body: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK
    etag: str | None = None
    last_modified: datetime | None = None


class FeedServer:
    """The feeds and article pages of *edition* over HTTP, at the time *clock* says.

    `/feeds/<source_id>` is a feed, `/a/<article_id>` a page, `/pictures/<file>` a picture, `/` lists the sources;
    the rest, and any article that is not out yet, is 404. The port is taken when the server is made, so `base_url`
    contains before `start`.
    """

    def __init__(self, edition: Edition, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> None:
        self._http = _Server((host, port), _Handler)
        self.base_url = f"http://{host}:{self._http.server_address[1]}"
        self._http.site = _Site(edition, clock, self.base_url)
        self._thread = threading.Thread(target=self._http.serve_forever, name="demo feeds", daemon=True)

    def start(self) -> Self:
        """Begin to serve, in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port; a server that was never started may be stopped too."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Site:
    """What the edition shows at each address."""

    def __init__(self, edition: Edition, clock: Clock, base_url: str) -> None:
        self.clock = clock
        self._edition = edition
        self._base_url = base_url
        self._sources = {source.id: source for source in edition.sources}
        self._articles = {article.id: article for article in edition.published}
        self._pictures = {a.illustration.file for a in edition.published if a.illustration}
        self._by_source = edition.by_source()

    def answer(self, path: str, now: datetime) -> _Answer:
        """Return what is at *path* at *now*."""
        match path.split("/"):
            case ["", ""]:
                return _Answer(home_page(self._edition), _HTML)
            case ["", "feeds", source_id] if source_id in self._sources:
                feed = document(self._sources[source_id], self._by_source[source_id], now, self._base_url)
                return _Answer(feed.body, feed.content_type, etag=feed.etag, last_modified=feed.last_modified)
            case ["", "a", article_id] if article_id in self._articles:
                article = self._articles[article_id]
                if article.released_at <= now:
                    return _Answer(article_page(article, now), _HTML)
            case ["", "pictures", file] if file in self._pictures:
                return _Answer(PICTURES.joinpath(file).read_bytes(), "image/png")
        return _Answer(b"Not in the sample edition.\n", "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: _Site

    def server_bind(self) -> None:
        # HTTPServer asks the resolver for the host's full name here, which hangs on a machine without network.
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up early is no news; anything else is a fault of ours and keeps its traceback.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("demo feed server: request from %s failed", client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "GroundswellDemo"
    sys_version = ""
    timeout = _IDLE_TIMEOUT_S

    def do_GET(self) -> None:
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        self._respond(with_body=False)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server.site.clock().astimezone(UTC), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _respond(self, *, with_body: bool) -> None:
        answer = self.server.site.answer(urlsplit(self.path).path, self.server.site.clock())
        if _unchanged(answer, self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")):
            answer = replace(answer, status=HTTPStatus.NOT_MODIFIED, body=b"")
        gzipped = bool(answer.body) and _accepts_gzip(self.headers.get("Accept-Encoding", ""))
        body = gzip.compress(answer.body, mtime=0) if gzipped else answer.body
        self.send_response(answer.status)
        if answer.etag:
            self.send_header("ETag", answer.etag)
        if answer.last_modified:
            self.send_header("Last-Modified", format_datetime(answer.last_modified, usegmt=True))
        self.send_header("Vary", "Accept-Encoding")
        if answer.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
        if gzipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _unchanged(answer: _Answer, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Return whether the client already has this answer; an ETag counts before a date (RFC 9110, 13.2.2)."""
    if answer.etag is None or answer.last_modified is None:
        return False
    if if_none_match is not None:
        etags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in etags or answer.etag.removeprefix("W/") in etags
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except ValueError:
        return False
    return since.tzinfo is not None and answer.last_modified <= since


def _accepts_gzip(accept_encoding: str) -> bool:
    for offer in accept_encoding.lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
