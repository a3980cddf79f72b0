"""Whether the site still serves readers when everything that visitors can make it wait for happens at once.

    python -m bench.siege [--seconds 30] [--readers 50] [--db FILE]

Starts `groundswell run` on a database of three weeks (or a copy of the given one) and, all at once: 64 requests whose
bodies never end, 64 pictures on a server that does not respond, 300 searches a minute by 10 clients, 500 requests to
the hub with callbacks that do not respond, and 50 page views a second, sent on schedule. Required: no public page
returns 5xx, /healthz responds within a second, and 99 of 100 front pages arrive within half a second.

Pictures and visitors' callbacks are never fetched from private addresses, so the slow server needs a public one: the
benchmark re-runs itself in a network namespace where 93.184.216.34 is the loopback device (Linux, root). Elsewhere it
says so, and pictures and callbacks are refused immediately instead of timing out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aggregator.store import Store
from bench._kill_training import DAY, DAYS, NAMES, site
from bench.web import free_port, percentile

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE_VARIABLE = "GROUNDSWELL_SIEGE"
PUBLIC = "93.184.216.34"
BODIES = PICTURES = 64
SEARCHERS, SEARCHES_A_MINUTE = 10, 300
HUB_REQUESTS = 500
MAX_FRONT_MS = 500.0
MAX_HEALTH_MS = 1000.0
PAGES = ["/", "/newest", "/trending", "/category/news", "/trending.rss", "/sources"]


@dataclass
class Measured:
    """Responses by kind of request, and how long they took."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    waits: dict[str, list[float]] = field(default_factory=dict)

    def add(self, kind: str, status: int, wait_s: float) -> None:
        """Record a response; status 0 means none."""
        self.statuses.setdefault(kind, Counter())[status] += 1
        self.waits.setdefault(kind, []).append(wait_s)


async def ask(port: int, method: str, path: str, body: str = "", wait_s: float = 60.0) -> int:
    """Send a request and read its whole response; return its status, or 0 if none arrived within *wait_s*."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    writer = None
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            answer = await reader.read(-1)
            return int(answer[9:12] or b"0")
    except (OSError, TimeoutError, ValueError):
        return 0
    finally:
        if writer is not None:
            writer.close()


class Siege:
    """All clients that make requests to the site at *port* until *until* (event loop time)."""

    def __init__(self, port: int, until: float, pictures: list[int], callbacks: str, measured: Measured) -> None:
        self._port, self._until = port, until
        self._pictures, self._callbacks = pictures, callbacks
        self._measured = measured
        self._rng = random.Random(1)

    def clients(self, readers: int) -> list[Coroutine[Any, Any, None]]:
        """Return the clients, to be run concurrently."""
        return [
            *(self._slow_body() for _ in range(BODIES)),
            *(self._picture(entry_id) for entry_id in self._pictures),
            *(self._search(number) for number in range(SEARCHERS)),
            *(self._hub(number) for number in range(HUB_REQUESTS)),
            self._read(readers),
            self._health(),
        ]

    def _is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self._until

    async def _timed(self, kind: str, method: str, path: str, body: str = "") -> int:
        began = time.monotonic()
        status = await ask(self._port, method, path, body)
        self._measured.add(kind, status, time.monotonic() - began)
        return status

    async def _slow_body(self) -> None:
        while not self._is_over():
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                head = f"POST /hub HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Length: 90000\r\n"
                writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nhub.mode=".encode())
                with suppress(OSError):
                    while not self._is_over() and not writer.is_closing():
                        writer.write(b"x")
                        await writer.drain()
                        await asyncio.sleep(1)
                writer.close()
            await asyncio.sleep(0.5)

    async def _picture(self, entry_id: int) -> None:
        while not self._is_over():
            await self._timed("picture", "GET", f"/picture/{entry_id}")
            await asyncio.sleep(1)

    async def _search(self, number: int) -> None:
        await asyncio.sleep(self._rng.random() * SEARCHERS * 60 / SEARCHES_A_MINUTE)
        count = 0
        while not self._is_over():
            count += 1
            terms = [self._rng.choice(NAMES), f"-{self._rng.choice(NAMES)}", f"-x{number}x{count}"]
            await self._timed("search", "GET", f"/search?{urlencode({'q': ' '.join(terms)})}")
            await asyncio.sleep(SEARCHERS * 60 / SEARCHES_A_MINUTE)

    async def _hub(self, number: int) -> None:
        await asyncio.sleep(self._rng.random() * 5)
        form = {
            "hub.mode": "subscribe",
            "hub.topic": f"http://127.0.0.1:{self._port}/trending.rss",
            "hub.callback": f"{self._callbacks}/silent/{number}",
        }
        await self._timed("hub", "POST", "/hub", urlencode(form))

    async def _read(self, readers: int) -> None:
        clock = asyncio.get_running_loop().time
        began, number = clock(), 0
        async with asyncio.TaskGroup() as group:
            while not self._is_over():
                due = began + number / readers
                await asyncio.sleep(max(0.0, due - clock()))
                path = PAGES[number % len(PAGES)]
                group.create_task(self._view("front page" if path == "/" else "other page", path))
                number += 1

    async def _view(self, kind: str, path: str) -> None:
        await self._timed(kind, "GET", path)

    async def _health(self) -> None:
        while not self._is_over():
            await self._timed("/healthz", "GET", "/healthz")
            await asyncio.sleep(0.5)


async def besiege(port: int, slow_port: int, host: str, seconds: float, readers: int, pictures: list[int]) -> Measured:
    """Run all clients for that many seconds; return the measurements."""
    measured = Measured()
    until = asyncio.get_running_loop().time() + seconds
    siege = Siege(port, until, pictures, f"http://{host}:{slow_port}", measured)
    tasks = [asyncio.create_task(visitor) for visitor in siege.clients(readers)]
    _, late = await asyncio.wait(tasks, timeout=seconds + 30)
    for task in late:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    return measured


def feed(host: str, port: int) -> bytes:
    """Return a document whose pictures are on the slow server."""
    now = datetime.now(UTC)
    items = "".join(
        f"<item><guid>p{number}</guid><title>Pictured {NAMES[number % len(NAMES)]} number {number}</title>"
        f"<link>https://pictures.example/{number}</link>"
        f"<pubDate>{format_datetime(now - timedelta(minutes=number))}</pubDate>"
        f'<enclosure url="http://{host}:{port}/slow/{number}.png" type="image/png" length="9000"/></item>'
        for number in range(PICTURES)
    )
    return f"<rss version='2.0'><channel><title>Pictures</title>{items}</channel></rss>".encode()


async def serve_slowly(host: str, port: int) -> asyncio.Server:
    """Serve the document at /feed, and never respond at any other path."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /feed "):
                body = feed(host, port)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n")
                writer.write(f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
            else:
                await asyncio.sleep(3600)
        writer.close()

    return await asyncio.start_server(answer, host, port, backlog=512)


async def run(db: Path, folder: Path, seconds: float, readers: int, host: str) -> tuple[Measured, str]:
    """Start the program and besiege it; return the measurements and its log."""
    port, slow_port = free_port(), free_port()
    server = await serve_slowly(host, slow_port)
    config = folder / "feeds.yaml"
    config.write_text(
        f"site: {{title: Siege, url: 'http://127.0.0.1:{port}'}}\n"
        "categories: [{id: news, name: News}]\nlimits: {allow_private: [127.0.0.1]}\n"
        "defaults: {category: news, poll: {min: 5s, max: 10s}}\n"
        f"sources:\n  - {{id: pictures, name: Pictures, url: 'http://{host}:{slow_port}/feed'}}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "groundswell", "run", "--feeds", str(config), "--db", str(db)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, stderr=log, stdout=log)
        try:
            pictures = await _ready(port, db)
            measured = await besiege(port, slow_port, host, seconds, readers, pictures)
        finally:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                process.kill()
            server.close()
    return measured, (folder / "log").read_text(errors="replace")


async def _ready(port: int, db: Path) -> list[int]:
    """Wait until the site responds and the entries with pictures are stored; return their IDs."""
    pictures: list[int] = []
    for _ in range(240):
        await asyncio.sleep(0.5)
        if await ask(port, "GET", "/", wait_s=5) == 200 and db.exists():
            with Store.open(db) as store:
                pictures = [entry.entry_id for entry in store.entries.of_source("pictures", PICTURES)]
            if len(pictures) == PICTURES:
                break
    for path in PAGES:
        await ask(port, "GET", path)
    return pictures


def violations(measured: Measured) -> list[str]:
    """Return the violated requirements."""
    results = []
    for kind in ("front page", "other page", "search", "/healthz"):
        bad = {status: n for status, n in measured.statuses.get(kind, {}).items() if not 200 <= status < 500}
        if bad:
            results.append(f"{kind}: answered {bad}")
    if (slow := percentile(measured.waits["front page"], 0.99)) > MAX_FRONT_MS:
        results.append(f"front page: p99 is {slow:.0f} ms")
    if (slow := max(measured.waits["/healthz"]) * 1000) > MAX_HEALTH_MS:
        results.append(f"/healthz: took {slow:.0f} ms at most")
    return results


def enter_namespace() -> str:
    """Re-run this command where 93.184.216.34 is this machine, and exit; return the reason if that is not possible."""
    if os.environ.get(NAMESPACE_VARIABLE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", f"{PUBLIC}/32", "dev", "lo"], check=True)
        return ""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "no `unshare` or `ip` here"
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        return "network namespaces need root"
    command = ["unshare", "-n", sys.executable, "-m", "bench.siege", *sys.argv[1:]]
    done = subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, NAMESPACE_VARIABLE: "1"})
    raise SystemExit(done.returncode)


def tracebacks(log: str) -> list[str]:
    """Return each traceback in a log, from the line before it to its error."""
    lines = log.splitlines()
    texts = []
    for start in (number for number, line in enumerate(lines) if line.startswith("Traceback")):
        end = next((number for number in range(start + 1, len(lines)) if not lines[number].startswith(" ")), start)
        texts.append("\n".join(lines[max(start - 1, 0) : end + 1]))
    return texts


def main() -> int:
    """Print the measurements; return 1 if a requirement was violated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--readers", type=int, default=50, help="page views a second")
    parser.add_argument("--db", type=Path, help="a database to copy")
    args = parser.parse_args()
    host = "127.0.0.1"
    if why := enter_namespace():
        print(f"SKIP slow pictures and callbacks: {why}")
    else:
        host = PUBLIC
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = folder / "news.db"
        if args.db is not None:
            shutil.copy(args.db, db)
        else:
            site(db, datetime.now(UTC) - (DAYS + 1) * DAY)
        measured, log = asyncio.run(run(db, folder, args.seconds, args.readers, host))
    print("| requests | answers | p50 ms | p99 ms | most ms |\n|---|---|---|---|---|")
    for kind, waits in measured.waits.items():
        answers = ", ".join(f"{n} x {status or 'none'}" for status, n in sorted(measured.statuses[kind].items()))
        row = [f"{percentile(waits, 0.5):.0f}", f"{percentile(waits, 0.99):.0f}", f"{max(waits) * 1000:.0f}"]
        print(f"| {kind} | {answers} | {' | '.join(row)} |")
    violated = violations(measured) + tracebacks(log)[:3]
    for finding in violated:
        print(f"FAIL {finding}")
    print(f"{len(violated)} findings; load {os.getloadavg()[0]:.1f}")
    return int(bool(violated))


if __name__ == "__main__":
    sys.exit(main())
