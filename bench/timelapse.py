"""Months of recorded captures, polled at their times: nothing lost, nothing stored twice, even with kills.

    python -m bench.timelapse [--data ../shared/data] [--set news17_2020] [--rounds N] [--kills 20]

A server serves each feed as it was at a given moment; a worker polls every capture in turn and scores the entries. The
table shows how many distinct IDs the documents contain (as feedparser reads them), how many entries were stored, and
what a second run and the kills changed. The worker is a separate process: `python -m bench.timelapse worker DB SERVER
PROGRESS`.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from aggregator.model import Config, Limits, PollLimits, Site, Source
from aggregator.model.clock import SteppedClock
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store
from scoring.relevance.model import load_prior
from scoring.updater import Updater

Captures = Mapping[str, Sequence[tuple[datetime, bytes]]]
"""For each source its documents, oldest first, with the moment of each."""

HOUR = timedelta(hours=1)


def read_captures(archive: Path, sources: Sequence[str] = (), rounds: int | None = None) -> Captures:
    """Return the contents of a timelapse archive, optionally of some sources and the first *rounds* moments only."""
    result: dict[str, list[tuple[datetime, bytes]]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            source, _, name = member.name.partition("/")
            file = tar.extractfile(member)
            if file is None or (sources and source not in sources):
                continue
            moment = datetime.strptime(name.partition(".")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            result.setdefault(source, []).append((moment, file.read()))
    moments = sorted({moment for captures in result.values() for moment, _ in captures})[:rounds]
    return {
        source: sorted((moment, body) for moment, body in captures if moment <= moments[-1])
        for source, captures in sorted(result.items())
    }


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        # Usually the client was killed; anything else is reported.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class CaptureServer:
    """Serves each source's newest capture as of a moment, which `/at/MOMENT` sets."""

    def __init__(self, captures: Captures) -> None:
        self.captures = captures
        self.at = datetime.min.replace(tzinfo=UTC)
        show = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path.startswith("/at/"):
                    show.at = datetime.fromisoformat(self.path.removeprefix("/at/"))
                    self._answer(200, b"ok")
                elif self.path == "/captures":
                    listing = {source: [m.isoformat() for m, _ in list_] for source, list_ in show.captures.items()}
                    self._answer(200, json.dumps(listing).encode())
                else:
                    captured = [body for m, body in show.captures[self.path.strip("/")] if m <= show.at]
                    self._answer(200 if captured else 404, captured[-1] if captured else b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._httpd = _Server(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self._thread = threading.Thread(target=self._httpd.serve_forever)
        self.address = f"127.0.0.1:{self._httpd.server_port}"

    def __enter__(self) -> CaptureServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()


class _NoJitter(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return 0.0


def configuration(server: str, sources: Sequence[str], concurrency: int = 1) -> Config:
    """Return a configuration that polls these sources at every capture, one at a time by default."""
    return Config(
        Site(),
        (),
        tuple(
            Source(
                id=name,
                name=name,
                url=f"http://{server}/{name}",
                category="news",
                owner=name,
                poll=PollLimits(timedelta(minutes=5), HOUR),
            )
            for name in sources
        ),
        limits=Limits(allow_private=("127.0.0.1",), concurrency=concurrency),
    )


async def play(
    db: Path,
    server: str,
    progress: Path | None = None,
    finished: Callable[[Polled], None] | None = None,
    concurrency: int = 1,
) -> None:
    """Poll and score every capture in turn, starting from *progress*; *finished* is called after each poll."""
    report = json.loads(_get(server, "/captures"))
    captured: dict[datetime, list[str]] = {}
    for source_id, texts in report.items():
        for text in texts:
            captured.setdefault(datetime.fromisoformat(text), []).append(source_id)
    moments = sorted(captured)
    first = int(progress.read_text() or 0) if progress and progress.exists() else 0
    clock = SteppedClock(moments[0])
    with Store.open(db) as store:
        config = configuration(server, list(report), concurrency)
        if not store.feeds.names():
            store.feeds.sync(config.sources, clock())
        updater = Updater(store, config, load_prior())
        async with Poller(config, store=store, clock=clock, rng=_NoJitter(0), finished=finished) as poller:
            for number, moment in enumerate(moments[first:], start=first):
                clock.at = moment
                _get(server, f"/at/{moment.isoformat()}")
                due = [source for source in captured[moment] if not _already_polled(store, source, moment)]
                await poller.poll_now(due)
                updater.run(moment)
                if progress:
                    _write(progress, str(number + 1))
    if progress:
        _write(progress.with_suffix(".done"), "done")


def _already_polled(store: Store, source_id: str, moment: datetime) -> bool:
    """Return whether a killed worker had already polled a source at this moment."""
    state = store.feeds.state(source_id)
    return state is not None and state.last_polled_at == moment


def content(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, to compare two databases.

    The engine's snapshot is left out: its time depends on when a worker was stopped.
    """
    connection = sqlite3.connect(db)
    tables = [
        row[0]
        for row in connection.execute("select name from sqlite_master where type = 'table' order by name")
        if not row[0].startswith(("entries_fts", "sqlite_", "_sqlite", "engine_snapshot"))
    ]
    result = {table: connection.execute(f"select * from {table} order by 1, 2").fetchall() for table in tables}
    connection.close()
    return result


def _get(server: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(server, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def play_killed(db: Path, server: str, folder: Path, kills: int, rng: random.Random) -> int:
    """Poll every capture in worker processes, up to *kills* of which are killed; return how many were."""
    command = [sys.executable, "-m", "bench.timelapse", "worker", str(db), server, str(folder / "progress")]
    killed = 0
    while not (folder / "progress.done").exists():
        child = subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent)
        try:
            if child.wait(timeout=rng.uniform(0.8, 2.5) if killed < kills else None):
                raise RuntimeError("the worker failed by itself")
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            killed += 1
    return killed


def distinct_ids(captures: Captures) -> int:
    """Return how many items the documents contain, by source and ID (else link), as feedparser reads them."""
    import feedparser

    results = set()
    for source, documents in captures.items():
        for _, body in documents:
            for item in feedparser.parse(body, sanitize_html=False).entries:
                results.add((source, item.get("id") or item.get("link")))
    return len(results)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", default="news17_2020")
    parser.add_argument("--rounds", type=int, help="only the first moments")
    parser.add_argument("--kills", type=int, default=20)
    args = parser.parse_args()
    archive = args.data / "feeds" / "timelapse" / f"{args.set}.tar.xz"
    if not archive.exists():
        print(f"no captures at {archive}; name their folder with --data")
        return
    captures = read_captures(archive, rounds=args.rounds)
    print(f"{sum(len(documents) for documents in captures.values())} documents of {len(captures)} feeds")
    print(f"distinct ids in them: {distinct_ids(captures)}")
    with tempfile.TemporaryDirectory() as name, CaptureServer(captures) as server:
        folder = Path(name)
        asyncio.run(play(folder / "quiet.db", server.address))
        once = content(folder / "quiet.db")
        print(f"entries stored: {len(once['entries'])}; edits recorded: {len(once['entry_edits'])}")
        killed = play_killed(folder / "killed.db", server.address, folder, args.kills, random.Random(20))
        after = content(folder / "killed.db")
        unequal = [table for table, rows in once.items() if after[table] != rows]
        print(f"after {killed} kills: {'the same database' if not unequal else f'unequal: {unequal}'}")
        asyncio.run(play(folder / "quiet.db", server.address))
        twice = content(folder / "quiet.db")
        unequal = [table for table in ("entries", "entry_edits", "memberships") if twice[table] != once[table]]
        print(f"the whole again: {'nothing changed' if not unequal else f'changed: {unequal}'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(play(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
    else:
        main()
