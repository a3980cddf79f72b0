"""The real server in a separate process."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.errors import GroundswellError
from aggregator.store import Store
from aggregator.text.ip_addresses import is_loopback
from tests.web.newsroom import Newsroom, clock, sample_config
from web.auth.credentials import token_file
from web.server import Address, check_port

SERVE = """
import sys
from pathlib import Path
from tests.web.newsroom import clock
from web.server import serve
serve(Path(sys.argv[1]), clock, "127.0.0.1", int(sys.argv[2]))
"""
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    db = tmp_path / "news.db"
    with Store.open(db) as store:
        room = Newsroom(store, sample_config())
        room.story("Served by the real thing", ["techcrunch_ai"])
        room.story("亚马逊与OpenAI达成协议", ["seedbed"])
        room.rank()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(db), str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    deadline = time.monotonic() + 20
    while True:
        try:
            fetch(port, "/healthz")
            break
        except OSError:
            assert process.poll() is None, process.stdout.read() if process.stdout else b""
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield process, port, db
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def test_it_serves_counts_and_stops_within_five_seconds(server: tuple[subprocess.Popen[bytes], int, Path]) -> None:
    process, port, db = server
    status, headers, body = fetch(port, "/")
    assert status == 200
    assert b"Served by the real thing" in body
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert fetch(port, "/", **{"If-None-Match": headers["etag"]})[0] == 304
    assert fetch(port, "/", Host="evil.example")[0] == 400
    assert fetch(port, "/nothing")[0] == 404
    assert fetch(port, "/about", "POST")[0] == 405
    # The second time from the page cache: a reader and a browser get the same bytes with different types.
    for _ in range(2):
        _, of_reader, feed = fetch(port, "/newest.rss")
        _, of_browser, shown = fetch(port, "/newest.rss", Accept="text/html,*/*")
        assert of_reader["content-type"].startswith("application/rss+xml")
        assert of_browser["content-type"].startswith("application/xml")
        assert feed == shown
        assert of_reader["vary"] == of_browser["vary"] == "Accept-Encoding, Accept"
    head = fetch(port, "/", "HEAD")
    assert (head[0], head[2], head[1]["content-length"]) == (200, b"", headers["content-length"])
    assert fetch(port, "/story/1/served-by-the-real-thing", **{"User-Agent": "Mozilla/5.0 Firefox/140.0"})[0] == 200
    moved = fetch(port, "/story/2/")
    assert moved[0] == 301
    assert fetch(port, moved[1]["location"])[0] == 200, "an address of any script arrives as it was written"
    lingering = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    lingering.request("GET", "/")
    lingering.getresponse().read()

    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=8)
    lingering.close()

    assert time.monotonic() - started < 5
    assert code == 0
    assert process.stdout is not None
    assert process.stdout.read() == f"The operator's token, for /admin, is in {token_file(db)}\n".encode()
    with Store.open(db) as store:
        assert store.feedback.views(1) == 1, "what was counted is written at the end"


def test_bodies_that_do_not_come_keep_no_reader_waiting(server: tuple[subprocess.Popen[bytes], int, Path]) -> None:
    _, port, _ = server
    slow = []
    for number in range(150):
        connection = socket.create_connection(("127.0.0.1", port))
        path = ("/hub", "/admin/sign-in", "/websub/x")[number % 3]
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9000\r\n\r\n"
        connection.sendall(f"{head}hub.mode=".encode())
        slow.append(connection)
    started = time.monotonic()
    for path in ("/", "/newest", "/story/1/served-by-the-real-thing", "/?" + "x" * 3000):
        assert fetch(port, path)[0] == 200
    assert fetch(port, "/healthz")[0] in (200, 503)
    assert fetch(port, "/hub", "POST")[0] == 400
    assert time.monotonic() - started < 5
    for connection in slow:
        connection.close()


@pytest.mark.parametrize(
    ("framing", "body", "ends", "is_complete"),
    [
        ("Content-Length: 8", "hub.mode", False, True),
        ("Content-Length: 9", "hub.mode", True, False),
        ("Transfer-Encoding: chunked", "8\r\nhub.mode\r\n0\r\n\r\n", False, True),
        ("Transfer-Encoding: chunked", "8\r\nhub.mode\r\n", True, False),
        ("Transfer-Encoding: chunked", "8\r\nhub.mode\r\nzz\r\n", False, False),
    ],
)
def test_a_body_that_breaks_off_is_not_used(
    server: tuple[subprocess.Popen[bytes], int, Path], framing: str, body: str, ends: bool, is_complete: bool
) -> None:
    _, port, _ = server
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"POST /hub HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{framing}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode())
        if ends:
            connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    # The server may close a connection that ended early before it answers.
    if answer or not ends:
        message = "hub.mode must be subscribe or unsubscribe." if is_complete else "Bad request"
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.decode().endswith(f"\r\n\r\n{message}\n")


def test_a_port_in_use_is_one_sentence_before_anything_starts() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(GroundswellError, match=rf"port {port}: address already in use; .* --port") as refused:
            check_port(Address("127.0.0.1", port), {})
    assert "\n" not in str(refused.value)


def test_others_reach_the_site_only_once_a_token_is_set() -> None:
    with pytest.raises(GroundswellError, match="GROUNDSWELL_ADMIN_TOKEN"):
        check_port(Address("0.0.0.0", free_port()), {})
    check_port(Address("0.0.0.0", free_port()), {"GROUNDSWELL_ADMIN_TOKEN": "x" * 40})
    with pytest.raises(GroundswellError, match="cannot serve on"):
        check_port(Address("no.such.host.invalid", 1), {"GROUNDSWELL_ADMIN_TOKEN": "x" * 40})
    assert is_loopback("127.8.8.8")
    assert is_loopback("::1")
    assert not is_loopback("192.0.2.1")


def test_an_address_is_shown_as_a_browser_takes_it() -> None:
    assert Address("::", 80).url == "http://[::1]:80"
    assert Address("0.0.0.0", 8000).url == "http://127.0.0.1:8000"
    assert clock().tzinfo is not None
