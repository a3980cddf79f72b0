"""The whole program under a steady load for ten minutes: nothing fails, nothing grows.

    python -m bench.soak [--minutes 10] [--sources 100] [--reads 50] [--votes 1] [--news 1] [--training 120]
                         [--everything]

`groundswell run` polls that many sources every 10 s (most return 304, one per second has news) on a database with three
weeks of stories. Meanwhile pages, feeds and searches are requested at a fixed rate, a story gets a vote every second,
and a training starts every two minutes, the last two as the operator would do it. `--everything` adds alerts and a
digest to a webhook, full texts of the feeds' articles, and a reader app that reads and marks stories; a run in which
one of them did nothing fails. Every 10 s the processes are measured in /proc. Required: no response of 500 or above, no
"database is locked", p99 under 250 ms, constant numbers of file descriptors and threads, a write-ahead log under 64 MB.
Only the worker's sockets may become more, up to `limits.concurrency`: it keeps its connections to the sources, which
are all on one host here.
Memory may grow by 5 % from minute 10 (minute 3 in runs under 30 minutes) to the end; in runs over 35 minutes, the
worker by 1 MB per hour after the first 30.
The worker keeps the entries of the last days, 10 to 13 kB each; `--news 60` shows whether anything else grows.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import linear_regression, median
from typing import Self
from urllib.parse import urlencode

from aggregator.model.config import Limits
from aggregator.store import Store
from aggregator.translatable import read_back
from bench._kill_training import DAY, DAYS, NAMES, site
from bench.web import free_port, percentile
from tests.feedserver import FeedServer
from web.auth.reader_tokens import make_reader_token

TOKEN = "soak-" + "0123456789abcdef" * 4
SAMPLE_INTERVAL_S = 10.0
SETTLED_S = 180.0
LONG_S = 1_800.0
"""In a run of this length, memory counts from minute 10 on; a worker's slope from this moment on."""
SETTLED_LONG_S = 600.0
MAX_MB_PER_HOUR = 1.0
MAX_WAL_BYTES = 64_000_000
MAX_MS = 250.0
MAX_GROWTH = 0.05
MAX_WORKER_SOCKETS = Limits().concurrency + 4
"""Kept connections to the sources, the event loop's pair of sockets, and messages to the webhook."""
ARTICLE_WORDS = 100
"""Fewer than an article of `NewsSources` has, and more than any other entry."""
DIGEST_AFTER_MINUTES = 2
ROOT = Path(__file__).resolve().parent.parent


PARAGRAPH = (
    "The {} of {} said on Monday that the {} would not come before the {}, after {} had asked for {} and for more than "
    "{} of the {}. In the afternoon, {} said that this was what {} had expected all along."
)
"""Of an article; names go into it, because what repeats itself is taken for part of the page."""


@dataclass
class NewsSources:
    """The sources: each second, one of them has news."""

    server: FeedServer
    sources: int
    articles: bool = False
    """Whether the server has the article of each entry."""
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    items: list[list[str]] = field(default_factory=list)

    def open(self) -> list[str]:
        """Publish a first document of each source; return their URLs."""
        self.items = [[self._title() for _ in range(15)] for _ in range(self.sources)]
        return [self._publish(number) for number in range(self.sources)]

    def news(self) -> None:
        """Add an entry to a random source."""
        number = self.rng.randrange(self.sources)
        self.items[number].append(self._title())
        self._publish(number)

    def _title(self) -> str:
        return f"{'Zephyr' if self.rng.random() < 0.1 else 'Again'} {' '.join(self.rng.sample(NAMES, 5))}"

    def _publish(self, number: int) -> str:
        items = self.items[number]
        latest = list(enumerate(items))[-25:]
        if self.articles:
            self.server.publish(f"/{number}/{latest[-1][0]}", self._article(items[-1]), content_type="text/html")
        site = self.server.url(f"/{number}") if self.articles else f"https://s{number}.example"
        markup = "".join(
            f"<item><guid>g{place}</guid><title>{title}</title><link>{site}/{place}</link>"
            f"<description>{title}, it says.</description></item>"
            for place, title in latest
        )
        document = f"<rss version='2.0'><channel><title>Source {number}</title>{markup}</channel></rss>"
        return self.server.publish(f"/{number}.xml", document, etag=f'"{len(items)}"')

    def _article(self, title: str) -> str:
        paragraphs = "".join(f"<p>{PARAGRAPH.format(*self.rng.sample(NAMES, 10))}</p>" for _ in range(6))
        article = f"<article><h1>{title}</h1><p>{title}, it says.</p>{paragraphs}</article>"
        return f"<html><head><title>{title}</title></head><body>{article}</body></html>"


class Webhook:
    """Receives messages on 127.0.0.1 and counts them by kind."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                messages[str(body.get("type", "message"))] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """The resources of one process at one moment."""

    at_s: float
    rss_mb: float
    files: int
    """Open files that are not sockets."""
    sockets: int
    threads: int


@dataclass
class Observations:
    """What the benchmark observed from outside the program."""

    waits: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[ProcessSample]] = field(default_factory=dict)
    wal_bytes: int = 0
    polls: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)
    full_texts: int = 0
    """Entries that were stored with their article."""


def sample_processes(pid: int, at_s: float) -> dict[str, ProcessSample]:
    """Return the resources of the processes under *pid*: the worker, its parser, the site."""
    samples: dict[str, ProcessSample] = {}
    for child in _children(pid):
        with suppress(OSError):
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            name = next((part for part in ("worker", "web", "aggregator.parse.worker") if part in arguments), "")
            if not name:
                continue  # a training, which starts and ends
            status = Path(f"/proc/{child}/status").read_text()
            numbers = {key: int(re.search(rf"{key}:\s+(\d+)", status)[1]) for key in ("VmRSS", "Threads")}  # type: ignore[index]
            files, sockets = _open_files(child)
            before = samples.get(name, ProcessSample(at_s, 0, 0, 0, 0))
            samples[name] = ProcessSample(
                at_s,
                before.rss_mb + numbers["VmRSS"] / 1024,
                before.files + files,
                before.sockets + sockets,
                before.threads + numbers["Threads"],
            )
    return samples


def _open_files(pid: int) -> tuple[int, int]:
    """Count the open files of a process: others than sockets, and sockets."""
    targets = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            targets.append(os.readlink(descriptor))
    sockets = sum(target.startswith("socket:") for target in targets)
    return len(targets) - sockets, sockets


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from _children(int(child))


class Readers:
    """Requests pages on schedule, without waiting for earlier responses."""

    def __init__(self, port: int, observed: Observations) -> None:
        self._port, self._observed = port, observed

    def ask(self, method: str, path: str, due: float, body: str = "", authorization: str = "") -> None:
        """Make a request and record its status, and how long after *due* the response arrived."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        who = "reader app " if authorization.startswith("GoogleLogin") else ""
        if authorization:
            headers["Authorization"] = authorization
        try:
            status, location = self._request(method, path, body, headers)
        except OSError as error:
            self._observed.statuses[f"{who}{method} {type(error).__name__}"] += 1
            return
        self._observed.statuses[f"{who}{method} {status}"] += 1
        self._observed.waits.append(time.monotonic() - due)
        if method == "GET" and status == 301:
            self.ask("GET", location, time.monotonic(), authorization=authorization)

    def wait(self) -> None:
        """Wait up to a minute until the site responds."""
        for _ in range(600):
            with suppress(OSError):
                self._request("GET", "/", "", {})
                return
            time.sleep(0.1)

    def _request(self, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location", "")
        finally:
            connection.close()


def paths(stories: Sequence[int], rng: random.Random) -> str:
    """Draw the path of a page, a feed or a search."""
    fixed = ["/", "/", "/newest", "/category/news", "/index.rss", "/sources", "/api/v1/stories", "/newest.atom"]
    if stories and rng.random() < 0.5:
        return f"/story/{rng.choice(stories)}" if rng.random() < 0.7 else f"/search?q={rng.choice(NAMES)}"
    return rng.choice(fixed)


READER = "/api/greader.php/reader/api/0"


def reader_app_request(stories: Sequence[int], rng: random.Random) -> tuple[str, str, str]:
    """Draw a request of a reader app: method, path and body."""
    if rng.random() < 0.3:
        mark = {
            "i": rng.choice(stories),
            rng.choice("ar"): f"user/-/state/com.google/{rng.choice(('read', 'starred'))}",
        }
        return "POST", f"{READER}/edit-tag", urlencode(mark)
    stream = f"{READER}/stream/contents/user/-/state/com.google/reading-list?n=40"
    return "GET", rng.choice((stream, f"{READER}/unread-count", f"{READER}/subscription/list", "/digest")), ""


def everything(webhook: str) -> list[str]:
    """Return the lines of feeds.yaml that enable what is off by default."""
    at = datetime.now(UTC) + timedelta(minutes=DIGEST_AFTER_MINUTES)
    return [
        f"alerts: {{to: ['{webhook}'], secret: '{TOKEN}', allow_private: yes, per_hour: 1000,",
        "  rules: [{name: zephyr, when: 'zephyr score:>1'}, {name: big, when: 'score:>60 sources:>1'}]}",
        f"digest: {{at: '{at:%H:%M}', daily: ['{webhook}']}}",
    ]


@contextmanager
def running(
    folder: Path, feeds: Sequence[str], port: int, more: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program on a database of three weeks.

    more: further lines of feeds.yaml; if there are any, articles are fetched too
    """
    config = folder / "feeds.yaml"
    lines = ["categories: [{id: news, name: News}]", "limits: {allow_private: [127.0.0.1]}", *more]
    full_text = ", full_text: yes" if more else ""
    lines += [f"defaults: {{category: news, poll: {{min: 10s, max: 10s}}{full_text}}}", "sources:"]
    lines += [f"  - {{id: s{n}, name: S{n}, url: '{url}', owner: s{n}.example}}" for n, url in enumerate(feeds)]
    config.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "groundswell", "run", "--feeds", str(config), "--db", str(folder / "news.db")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=ROOT, stderr=log, env=os.environ | {"GROUNDSWELL_ADMIN_TOKEN": TOKEN}
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def soak(folder: Path, args: argparse.Namespace) -> Observations:
    """Keep the program under load and return the observations."""
    observed, rng, port = Observations(), random.Random(2), free_port()
    db, reads = folder / "news.db", args.reads
    site(db, datetime.now(UTC) - (DAYS + 1) * DAY)
    with ExitStack() as stack:
        server, webhook = stack.enter_context(FeedServer()), stack.enter_context(Webhook())
        press = NewsSources(server, args.sources, args.everything)
        more = everything(webhook.url) if args.everything else []
        process = stack.enter_context(running(folder, press.open(), port, more))
        pool = stack.enter_context(ThreadPoolExecutor(32))
        store = stack.enter_context(Store.open(db))
        app = f"GoogleLogin auth={make_reader_token(store, 'soak', datetime.now(UTC))[0]}" if args.everything else ""
        readers = Readers(port, observed)
        readers.wait()
        stories = [story.story_id for story in store.stories.each()]
        start = time.monotonic()
        for second in range(int(args.minutes * 60)):
            if second % args.news == 0:
                press.news()
            observed.polls += len(server.requests)
            server.requests.clear()
            if rng.random() < args.votes:
                vote = urlencode({"story": rng.choice(stories), "vote": rng.choice(("up", "down"))})
                pool.submit(readers.ask, "POST", "/admin/vote", start + second, vote, f"Bearer {TOKEN}")
            if app:
                method, path, body = reader_app_request(stories, rng)
                pool.submit(readers.ask, method, path, start + second, body, app)
            if second % args.training == args.training // 2:
                store.state.set_moment("train_wanted", datetime.now(UTC))
            if second % SAMPLE_INTERVAL_S == 0:
                for name, sample in sample_processes(process.pid, second).items():
                    observed.samples.setdefault(name, []).append(sample)
                with suppress(OSError):
                    observed.wal_bytes = max(observed.wal_bytes, Path(f"{db}-wal").stat().st_size)
                if second % 600 == 0:
                    print(f"minute {second // 60}: {_sizes(observed)}", flush=True)
            for number in range(reads):
                due = start + second + number / reads
                time.sleep(max(0.0, due - time.monotonic()))
                pool.submit(readers.ask, "GET", paths(stories, rng), due)
            time.sleep(max(0.0, start + second + 1 - time.monotonic()))
        observed.messages = webhook.messages
        observed.full_texts = sum(entry.word_count >= ARTICLE_WORDS for entry in store.entries.each())
    return observed


def _sizes(observed: Observations) -> str:
    return ", ".join(f"{name} {samples[-1].rss_mb:.1f} MB" for name, samples in sorted(observed.samples.items()))


def slope(samples: Sequence[ProcessSample]) -> float:
    """Return how fast a process grows, in MB per hour."""
    return linear_regression([sample.at_s / 3600 for sample in samples], [sample.rss_mb for sample in samples]).slope


def settled_at(samples: Sequence[ProcessSample]) -> float:
    """Return the second from which memory counts."""
    return SETTLED_LONG_S if samples[-1].at_s > LONG_S else SETTLED_S


def find_violations(observed: Observations, log: str) -> list[str]:
    """Return the violated requirements."""
    problems = [
        f"{count} answers of {what}" for what, count in observed.statuses.items() if not re.search(r" [23]\d\d$", what)
    ]
    problems += [line for line in log.splitlines() if "locked" in line or " E " in line][:10]
    if (slow := percentile(observed.waits, 0.99)) > MAX_MS:
        problems.append(f"p99 is {slow:.0f} ms")
    if observed.wal_bytes > MAX_WAL_BYTES:
        problems.append(f"the write-ahead log grew to {observed.wal_bytes / 1e6:.0f} MB")
    for name, samples in observed.samples.items():
        settled = [sample for sample in samples if sample.at_s >= settled_at(samples)]
        if len(settled) < 12:
            continue
        first, last = settled[:6], settled[-6:]
        grown = median(sample.rss_mb for sample in last) / median(sample.rss_mb for sample in first) - 1
        if grown > MAX_GROWTH:
            problems.append(f"{name}: memory grew by {100 * grown:.0f} %")
        late = [sample for sample in samples if sample.at_s >= LONG_S]
        if name == "worker" and len(late) > 30 and (grows := slope(late)) > MAX_MB_PER_HOUR:
            problems.append(f"{name}: memory grows by {grows:.1f} MB an hour")
        if name == "worker" and (most := max(sample.sockets for sample in samples)) > MAX_WORKER_SOCKETS:
            problems.append(f"{name}: {most} sockets")
        for what in ("files", "threads") if name == "worker" else ("files", "sockets", "threads"):
            before, after = (median(getattr(sample, what) for sample in some) for some in (first, last))
            if after > before:
                problems.append(f"{name}: {before:g} {what} became {after:g}")
    return problems


def missing(observed: Observations, minutes: float) -> list[str]:
    """Return what a run with `--everything` should have done and did not."""
    done = {
        "message about a story": observed.messages.get("story", 0),
        "entry with its article": observed.full_texts,
        "answer to a reader app": observed.statuses["reader app GET 200"],
        "mark of a reader app": observed.statuses["reader app POST 200"],
    }
    if minutes > DIGEST_AFTER_MINUTES + 2:
        done["digest"] = observed.messages.get("digest", 0)
    return [f"there was no {what}" for what, count in done.items() if not count]


def main() -> int:
    """Print the observations; return 1 if a requirement was violated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--reads", type=int, default=50, help="a second")
    parser.add_argument("--votes", type=float, default=1.0, help="a second, up to 1")
    parser.add_argument("--news", type=int, default=1, help="seconds between two new entries")
    parser.add_argument("--training", type=int, default=120, help="seconds between two trainings")
    parser.add_argument("--everything", action="store_true", help="alerts, a digest, full text, a reader app")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        observed = soak(Path(name), args)
        log = (Path(name) / "log").read_text(errors="replace")
        with Store.open(Path(name) / "news.db") as store:
            outcome = read_back(store.state.get("train_said") or "none")
            print(f"{observed.polls} polls, {store.entries.count()} entries; the last training: {outcome}")
    print(", ".join(f"{count} {what}" for what, count in sorted(observed.statuses.items())))
    print(f"p50 {percentile(observed.waits, 0.5):.0f} ms, p99 {percentile(observed.waits, 0.99):.0f} ms, ", end="")
    print(f"write-ahead log {observed.wal_bytes / 1e6:.1f} MB at most; load {os.getloadavg()[1]:.1f}")
    for part, samples in sorted(observed.samples.items()):
        if samples[-1].at_s > LONG_S + 300:
            print(
                f"{part}: {slope([sample for sample in samples if sample.at_s >= LONG_S]):+.2f} MB per hour at the end"
            )
        for index in sorted({0, int(settled_at(samples) // SAMPLE_INTERVAL_S), len(samples) - 1}):
            if index < len(samples):
                sample = samples[index]
                print(
                    f"{part} at {sample.at_s:.0f} s: {sample.rss_mb:.0f} MB, "
                    f"{sample.files} files, {sample.sockets} sockets, {sample.threads} threads",
                )
    if args.everything:
        print("messages: " + (", ".join(f"{n} {kind}" for kind, n in sorted(observed.messages.items())) or "none"))
        print(f"entries with their article: {observed.full_texts}")
    violations = find_violations(observed, log)
    if args.everything:
        violations += missing(observed, args.minutes)
    for finding in violations:
        print(f"FAIL {finding}")
    print(f"{len(violations)} findings")
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
