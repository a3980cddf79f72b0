"""Hostile input: documents through the parser processes, misbehaving servers through the poller.

    python -m bench.hostile [--hostile ../shared/hostile] [--big] [--silent 40]

Documents: each one of `make_feeds.py` goes through `ParserPool`. Its outcome and the CPU seconds and memory growth of
the process that parsed it are compared with the manifest.

Servers: every endpoint of `server.py` is polled as often as its manifest says, with only 127.0.0.1 allowed. The outcome
and message of the source, requests, deadline, canary and memory are compared. Meanwhile `--silent` unresponsive sources
and a good one are polled.

Each finding is a line; the exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.errors import NotAFeedError
from aggregator.model import Config, FeedState, Limits, Site, Source
from aggregator.parse.pool import ParserFailedError, ParserPool
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store
from bench._meter import Cost, cost_of

HOSTILE = Path(__file__).resolve().parent.parent.parent / "shared" / "hostile"
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
LIMITS = Limits(allow_private=("127.0.0.1",))
URL = "https://feeds.example/feed"


def make_documents(hostile: Path, folder: Path, *, big: bool = False) -> list[dict[str, Any]]:
    """Write the documents into *folder* and return their manifest."""
    command = [sys.executable, str(hostile / "make_feeds.py"), str(folder)] + ["--big"] * big
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return rows


WARM = b"<rss version='2.0'><channel><item><title>warm</title></item></channel></rss>"


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """How a parser process handled one document."""

    file: str
    cost: Cost
    findings: list[str]


async def parse_documents(rows: list[dict[str, Any]], folder: Path) -> list[ParsedDocument]:
    """Parse the documents one after the other; starting a process is not part of the cost."""
    taken = []
    async with ParserPool() as pool:
        for row in rows:
            data = base64.b64decode(row["b64"]) if "b64" in row else (folder / row["file"]).read_bytes()
            await pool.parse(WARM, "", URL, LIMITS)
            taken.append(await _parse_document(pool, row, data))
    return taken


async def check_documents(rows: list[dict[str, Any]], folder: Path) -> list[str]:
    """Return the findings for how each document was parsed."""
    return [finding for read in await parse_documents(rows, folder) for finding in read.findings]


async def _parse_document(pool: ParserPool, row: dict[str, Any], data: bytes) -> ParsedDocument:
    entries, error = -1, ""
    findings: list[str] = []

    async def parsed() -> None:
        nonlocal entries, error
        try:
            feed = await pool.parse(data, row.get("ctype") or "", URL, LIMITS)
        except (NotAFeedError, ParserFailedError) as fault:
            error = str(fault)
        else:
            entries = len(feed.entries)
            text = repr(feed)
            findings.extend(f"holds {marker[:30]!r}" for marker in row["never"] if marker in text)

    cost = await cost_of(parsed)
    findings += _check_outcome(row, entries, error)
    if cost.cpu_s > row["max_s"]:
        findings.append(f"took {cost.cpu_s:.1f} CPU s, at most {row['max_s']:g}")
    if cost.grown_mb > row["max_mb"]:
        findings.append(f"took {cost.grown_mb:.0f} MB, at most {row['max_mb']:g}")
    return ParsedDocument(row["file"], cost, [f"{row['file']}: {marker}" for marker in findings])


def _check_outcome(row: dict[str, Any], entries: int, error: str) -> list[str]:
    results = []
    if row["outcome"] == "error" and entries > 0:
        results.append(f"{entries} entries, an error was due")
    if row["outcome"] == "items" and error:
        results.append(f"entries were due: {error}")
    due = row.get("items")
    if row["outcome"] == "items" and due is not None and not error and row["cls"] != "identity":
        low, high = (due, due) if isinstance(due, int) else due
        if not low <= entries <= high:
            results.append(f"{entries} entries, due {due}")
    return results


class HostileServer:
    """`server.py` of the hostile folder, as a separate process."""

    def __init__(self, hostile: Path, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, str(hostile / "server.py"), "--port", str(port)], stdout=subprocess.DEVNULL
        )

    async def __aenter__(self) -> HostileServer:
        for _ in range(100):
            try:
                await asyncio.to_thread(self.ask, "_reset")
                break
            except OSError:
                await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)

    def ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.address}/{what}", timeout=30) as answer:
            return json.load(answer)


async def check_server(hostile: Path, port: int, silent: int, paths: str = "") -> list[str]:
    """Return the findings for how the program handled each endpoint whose path matches *paths*."""
    findings: list[str] = []
    async with HostileServer(hostile, port) as server:
        rows = [row for row in await asyncio.to_thread(server.ask, "_manifest") if re.search(paths, row["path"])]
        quiet = await asyncio.start_server(_says_nothing, "127.0.0.1", 0)
        quiet_port = quiet.sockets[0].getsockname()[1]
        sources = [
            Source(f"e{number}", row["path"], f"{server.address}{row['path']}", "all", owner=f"e{number}")
            for number, row in enumerate(rows)
        ]
        # Each on its own address, like 40 dead servers; 127.0.0.1 is the only private address that sources may use.
        sources += [
            Source(f"silent{n}", "silent", f"http://127.0.0.1:{quiet_port}/{n}", "all", owner=f"s{n}")
            for n in range(silent)
        ]
        good = Source("zgood", "good", f"{server.address}/ok?good", "all", owner="good")
        config = Config(Site(), (), (*sources, good), limits=LIMITS)
        clock = [NOON]
        done: dict[str, list[tuple[float, Polled]]] = {}
        start = time.monotonic()
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with Store.open(":memory:") as store:
            store.feeds.sync(config.sources, NOON)
            async with Poller(
                config,
                store=store,
                clock=lambda: clock[0],
                rng=random.Random(0),
                finished=lambda outcome: done.setdefault(outcome.source_id, []).append(
                    (time.monotonic() - start, outcome)
                ),
            ) as poller:
                await poller.poll_now()
                for number in range(1, max((row["polls"] for row in rows), default=1)):
                    clock[0] = NOON + number * timedelta(seconds=30)
                    polled = {f"e{i}" for i, row in enumerate(rows) if row["polls"] > number}
                    await poller.poll_now(polled & store.feeds.pollable(clock[0]))
            log = await asyncio.to_thread(server.ask, "_log")
            for number, row in enumerate(rows):
                state = store.feeds.state(f"e{number}")
                stored = len(store.entries.of_source(f"e{number}", 1_000))
                assert state is not None
                messages = _endpoint(row, state, stored, done.get(f"e{number}", []), log)
                findings += [f"{row['path']}: {message}" for message in messages]
            if not store.entries.of_source("zgood"):
                findings.append("the good source has no entries")
        if done["zgood"][0][0] > 60:
            findings.append(f"the good source waited {done['zgood'][0][0]:.0f} s")
        if log["canary"]:
            findings.append(f"the canary was reached: {log['canary']}")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
        if grown > 100:
            findings.append(f"+{grown:.0f} MB")
        print(
            f"{len(rows)} endpoints and {silent} silent sources in {time.monotonic() - start:.0f} s, +{grown:.0f} MB; "
            f"the good source after {done['zgood'][0][0]:.1f} s; canary reached {len(log['canary'])} times"
        )
        quiet.close()
    return findings


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def _endpoint(
    row: dict[str, Any], state: FeedState, stored: int, polls: list[tuple[float, Polled]], log: dict[str, Any]
) -> list[str]:
    results = []
    if row["outcome"] == "error" and not state.failures:
        results.append(f"a success ({state.last_message}), an error was due")
    if row["outcome"] == "items" and not stored:
        results.append(f"entries were due: {state.last_message}")
    if row["outcome"] == "error" and row["health"] and not re.search(row["health"], state.last_message, re.IGNORECASE):
        results.append(f"the row says {state.last_message!r}, due /{row['health']}/")
    requests = sum(entry["path"] == row["path"] for entry in log["requests"])
    if requests > row["max_requests"]:
        results.append(f"{requests} requests, at most {row['max_requests']}")
    if len(polls) < row["polls"] and row["cls"] != "status":
        results.append(f"{len(polls)} polls of {row['polls']}")
    return results


def main() -> int:
    """Print every finding; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hostile", type=Path, default=HOSTILE)
    parser.add_argument("--big", action="store_true", help="also the documents over 2 MB")
    parser.add_argument("--silent", type=int, default=40)
    parser.add_argument("--port", type=int, default=8099)
    args = parser.parse_args()
    if not args.hostile.is_dir():
        print(f"nothing hostile at {args.hostile}; name its folder with --hostile")
        return 0
    with tempfile.TemporaryDirectory() as name:
        rows = make_documents(args.hostile, Path(name), big=args.big)
        for line in (args.hostile / "feeds_fetched.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            shown = {"file": f"{case['id']} {case['name']}", "cls": case["class"], "b64": case["b64"]}
            rows.append(shown | {"outcome": "either", "never": [], "max_s": 2.0, "max_mb": 100})
        reads = asyncio.run(parse_documents(rows, Path(name)))
    findings = [finding for read in reads for finding in read.findings]
    slowest = max(reads, key=lambda read: read.cost.cpu_s)
    largest = max(reads, key=lambda read: read.cost.grown_mb)
    print(
        f"{len(reads)} documents, {sum(read.cost.cpu_s for read in reads):.0f} CPU s in the children; the slowest "
        f"{slowest.cost.cpu_s:.2f} ({slowest.file}), the largest +{largest.cost.grown_mb:.0f} MB ({largest.file})"
    )
    findings += asyncio.run(check_server(args.hostile, args.port, args.silent))
    for finding in findings:
        print(f"FAIL {finding}")
    print(f"{len(findings)} findings")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
