"""Feeds on several addresses of this machine, so that each is a separate host for polling."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Feeds:
    """Serves `documents` by path, and records which were requested by two clients at once."""

    def __init__(self, hosts: int, answer_after_s: float) -> None:
        self.documents: dict[str, bytes] = {}
        self.overlaps: list[str] = []
        self.polls = 0
        self._answer_after_s = answer_after_s
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.hosts = [f"127.0.0.{number + 1}" for number in range(hosts)]
        first = ThreadingHTTPServer((self.hosts[0], 0), self._handler())
        self._port = first.server_address[1]
        others = [ThreadingHTTPServer((host, self._port), self._handler()) for host in self.hosts[1:]]
        self.servers = [first, *others]

    def url(self, number: int) -> str:
        """Return the address of feed *number*; its path is `/feedNUMBER`."""
        return f"http://{self.hosts[number % len(self.hosts)]}:{self._port}/feed{number}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with outer._lock:
                    outer.polls += 1
                    outer._under_way[self.path] += 1
                    if outer._under_way[self.path] > 1:
                        outer.overlaps.append(self.path)
                time.sleep(outer._answer_after_s)
                body = outer.documents.get(self.path, b"")
                with outer._lock:
                    outer._under_way[self.path] -= 1
                # The poller may have been killed meanwhile.
                with suppress(ConnectionError):
                    self.send_response(200 if body else 404)
                    self.send_header("Content-Type", "application/rss+xml")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@contextmanager
def served(hosts: int, answer_after_s: float = 0.0) -> Iterator[Feeds]:
    """Serve on that many addresses of 127.0.0.0/8 and one free port, each response after a delay."""
    feeds = Feeds(hosts, answer_after_s)
    for server in feeds.servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield feeds
    finally:
        for server in feeds.servers:
            server.shutdown()
            server.server_close()
