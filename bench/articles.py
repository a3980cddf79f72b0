"""Full text on a running site: how many entries get their article, and what that costs.

    python -m bench.articles [--hosts 8] [--entries 10] [--rounds 3] [--seconds 75]

`groundswell worker` polls that many hosts with and without `full_text: yes`, for the same time. Each feed begins with
that many teasers and gets two more in each round. Of ten articles, seven can be read; one is closed to robots, one
answers 403, and one shows a single sentence, as behind a paywall. The hosts are names that only the local proxy of this
benchmark knows, so they are treated like any public server: with pauses between requests. Nothing leaves the machine.

Required: every readable article is stored, nothing that robots.txt closes is requested, and any five requests in a row
to one host take four pauses, less half a second by which a busy machine may delay the first of them.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from aggregator.store import Store
from bench._kill_training import NAMES
from bench.soak import PARAGRAPH, ROOT

PAUSE_S = 1.0
"""`limits.per_host_pause`, its default."""
IN_A_ROW = 5
TOLERANCE_S = 0.5
NEWS_PER_ROUND = 2
CLOSED, REFUSED, STUB = 3, 5, 7
"""Which of ten entries leads to an article that robots.txt closes, to a 403, and to a page without an article."""
ROBOTS = "User-agent: *\nDisallow: /members/\n"
ARTICLE_WORDS = 100
"""An entry with more has its article: a teaser of this benchmark has eight words."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Web:
    """All hosts, behind one HTTP proxy on 127.0.0.1."""

    hosts: int
    requests: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    """By host, when each request arrived, and its path."""
    entries: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(1))

    def __enter__(self) -> Web:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                host = address.hostname or ""
                web.requests[host].append((time.monotonic(), address.path))
                status, kind, body = web.answer(host, address.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, host: str, path: str) -> tuple[int, str, bytes]:
        """Return status, content type and body."""
        if path == "/robots.txt":
            return 200, "text/plain", ROBOTS.encode()
        if path == "/feed.xml":
            return 200, "application/rss+xml", self._feed(host).encode()
        number = int(path.rpartition("/")[2])
        if number % 10 == REFUSED:
            return 403, "text/html", b"<html><body>Forbidden</body></html>"
        paragraphs = 0 if number % 10 == STUB else 12
        return 200, "text/html; charset=utf-8", self._page(host, number, paragraphs).encode()

    def _feed(self, host: str) -> str:
        items = "".join(
            f"<item><guid>{host}-{number}</guid><title>{self._title(host, number)}</title>"
            f"<link>http://{host}/{'members' if number % 10 == CLOSED else 'news'}/{number}</link>"
            "<description>What the feed says of it.</description></item>"
            for number in range(self.entries)
        )
        return f"<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>"

    def _title(self, host: str, number: int) -> str:
        return " ".join(random.Random(f"{host} {number}").sample(NAMES, 6))

    def _page(self, host: str, number: int, paragraphs: int) -> str:
        rng = random.Random(f"{number} {host}")
        text = "".join(f"<p>{PARAGRAPH.format(*rng.sample(NAMES, 10))}</p>" for _ in range(paragraphs))
        title = self._title(host, number)
        lead = "<p>Subscribe to read on.</p>" if not paragraphs else ""
        return f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{lead}{text}</article></html>"


@dataclass(frozen=True)
class Measured:
    """What one run came to."""

    entries: int
    with_text: int
    cpu_s: float
    db_bytes: int
    requests: dict[str, list[tuple[float, str]]]


def measured(folder: Path, args: argparse.Namespace, full_text: bool) -> Measured:
    """Run the worker for a while and return what it did."""
    with Web(args.hosts, entries=args.entries) as web:
        feeds, db = folder / f"{full_text}.yaml", folder / f"{full_text}.db"
        lines = [
            f"defaults: {{proxy: '{web.proxy}', full_text: {'yes' if full_text else 'no'}, poll: {{min: 5s, max: 5s}}}}"
        ]
        lines += ["meaning: {model: none}", "sources:"]
        lines += [f"  - {{id: s{n}, url: 'http://s{n}.example/feed.xml'}}" for n in range(args.hosts)]
        feeds.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "groundswell", "worker", "--feeds", str(feeds), "--db", str(db)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            start = time.monotonic()
            for number in range(args.rounds + 1):
                # The first articles need their pauses; the last ones, the rest of the time.
                time.sleep(max(0.0, start + args.seconds * (2 + number) / (args.rounds + 3) - time.monotonic()))
                web.entries += NEWS_PER_ROUND if number < args.rounds else 0
            time.sleep(max(0.0, start + args.seconds - time.monotonic()))
            cpu_s = sum(cpu_of(pid) for pid in (process.pid, *_below(process.pid)))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        with Store.open(db) as store:
            words = [entry.word_count for entry in store.entries.each()]
            store.compact()
        with_text = sum(count >= ARTICLE_WORDS for count in words)
        return Measured(len(words), with_text, cpu_s, db.stat().st_size, dict(web.requests))


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(fields[at]) for at in (11, 12, 13, 14)) / TICKS


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from _below(int(child))


def added_poll_s(requests: list[tuple[float, str]]) -> list[float]:
    """Return, for each poll that fetched articles, the seconds from the feed to the last of them."""
    spans, feed_at, last = [], 0.0, 0.0
    for at, path in [*requests, (0.0, "/feed.xml")]:
        if path == "/feed.xml":
            if last > feed_at:
                spans.append(last - feed_at)
            feed_at = last = at
        else:
            last = at
    return spans


def main() -> int:
    """Print the figures; return 1 if a requirement is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--entries", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=75)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        without, full = (measured(Path(folder), args, full_text) for full_text in (False, True))
    paths = [path for requests in full.requests.values() for _, path in requests]
    pages = [path for path in paths if path.startswith(("/news/", "/members/"))]
    gaps = [later - earlier for r in full.requests.values() for (earlier, _), (later, _) in pairwise(r)]
    rows = [r[at + IN_A_ROW - 1][0] - r[at][0] for r in full.requests.values() for at in range(len(r) - IN_A_ROW + 1)]
    spans = [span for requests in full.requests.values() for span in added_poll_s(requests)]
    readable = args.hosts * sum(
        number % 10 not in (CLOSED, REFUSED, STUB) for number in range(args.entries + args.rounds * NEWS_PER_ROUND)
    )
    closed = sum(path.startswith("/members/") for path in paths)
    print(f"entries: {full.entries} on {args.hosts} hosts; without full text {without.entries}")
    print(f"with the article's text: {full.with_text} ({full.with_text / full.entries:.0%}); readable {readable}")
    print(
        f"requests: {len(pages) / full.entries:.2f} for articles per entry, {paths.count('/robots.txt')} for robots.txt"
    )
    print(f"requests for what robots.txt closes: {closed}")
    print(
        f"between two requests to a host: median {median(gaps):.2f} s, {IN_A_ROW} in a row {min(rows):.1f} s at least"
    )
    print(f"added to a poll with articles: {sum(spans) / len(spans):.1f} s on average, {max(spans):.1f} s at most")
    cpu_ms = 1000 * (full.cpu_s - without.cpu_s) / full.with_text
    print(f"CPU: {cpu_ms:.0f} ms for each article ({without.cpu_s:.1f} s without, {full.cpu_s:.1f} s with)")
    print(f"database: {(full.db_bytes - without.db_bytes) / full.with_text / 1000:.1f} kB for each article")
    violations = [f"{readable - full.with_text} readable articles are not stored"] * (full.with_text != readable)
    violations += [f"{closed} requests for what robots.txt closes"] * bool(closed)
    violations += [f"{IN_A_ROW} requests within {min(rows):.1f} s"] * (
        min(rows) < (IN_A_ROW - 1) * PAUSE_S - TOLERANCE_S
    )
    for finding in violations:
        print(f"FAIL {finding}")
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
