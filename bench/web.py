"""How fast the site answers: cached pages against nginx with the same bytes, and what is not in memory.

    python -m bench.web [--entries 100000] [--db FILE] [--data ../shared/data] [--seconds 5]

Fills a database from the recorded streams (or takes the one given; it is copied), starts the real server on it, and
asks it with wrk (Debian: wrk), in the same run as nginx (Debian: nginx-light) with one page as a file, plain and
gzipped ahead. Rates: 16 connections, 2 threads. Waiting: 200 requests a second, sent on time whether the last was
answered or not, while a poller writes beside it. Not in memory: 300 stories and 300 searches, each asked once.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from aggregator.model import Draft, Source
from aggregator.store import Arrival, Store
from bench.restart import fill

SERVE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from web.server import serve
late = timedelta(seconds=float(sys.argv[3]))
serve(Path(sys.argv[1]), lambda: datetime.now(UTC) + late, "127.0.0.1", int(sys.argv[2]))
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
    """Return in a sentence what this machine lacks, "" when it has all."""
    lacks = [name for name in ("wrk", "nginx") if not (shutil.which(name) or Path(f"/usr/sbin/{name}").exists())]
    return f"{' and '.join(lacks)} not found; Debian: apt-get install wrk nginx-light" if lacks else ""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    """Return status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def started(command: list[str], port: int) -> Iterator[float]:
    """Run a server; give the seconds from its port being open to its first page."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                began = time.perf_counter()
                get(port, "/index.html" if "nginx" in command[0] else "/")
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} ended with code {process.returncode}") from None
                time.sleep(0.01)
        yield time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(10)


def rate(url: str, seconds: int, *headers: str) -> float:
    """Return requests a second, by wrk."""
    told = subprocess.run(
        ["wrk", "-t2", "-c16", f"-d{seconds}s", *headers, url], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if found is None or "Non-2xx" in told:
        raise SystemExit(f"wrk said of {url}: {told}")
    return float(found[1])


def percentile(waits: list[float], share: float) -> float:
    """Return the wait that *share* of all do not exceed, in milliseconds."""
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * share))] * 1000


def on_time(port: int, paths: list[str], seconds: int) -> list[float]:
    """Ask *paths* in turn, 200 a second; return how long each took from when it was due."""
    began = time.perf_counter()
    local = threading.local()

    def ask(number: int) -> float:
        due = began + number / PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        local.connection.request("GET", paths[number % len(paths)], headers={"Accept-Encoding": "gzip"})
        local.connection.getresponse().read()
        return time.perf_counter() - due

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(ask, range(PER_SECOND * seconds)))


@contextmanager
def polling(db: Path, now: datetime) -> Iterator[None]:
    """Write as a worker that polls does: twenty entries in a transaction, five times a second, and a new edition."""
    stop = threading.Event()

    def write() -> None:
        with Store.open(db) as store:
            source = Source("bench", "Bench", "https://bench.example/feed.xml", "news", "bench.example")
            with store.transaction():
                store.feeds.sync([source], now)
            number = 0
            while not stop.wait(0.2):
                arrivals = []
                for _ in range(20):
                    number += 1
                    draft = Draft(guid=str(number), link="", title=f"Entry {number} that a poll brought")
                    arrivals.append(Arrival(draft, identity=str(number), canonical_link="", digest="", words=6))
                with store.transaction():
                    store.entries.add("bench", arrivals, now + timedelta(milliseconds=number))
                    if number % 100 == 0:
                        store.state.next_edition()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure(db: Path, folder: Path, seconds: int) -> None:
    """Print a row for each figure."""
    with Store.open(db) as store:
        entries = store.entries.count()
        newest = max(story.last_source_at for story in store.stories.each())
        stories = [story.story_id for story in store.stories.each() if story.merged_into is None][-COLD:]
        headlines = [found.headline for one in stories if (found := store.stories.get(one))]
        words = [word for headline in headlines for word in headline.split()[:3] if len(word) > 4]
    late = (newest - datetime.now(UTC)).total_seconds() + 60
    port, nginx_port = free_port(), free_port()
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    serve = [sys.executable, "-c", SERVE, str(db), str(port), str(late)]
    with started(serve, port) as first:
        _, page = get(port, "/")
        root = folder / "root"
        root.mkdir()
        (root / "index.html").write_bytes(page)
        (root / "index.html.gz").write_bytes(gzip.compress(page, 6, mtime=0))
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=nginx_port), encoding="utf-8")
        with started([binary, "-c", str(folder / "nginx.conf"), "-p", str(folder)], nginx_port):
            zipped = len(gzip.compress(page, 6))
            print(f"{entries:,} entries; the front page has {len(page):,} bytes, {zipped:,} gzipped\n")
            print("| what | measured | nginx | of nginx's | goal |\n|---|---|---|---|---|")
            for name, headers in (("cached page, plain", ()), ("cached page, gzipped", GZIP)):
                ours = rate(f"http://127.0.0.1:{port}/", seconds, *headers)
                theirs = rate(f"http://127.0.0.1:{nginx_port}/index.html", seconds, *headers)
                print(f"| {name}, requests/s | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} | 0.6 |", flush=True)
        print(f"| first page after the port is open, ms | {first * 1000:.0f} | | | 300 |", flush=True)
        for name, paths in (
            ("story not in memory", [f"/story/{one}/" for one in stories]),
            ("search not in memory", [f"/search?q={quote(word)}&n={i}" for i, word in enumerate(words[:COLD])]),
        ):
            waits = cold(port, paths)
            half, most = percentile(waits, 0.5), percentile(waits, 0.99)
            print(f"| {name}, p50 / p99 ms | {half:.0f} / {most:.0f} | | | p99 100 |", flush=True)
        with polling(db, newest + timedelta(minutes=1)):
            paths = ["/", "/newest", "/trending", "/trending.rss", "/sources"]
            on_time(port, paths, 1)  # The first of each is no cached page yet.
            waits = on_time(port, paths, seconds * 2)
        what = f"{PER_SECOND} requests/s while a poller writes, p50 / p99 ms"
        print(f"| {what} | {percentile(waits, 0.5):.1f} / {percentile(waits, 0.99):.1f} | | | p99 20 |")


def cold(port: int, paths: list[str]) -> list[float]:
    """Ask each of *paths* once, one after the other; return how long each took, moved addresses followed."""
    waits = []
    for path in paths:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status in (301, 302):
            path = answer.headers["Location"]
        began = time.perf_counter()
        connection.request("GET", path + ("&" if "?" in path else "?") + f"cold={os.getpid()}")
        connection.getresponse().read()
        waits.append(time.perf_counter() - began)
        connection.close()
    return waits


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    if lacks := missing():
        print(lacks)
        return
    if given.db is None and not (given.data / "stream").exists():
        print(f"no recorded streams in {given.data / 'stream'}; name their folder with --data, or a database with --db")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        db = folder / "g.db"
        if given.db is not None:
            shutil.copy(given.db, db)
        else:
            fill(db, given.data, given.entries)
        measure(db, folder, given.seconds)


if __name__ == "__main__":
    main()
