"""What polling costs: 1,000 feeds on 250 addresses, at the first poll, unchanged, and with one new entry each.

    python -m bench.poll [--feeds 1000] [--rounds cold,quiet,new] [--runs 3] [--peer-python PYTHON] [--tools DIR]

A generated corpus is served on 127.0.0.x, and each round is one process that polls every feed through `Poller`:
fetching, parsing in child processes, storing with the text index. The same run measures the baselines: the floor
(aiohttp, fastfeedparser, nh3 and SQLite in one bare script); `reader`, if the Python of `--peer-python` has it; and
newsboat, if it is installed. CPU s is user and system time of all processes of a program, start-up included; `start` is
the cost of a round with nothing due. `update` is the scoring of the first round's entries, which the worker does in
parallel with polling.

Generator, server and floor are `bench._corpus`, `bench._feed_server` and `bench._floor`; with `--tools DIR`, they are
feedgen.py, feedserver.py and refpoll.py in that folder, to compare with figures from those.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import _corpus

ROOT = Path(__file__).resolve().parent.parent
HOSTS = 250
ROUNDS = ("cold", "quiet", "new")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process tree used."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    entries: int = 0


def measured(command: Sequence[str], peak_of_children: bool = True) -> Cost:
    """Run *command* and return what it and its children used."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # Compiled modules are cached, as for any installed program.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=env)
    peaks: dict[int, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.03):
            for pid in _tree(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), _resident(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    if code:
        raise RuntimeError(f"{command} ended with {code}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.perf_counter() - start, sum(peaks.values()) / 1e6)


class FrontPageClient:
    """Requests a site's front page 20 times a second while the database is being written."""

    def __init__(self, db: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "groundswell", "web", "--db", str(db), "--port", str(port)]
        command += ["--feeds", str(db.with_suffix(".yaml"))]
        self._site = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._url = f"http://127.0.0.1:{port}/"
        for _ in range(400):
            try:
                urllib.request.urlopen(self._url, timeout=60).read()
                break
            except OSError:
                time.sleep(0.05)
        self._done = threading.Event()
        self._waits_ms: list[float] = []
        self._thread = threading.Thread(target=self._request_pages)
        self._thread.start()

    def _request_pages(self) -> None:
        while not self._done.wait(0.05):
            start = time.perf_counter()
            urllib.request.urlopen(self._url, timeout=60).read()
            self._waits_ms.append((time.perf_counter() - start) * 1000)

    def stop(self) -> str:
        """Stop the requests and the site; return the response times."""
        self._done.set()
        self._thread.join()
        self._site.terminate()
        self._site.wait()
        waits = sorted(self._waits_ms)
        median, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
        return f"{len(waits)} times `/` during the first poll: {median:.0f} ms in the median, p99 {late:.0f} ms"


def _tree(pid: int) -> list[int]:
    pids, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        pids.append(current)
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                waiting += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return pids


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


class Corpus:
    """Generated feeds and their server."""

    def __init__(self, tools: Path | None, folder: Path, feeds: int, python: str, port: int) -> None:
        self.folder, self.port, self._tools = folder, port, tools
        listening = ["--port", str(port), "--hosts", str(HOSTS)]
        if tools is None:
            _corpus.make(folder, feeds, 2)
            command = [sys.executable, "-m", "bench._feed_server", str(folder), *listening]
        else:
            if not (folder / "r1.json").exists():
                generate = [sys.executable, str(tools / "feedgen.py"), "--n", str(feeds), "--rounds", "2"]
                subprocess.run([*generate, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
            command = [python, str(tools / "feedserver.py"), "--corpus", str(folder), *listening]
        self._server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                self.ask("stats")
                break
            except OSError:
                time.sleep(0.05)
        self.ask("round/1")
        self.ask("round/0")
        paths = self._paths()[:feeds]
        self.urls = [f"http://127.0.0.{1 + number % HOSTS}:{port}{path}" for number, path in enumerate(paths)]

    def _paths(self) -> list[str]:
        if self._tools is None:
            return [row.path for row in _corpus.rows(self.folder, 0)]
        return [row[0] for row in json.loads((self.folder / "r0.json").read_text())["feeds"]]

    def ask(self, what: str) -> dict[str, float]:
        """Switch the server to another round, or return its request counts."""
        control = "control" if self._tools is None else "ctl"
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{control}/{what}", timeout=60) as answer:
            counts: dict[str, float] = json.load(answer)
        return counts

    def close(self) -> None:
        """Stop the server."""
        self._server.terminate()
        self._server.wait()


class Groundswell:
    """Our program: the poller and its child processes, without the site."""

    name = "groundswell"

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        self.db, self._urls = folder / "g.db", folder / "urls.txt"
        self._urls.write_text("\n".join(urls))
        self._hours = 0

    def start(self) -> Cost:
        return measured(self._command("nothing"))

    def poll(self) -> Cost:
        self._hours += 25
        return measured(self._command(str(self._hours)))

    def update(self) -> Cost:
        return measured(self._command("update"))

    def _command(self, what: str) -> list[str]:
        return [sys.executable, "-m", "bench._poll_worker", str(self.db), str(self._urls), what]

    def count(self) -> int:
        return _count(self.db, "entries")


class Floor:
    """aiohttp, fastfeedparser, nh3 and SQLite with FTS5 in one script."""

    name = "floor"

    def __init__(self, folder: Path, urls: Sequence[str], tools: Path | None, python: str) -> None:
        self._db, self._urls = folder / "floor.db", folder / "urls.txt"
        self._urls.write_text("\n".join(urls))
        if tools is None:
            state = str(folder / "floor.json")
            self._command = [python, str(ROOT / "bench" / "_floor.py"), str(self._urls), str(self._db), state]
            return
        self._command = [python, str(tools / "refpoll.py"), "--mode", "full", "--full", "--client", "aiohttp"]
        self._command += ["--parser", "fastfeedparser", "--urls", str(self._urls), "--db", str(self._db)]
        self._command += ["--state", str(folder / "floor.state")]

    def poll(self) -> Cost:
        return measured(self._command)

    def count(self) -> int:
        return _count(self._db, "items")


class Reader:
    """lemon24/reader with its search index, as its users run it."""

    name = "reader"
    _SUBSCRIBE = """import sys
from reader import make_reader
reader = make_reader(sys.argv[1])
for url in open(sys.argv[2]):
    reader.add_feed(url.strip())
reader.enable_search()"""
    _POLL = """import logging, sys
logging.basicConfig(level=logging.ERROR)
from reader import make_reader
reader = make_reader(sys.argv[1])
reader.update_feeds(scheduled=False, workers=10)
reader.update_search()"""

    def __init__(self, folder: Path, urls: Sequence[str], python: str) -> None:
        self._db, self._python = folder / "reader.db", python
        (folder / "urls.txt").write_text("\n".join(urls))
        subprocess.run([python, "-c", self._SUBSCRIBE, str(self._db), str(folder / "urls.txt")], check=True)

    def poll(self) -> Cost:
        return measured([self._python, "-c", self._POLL, str(self._db)])

    def count(self) -> int:
        return _count(self._db, "entries")


class Newsboat:
    """newsboat, which stores what it has read in SQLite and has no search index."""

    name = "newsboat"
    _CONFIG = """reload-threads 10
max-items 0
cleanup-on-quit no
suppress-first-reload yes
auto-reload no
"""

    def __init__(self, folder: Path, urls: Sequence[str]) -> None:
        self._db, listed, config = folder / "newsboat.db", folder / "newsboat.urls", folder / "newsboat.config"
        listed.write_text("\n".join(urls))
        config.write_text(self._CONFIG)
        self._command = ["newsboat", "-q", "-u", str(listed), "-c", str(self._db), "-C", str(config), "-x", "reload"]

    def poll(self) -> Cost:
        return measured(self._command)

    def count(self) -> int:
        return _count(self._db, "rss_item")


def _count(db: Path, table: str) -> int:
    import sqlite3

    connection = sqlite3.connect(db)
    try:
        return int(connection.execute(f"select count(*) from {table}").fetchone()[0])
    finally:
        connection.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--rounds", default=",".join(ROUNDS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tools", type=Path, help="take generator, server and floor from this folder")
    parser.add_argument("--corpus", type=Path, help="where the generated corpus is kept; made when it is not there")
    parser.add_argument("--peer-python", default=sys.executable, help="a Python with aiohttp, fastfeedparser, reader")
    parser.add_argument("--peers", default="floor,reader,newsboat")
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--update", action="store_true", help="say what scoring the first round costs")
    parser.add_argument("--site", action="store_true", help="ask the site for its front page during the first poll")
    args = parser.parse_args()
    if args.tools and not (args.tools / "feedgen.py").exists():
        print(f"no generator at {args.tools}; stop out --tools to use our own")
        return
    peers = [part for part in args.peers.split(",") if part and _has(args.peer_python, part)]
    rounds = [part for part in args.rounds.split(",") if part in ROUNDS]
    costs: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        corpus = Corpus(args.tools, args.corpus or Path(name) / "corpus", args.feeds, args.peer_python, args.port)
        try:
            for run in range(args.runs):
                folder = Path(name) / str(run)
                folder.mkdir()
                ours = Groundswell(folder, corpus.urls)
                programs: list[Groundswell | Floor | Reader | Newsboat] = [ours]
                if "floor" in peers:
                    programs.append(Floor(folder, corpus.urls, args.tools, args.peer_python))
                if "reader" in peers:
                    programs.append(Reader(folder, corpus.urls, args.peer_python))
                if "newsboat" in peers:
                    programs.append(Newsboat(folder, corpus.urls))
                ours.start()  # its modules are compiled by now, if they were not before
                costs.setdefault(("start", ours.name), []).append(ours.start())
                for round_ in rounds:
                    corpus.ask("round/1" if round_ == "new" else "round/0")
                    front_page_client = FrontPageClient(ours.db) if args.site and round_ == "cold" else None
                    for program in programs:
                        before = program.count() if round_ != "cold" else 0
                        cost = program.poll()
                        measured_cost = Cost(cost.cpu_s, cost.wall_s, cost.peak_mb, program.count() - before)
                        costs.setdefault((round_, program.name), []).append(measured_cost)
                        if front_page_client:
                            print(front_page_client.stop())
                            front_page_client = None
                    if round_ == "cold" and args.update:
                        costs.setdefault(("update", ours.name), []).append(ours.update())
        finally:
            corpus.close()
    print(f"{len(corpus.urls):,} feeds over {HOSTS} addresses, median of {args.runs}\n")
    print(
        "| round | program | CPU s | to the floor | wall s | peak MB | entries stored |\n|---|---|---|---|---|---|---|"
    )
    for (round_, name), list_ in costs.items():
        cpu = statistics.median(cost.cpu_s for cost in list_)
        floor = statistics.median(cost.cpu_s for cost in costs[round_, "floor"]) if (round_, "floor") in costs else 0
        wall = statistics.median(cost.wall_s for cost in list_)
        peak = statistics.median(cost.peak_mb for cost in list_)
        ratio = f"{cpu / floor:.2f}" if floor else ""
        print(f"| {round_} | {name} | {cpu:.2f} | {ratio} | {wall:.2f} | {peak:.0f} | {list_[-1].entries:,} |")


def _has(python: str, peer: str) -> bool:
    if peer == "newsboat":
        installed = shutil.which(peer) is not None
        if not installed:
            print(f"{peer}: not measured, it is not installed")
        return installed
    needed = "aiohttp, fastfeedparser, nh3" if peer == "floor" else "reader"
    present = subprocess.run([python, "-c", f"import {needed}"], check=False, capture_output=True).returncode == 0
    if not present:
        print(f"{peer}: not measured, {python} has not all of {needed}")
    return present


if __name__ == "__main__":
    main()
