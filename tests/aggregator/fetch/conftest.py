"""Shared by the tests of fetching: a client that may connect to this machine, and a certificate authority."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.fetch import Access, Client, fetch
from aggregator.model import Failed, Limits, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>"
OWN = Access(frozenset({"127.0.0.1", "localhost"}), "127.0.0.1")
LIMITS = Limits(feed_bytes=100_000, fetch=timedelta(seconds=10))

Ask = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Fetch a URL with permission to connect to this machine."""
    async with Client(LIMITS) as client:

        async def fetched(url: str, access: Access = OWN, limits: Limits = LIMITS, **more: object) -> Outcome:
            return await fetch(client, url, limits=limits, now=NOON, access=access, **more)  # type: ignore[arg-type]

        yield fetched


def failed(outcome: Outcome) -> Failed:
    """Return *outcome*, which must be a failure with a printable message."""
    assert isinstance(outcome, Failed), outcome
    assert outcome.message.isprintable()
    return outcome


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a test authority, `ca.pem`, and its localhost certificate: `server.pem`, `server.key`."""
    folder = tmp_path_factory.mktemp("ca")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    ca = f"req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=Own"
    request = f"req {key} -keyout server.key -out s.csr -subj /CN=localhost"
    sign = "x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 10 -extfile names"
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for command in (ca, request, sign):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


def context_of(authority: Path, *protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context
