"""A real feed server on 127.0.0.1, in its own thread, that can behave or misbehave.

    with FeedServer() as server:
        url = server.publish("/news.xml", RSS, etag='"v1"')
        ...
        assert server.requests[-1].headers["If-None-Match"] == '"v1"'

`publish` serves a document with conditional GET; `answer` gives any status, headers and body; `script` writes raw
bytes, for what no correct server sends.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

RSS_TYPE = "application/rss+xml; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A received request."""

    path: str
    headers: Message


@dataclass
class Answer:
    """The response for one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    last_modified: str = ""
    raw: Callable[[Wire], None] | None = None


class Wire:
    """The connection of a request, for responses that no library would write."""

    def __init__(self, handler: BaseHTTPRequestHandler, stopped: threading.Event) -> None:
        self._handler = handler
        self._stopped = stopped

    def send(self, data: bytes) -> None:
        """Write *data* unchanged."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def hold(self) -> None:
        """Stay silent until the server stops."""
        self._stopped.wait()


class _Server(ThreadingHTTPServer):
    # Five by default: with sixty polls at once, the system drops the others, and they time out.
    request_queue_size = 256


class FeedServer:
    """Serves the given responses and records the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, Answer] = {}
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port chosen by the system."""
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        """Return the address of *path*."""
        return f"http://127.0.0.1:{self.port}{path}"

    def publish(
        self,
        path: str,
        document: bytes | str,
        *,
        etag: str = "",
        last_modified: str = "",
        content_type: str = RSS_TYPE,
        compressed: bool = False,
    ) -> str:
        """Serve *document* on *path*, with 304 if its validators are sent back; return its URL."""
        body = document.encode() if isinstance(document, str) else document
        headers = {"Content-Type": content_type}
        if compressed:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        self._answers[path] = Answer(body, 200, headers, etag, last_modified)
        return self.url(path)

    def answer(self, path: str, status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> str:
        """Answer *status* on *path*; return its URL."""
        content = body.encode() if isinstance(body, str) else body
        self._answers[path] = Answer(content, status, dict(headers or {}))
        return self.url(path)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Redirect from *path*; return its URL."""
        return self.answer(path, status, headers={"Location": to})

    def script(self, path: str, play: Callable[[Wire], None]) -> str:
        """Let *play* write the response on *path*, including the status line; return its URL."""
        self._answers[path] = Answer(raw=play)
        return self.url(path)

    def request_count(self, path: str) -> int:
        """Return the number of requests for *path*."""
        return sum(request.path == path for request in self.requests)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append(Request(self.path, self.headers))
                plain = self.path.partition("?")[0]
                answer = outer._answers.get(self.path) or outer._answers.get(plain, Answer(status=404))
                if answer.raw is not None:
                    self.close_connection = True
                    answer.raw(Wire(self, outer._stopped))
                    return
                self._answer(answer)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def _answer(self, answer: Answer) -> None:
                validators = {"ETag": answer.etag, "Last-Modified": answer.last_modified}
                unchanged = (answer.etag and self.headers.get("If-None-Match") == answer.etag) or (
                    answer.last_modified and self.headers.get("If-Modified-Since") == answer.last_modified
                )
                self.send_response(304 if unchanged else answer.status)
                for name, value in (answer.headers | {k: v for k, v in validators.items() if v}).items():
                    self.send_header(name, value)
                if not unchanged:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if not unchanged:
                    self.wfile.write(answer.body)

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # the client closed the connection

            def log_message(self, format: str, *arguments: object) -> None:
                """Keep the test output clean."""

        return Handler
