"""How fast the site serves pages: cached ones against nginx with the same bytes, and uncached ones.

    python -m bench.web [--entries 100000] [--db FILE] [--data ../shared/data] [--seconds 5] [--untuned]

Fills a database from the recorded streams (or uses a copy of the given one), starts the real server on it, and loads it
with wrk (Debian: wrk), alternating with nginx (Debian: nginx-light) that serves one page from files, plain and
pre-gzipped. Throughput: 16 connections, 2 threads; the cost of a request is the server's own CPU time, which depends
less on other processes. Latency: 200 requests a second, sent on schedule, while a poller writes to the database.
Uncached: 300 stories and 300 searches, each requested once.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from urllib.parse import quote

from aggregator.model import Draft, Source
from aggregator.store import Arrival, Store
from bench.restart import fill

SERVE = """
import sys
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from web import server
if sys.argv[4] == "untuned":
    server._load = server.application
late = timedelta(seconds=float(sys.argv[3]))
server.serve(Path(sys.argv[1]), lambda: datetime.now(UTC) + late, "127.0.0.1", int(sys.argv[2]))
"""
BARE = """
import sys
from pathlib import Path
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
page = Path(sys.argv[1]).read_bytes()
headers = [(f"X-Header-{number}", "as long as most of ours are") for number in range(13)]
headers += [("Content-Encoding", "gzip"), ("Content-Length", str(len(page)))]
def give(environ, start_response):
    start_response("200 OK", headers)
    return [page]
Granian("bare", port=int(sys.argv[2]), interface=Interfaces.WSGI, http=HTTPModes.http1, websockets=False,
        blocking_threads=4, log_level=LogLevels.error).serve(target_loader=lambda: give, wrap_loader=False)
"""
NGINX = """
worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; gzip_static on; types {{ text/html html; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/root; }}
}}
"""
GZIP = ("-H", "Accept-Encoding: gzip")
PER_SECOND = 200
COLD = 300


def missing() -> str:
    """Return a sentence about the programs that are missing, or "" if there are none."""
    lacks = [name for name in ("wrk", "nginx") if not (shutil.which(name) or Path(f"/usr/sbin/{name}").exists())]
    return f"{' and '.join(lacks)} not found; Debian: apt-get install wrk nginx-light" if lacks else ""


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    """Return status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int
    page: str
    """Its front page."""
    first_s: float
    """From its port being open to its first page."""

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far, including the server's child processes."""
        parents, ticks = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
                parents[int(stat.parent.name)] = int(fields[1])
                ticks[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
        own = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in own} - own:
            own |= more
        return sum(ticks[pid] for pid in own) / os.sysconf("SC_CLK_TCK")


@contextmanager
def started(command: list[str], port: int, page: str) -> Iterator[Server]:
    """Run a server for the duration of the block, which begins once the front page has been served."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                began = time.perf_counter()
                get(port, page)
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} ended with code {process.returncode}") from None
                time.sleep(0.01)
        yield Server(port, process.pid, page, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(10)


def rate(server: Server, *headers: str) -> tuple[float, float]:
    """Return the requests per second that wrk measured, and the server's CPU microseconds per request."""
    url = f"http://127.0.0.1:{server.port}{server.page}"
    before = server.cpu_s()
    output = subprocess.run(
        ["wrk", "-t2", "-c16", "-d1s", *headers, url], check=True, capture_output=True, text=True
    ).stdout
    requests, speed = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec:\s+([\d.]+)", output)
    if requests is None or speed is None or "Non-2xx" in output:
        raise SystemExit(f"wrk on {url}: {output}")
    return float(speed[1]), (server.cpu_s() - before) / int(requests[1]) * 1e6


def percentile(waits: list[float], share: float) -> float:
    """Return the given percentile of the waits, in milliseconds."""
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * share))] * 1000


def p50_and_p99(waits: list[float]) -> str:
    """Return p50 and p99 of the waits, in milliseconds."""
    return f"{percentile(waits, 0.5):.1f} / {percentile(waits, 0.99):.1f}"


async def on_time(port: int, paths: list[str], seconds: int) -> list[float]:
    """Request *paths* in turn, 200 a second; return how long each took from when it was due.

    One thread sends over sixteen connections; a due request waits while all of them are busy.
    """
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(16):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    clock = asyncio.get_running_loop().time
    began = clock()

    async def ask(number: int) -> float:
        due = began + number / PER_SECOND
        await asyncio.sleep(due - clock())
        due = max(due, clock())  # if this program woke too late, the delay is not the server's
        reader, writer = connection = await free.get()
        path = paths[number % len(paths)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
        free.put_nowait(connection)
        return clock() - due

    return list(await asyncio.gather(*map(ask, range(PER_SECOND * seconds))))


def write(db: Path, now: datetime) -> None:
    """Write as a polling worker does: twenty entries per transaction, five times a second, and new editions."""
    with Store.open(db) as store:
        source = Source("bench", "Bench", "https://bench.example/feed.xml", "news", "bench.example")
        with store.transaction():
            store.feeds.sync([source], now)
        number = 0
        while True:
            time.sleep(0.2)
            arrivals = []
            for _ in range(20):
                number += 1
                draft = Draft(guid=str(number), link="", title=f"Entry {number} that a poll brought")
                arrivals.append(
                    Arrival(draft, identity=f"{now.timestamp()} {number}", canonical_link="", digest="", word_count=6)
                )
            with store.transaction():
                store.entries.add("bench", arrivals, now + timedelta(milliseconds=number))
                if number % 100 == 0:
                    store.state.next_edition()


@contextmanager
def polling(db: Path, now: datetime) -> Iterator[None]:
    """Run `write` in a separate process for the duration of the block."""
    writer = get_context("spawn").Process(target=write, args=(db, now), daemon=True)
    writer.start()
    try:
        yield
    finally:
        writer.terminate()
        writer.join()


def measure(db: Path, folder: Path, seconds: int, how: str) -> None:
    """Print a row for each figure."""
    with Store.open(db) as store:
        entries = store.entries.count()
        newest = max(story.last_source_at for story in store.stories.each())
        stories = [story.story_id for story in store.stories.each() if story.merged_into is None][-COLD:]
        headlines = [stored.headline for id_ in stories if (stored := store.stories.get(id_))]
        terms = [word.lower() for headline in headlines for word in headline.split()[:3] if len(word) > 4]
        # Once each: a repeated search is served from memory.
        searches = [f"/search?q={quote(word)}" for word in dict.fromkeys(terms)][:COLD]
    late = (newest - datetime.now(UTC)).total_seconds() + 60
    port, nginx_port = free_port(), free_port()
    with started([sys.executable, "-c", SERVE, str(db), str(port), str(late), how], port, "/") as ours:
        _, page = get(port, "/")
        with started(nginx(folder, nginx_port, page), nginx_port, "/index.html") as theirs:
            zipped = len(gzip.compress(page, 6))
            print(f"{entries:,} entries; the front page has {len(page):,} bytes, {zipped:,} gzipped\n")
            print("| what | measured | nginx | of nginx's | goal |\n|---|---|---|---|---|")
            for name, headers in (("cached page, plain", ()), ("cached page, gzipped", GZIP)):
                side_by_side(name, ours, theirs, seconds, headers)
            bare_port = free_port()
            bare = [sys.executable, "-c", BARE, str(folder / "root" / "index.html.gz"), str(bare_port)]
            with started(bare, bare_port, "/") as floor:
                side_by_side("granian by itself, gzipped", floor, theirs, seconds, GZIP)
            print(f"| first page after the port is open, ms | {ours.first_s * 1000:.0f} | | | 300 |", flush=True)
            for name, paths in (
                ("story not in memory", [f"/story/{story_id}/" for story_id in stories]),
                ("search not in memory", searches),
            ):
                print(f"| {name}, p50 / p99 ms | {p50_and_p99(cold(port, paths))} | | | p99 100 |", flush=True)
            with polling(db, newest + timedelta(minutes=1)):
                while_polling(ours, theirs, seconds)


def nginx(folder: Path, port: int, page: bytes) -> list[str]:
    """Return the nginx command that serves *page* as a file, plain and pre-gzipped."""
    root = folder / "root"
    root.mkdir()
    (root / "index.html").write_bytes(page)
    (root / "index.html.gz").write_bytes(gzip.compress(page, 6, mtime=0))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def side_by_side(name: str, ours: Server, theirs: Server, seconds: int, headers: tuple[str, ...]) -> None:
    """Print throughput and cost of both; they alternate every second, so that they share the machine's conditions."""
    rates = {server.port: [rate(server, *headers)] for server in (ours, theirs)}
    for server in (ours, theirs) * (seconds - 1):
        rates[server.port].append(rate(server, *headers))
    speed = [median(measured[0] for measured in rates[server.port]) for server in (ours, theirs)]
    cost = [median(measured[1] for measured in rates[server.port]) for server in (ours, theirs)]
    print(f"| {name}, requests/s | {speed[0]:,.0f} | {speed[1]:,.0f} | {speed[0] / speed[1]:.2f} | 0.6 |")
    print(f"| {name}, CPU µs a request | {cost[0]:.1f} | {cost[1]:.1f} | {cost[0] / cost[1]:.2f} | |", flush=True)


def while_polling(ours: Server, theirs: Server, seconds: int) -> None:
    """Print the latency of both while a poller writes; nginx's shows what the machine adds to any server."""
    paths = ["/", "/newest", "/trending", "/trending.rss", "/sources"]
    asyncio.run(on_time(ours.port, paths, 1))  # The first request to each is not served from the cache.
    waits: dict[int, list[float]] = {ours.port: [], theirs.port: []}
    for _ in range(4):
        waits[ours.port] += asyncio.run(on_time(ours.port, paths, seconds))
        waits[theirs.port] += asyncio.run(on_time(theirs.port, [theirs.page], seconds))
    both = " | ".join(p50_and_p99(waits[server.port]) for server in (ours, theirs))
    print(f"| {PER_SECOND} requests/s while a poller writes, p50 / p99 ms | {both} | | p99 20 |")


def cold(port: int, paths: list[str]) -> list[float]:
    """Request each of *paths* once, one after the other; return how long each took, following a redirect.

    A response other than a page ends the benchmark: a refusal is quick, and would count as a fast page.
    """
    waits = []
    for path in paths:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        response, took = _timed(connection, path)
        if response.status in (301, 302):
            response, took = _timed(connection, response.headers["Location"])
        if response.status != 200:
            raise SystemExit(f"{path} was answered {response.status}, not with a page")
        waits.append(took)
        connection.close()
    return waits


def _timed(connection: http.client.HTTPConnection, path: str) -> tuple[http.client.HTTPResponse, float]:
    """Return the response to a request, read to its end, and how long it took in seconds."""
    began = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response, time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--untuned", action="store_true", help="leave thread switches and garbage as Python has them")
    args = parser.parse_args()
    if lacks := missing():
        print(lacks)
        return
    if args.db is None and not (args.data / "stream").exists():
        print(f"no recorded streams in {args.data / 'stream'}; name their folder with --data, or a database with --db")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        db = folder / "g.db"
        if args.db is not None:
            shutil.copy(args.db, db)
        else:
            fill(db, args.data, args.entries)
        measure(db, folder, args.seconds, "untuned" if args.untuned else "tuned")


if __name__ == "__main__":
    main()
