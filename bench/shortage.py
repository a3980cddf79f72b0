"""What happens when a resource runs short, and whether the program recovers by itself.

    python -m bench.shortage [SHORTAGE ...] [--sources 60]

Each shortage is simulated in a separate process: sources are polled before, during and after it, each time with new
entries. While it lasts, the front page must be served and nothing may crash; the source's row or the log must say what
is wrong; afterwards everything published must be stored exactly once. Time is simulated, so only the competing writer
takes real time. A full disk and a read-only one need permission to mount a small file system, and are skipped without
it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.errors import GroundswellError
from aggregator.model import Config, Limits, PollLimits, Site, Source
from aggregator.model.clock import SteppedClock
from aggregator.polling.poller import Poller
from aggregator.store import Store, StoreFault
from aggregator.store.lock import WorkerLock
from tests.feedserver import FeedServer
from web.app import close_app, create_app

ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOURS = timedelta(hours=2)


@dataclass
class Scene:
    """Sources, a database and a clock; `round` publishes another entry per source and polls all due sources."""

    server: FeedServer
    db: Path
    sources: int
    big: int = 0
    """Bytes of text in each entry."""
    published: int = 0
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(NOON))
    messages: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def publish(self) -> Config:
        self.published += 1
        items = "".join(
            f"<item><guid>g{number}</guid><title>News {number}</title><description>{'word ' * (self.big // 5)}"
            f"</description></item>"
            for number in range(self.published)
        )
        urls = [
            self.server.publish(
                f"/{number}.xml", f"<rss version='2.0'><channel><title>S{number}</title>{items}</channel></rss>"
            )
            for number in range(self.sources)
        ]
        poll = PollLimits(timedelta(minutes=5), timedelta(hours=1))
        sources = [Source(f"s{number}", f"S{number}", url, "news", poll=poll) for number, url in enumerate(urls)]
        return Config(Site(), (), tuple(sources), limits=Limits(allow_private=("127.0.0.1",)))

    def round(self) -> None:
        """Publish, let two hours pass, poll what is due, and request the front page."""
        config = self.publish()
        self.clock.at += HOURS

        async def poll() -> None:
            async with Poller(config, store=store, clock=self.clock, rng=random.Random(0)) as poller:
                await poller.poll_now()

        with Store.open(self.db) as store:
            if not store.feeds.names():
                store.feeds.sync(config.sources, self.clock())
            with suppress(StoreFault):
                store.state.set_moment("heartbeat", self.clock())
            asyncio.run(poll())
        self.check_front_page()

    def check_front_page(self) -> None:
        """Request the front page, and record the messages of failing sources."""
        app = create_app(self.db, self.clock)
        try:
            status = app.test_client().get("/").status_code
            if status != 200:
                self.findings.append(f"the front page answers {status}")
            with Store.open(self.db) as store:
                states = [store.feeds.state(f"s{number}") for number in range(self.sources)]
                self.messages += {state.last_message for state in states if state and state.failures}
        finally:
            close_app(app)

    def check_message(self, message: str) -> None:
        """Check that the sources page gives *message* as the reason why nothing is stored."""
        app = create_app(self.db, self.clock)
        try:
            if f"cannot write: {message}" not in app.test_client().get("/sources").text:
                self.findings.append(f"the sources page does not say: {message}")
        finally:
            close_app(app)

    def finish(self) -> None:
        """After two more rounds, everything must be stored once, and the next polls must be near."""
        self.round()
        self.round()
        with Store.open(self.db) as store:
            self.findings += store.faults()
            count = store.entries.count()
            if count != self.sources * self.published:
                self.findings.append(f"{count} entries, {self.sources * self.published} were published")
            last = max(state.next_poll_at for n in range(self.sources) if (state := store.feeds.state(f"s{n}")))  # type: ignore[type-var]
            if last is None or last > self.clock() + timedelta(hours=25):
                self.findings.append(f"a source is not polled before {last}")


def _writer(scene: Scene) -> None:
    """Another program holds the write lock for 15 s."""
    scene.round()
    other = sqlite3.connect(scene.db, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    threading.Timer(15, other.rollback).start()
    start = time.monotonic()
    scene.round()
    scene.messages.append(f"a round took {time.monotonic() - start:.0f} s")


def _files(scene: Scene) -> None:
    """64 file descriptors, for sources that would use more."""
    scene.round()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    scene.round()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _memory(scene: Scene) -> None:
    """400 MB of memory for the polling process."""
    scene.round()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (400_000_000, before[1]))
    scene.round()
    resource.setrlimit(resource.RLIMIT_DATA, before)


def _clock(scene: Scene) -> None:
    """The clock jumps back a year, then forward two."""
    scene.round()
    scene.clock.at -= timedelta(days=365)
    scene.round()
    scene.clock.at += timedelta(days=730)
    scene.round()


def _full(scene: Scene) -> None:
    """A disk of 8 MB."""
    with _mounted(scene, "size=8m"):
        scene.big = 500
        scene.round()
        filler = scene.db.parent / "filler"
        with WorkerLock(scene.db), Store.open(scene.db):  # as in the running program
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4_096)
            scene.round()
            scene.check_message("the disk is full")
            filler.unlink()
        scene.finish()


def _read_only(scene: Scene) -> None:
    """A file system that is read-only for a while, as the program sees it."""
    with _mounted(scene, "size=64m"):
        scene.round()
        place = scene.db.parent
        with WorkerLock(scene.db), Store.open(scene.db):  # as in the running program: with the -wal and -shm files
            subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
            try:
                scene.round()
            except GroundswellError as error:
                scene.messages.append(f"refused: {error}")
                scene.check_front_page()
            finally:
                scene.check_message("the file system is read-only")
                subprocess.run(["umount", "-l", str(place)], check=True)
        scene.finish()


SHORTAGES: dict[str, Callable[[Scene], None]] = {
    "foreign-writer": _writer,
    "files": _files,
    "memory": _memory,
    "clock": _clock,
    "disk-full": _full,
    "read-only": _read_only,
}


class _CannotError(Exception):
    pass


@contextmanager
def _mounted(scene: Scene, options: str) -> Iterator[None]:
    place = scene.db.parent / "mounted"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        raise _CannotError("no right to mount a file system")
    scene.db = place / "news.db"
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def _told(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return record.getMessage() + (f" ({type(error).__name__}: {error})" if error else "")


def play(name: str, sources: int) -> dict[str, object]:
    """Run one shortage and return the results."""
    log: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: log.append(_told(record))  # type: ignore[method-assign]
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    with tempfile.TemporaryDirectory() as folder, FeedServer() as server:
        scene = Scene(server, Path(folder) / "news.db", sources)
        try:
            SHORTAGES[name](scene)
        except _CannotError as error:
            return {"skipped": str(error)}
        if "mounted" not in scene.db.parts:
            scene.finish()
        return {"findings": scene.findings, "rows": sorted(set(scene.messages)), "log": sorted(set(log))[:3]}


def played(name: str, sources: int) -> dict[str, list[str]]:
    """Run one in a separate process; the result has `skipped` if it cannot be run on this machine."""
    command = [sys.executable, "-m", "bench.shortage", "--play", name, "--sources", str(sources)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    outcome: dict[str, list[str]] = json.loads(lines[-1]) if lines and not done.returncode else {}
    return outcome or {"findings": [done.stderr[-2_000:]]}


def main() -> int:
    """Print a line per shortage; return 1 if the program did not recover from one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shortages", nargs="*", metavar="SHORTAGE", help=", ".join(SHORTAGES))
    parser.add_argument("--sources", type=int, default=60)
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.play:
        print(json.dumps(play(args.shortages[0], args.sources)))
        return 0
    failed = False
    for name in args.shortages or SHORTAGES:
        start = time.monotonic()
        outcome = played(name, args.sources)
        if "skipped" in outcome:
            print(f"{name}: skipped, {outcome['skipped']}")
            continue
        failed |= bool(outcome["findings"])
        print(f"{name}: {'FAIL' if outcome['findings'] else 'well again'} after {time.monotonic() - start:.0f} s")
        for kind in ("findings", "rows", "log"):
            for message in outcome.get(kind, []):
                print(f"    {kind}: {message[:300]}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
