"""Services on 127.0.0.1 that receive messages: an HTTP server that records requests, and a mail server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Received:
    """A received request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpService:
    """An HTTP server that answers every POST with the next of *answers*, or 200."""

    port: int
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None


@contextmanager
def http_service() -> Iterator[HttpService]:
    """Serve on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.received.append(Received(self.path, dict(self.headers), body))
            service.before_answer()
            status, headers = service.answers.pop(0) if service.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_PUT = do_POST

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = HttpService(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailService:
    """A mail server that stores what it receives."""

    port: int
    received: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


@contextmanager
def mail_service() -> Iterator[MailService]:
    """Serve SMTP on a free port of 127.0.0.1."""

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            if service.answers:
                return service.answers.pop(0)
            content = message_from_bytes(envelope.content, policy=policy.default)
            service.received.append(content)
            service.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            return "250 OK"

    service = MailService(0)
    controller = Controller(Handler(), hostname="127.0.0.1", port=_free_port())
    controller.start()
    service.port = controller.port
    try:
        yield service
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
