"""What clustering and scoring cost, in one table: entries per CPU second, a first poll, starts, and memory; no encoder.

    python -m bench.engine [--data ../shared/data] [--only replay,poll,start,memory] [--lines 8000] [--feeds 1000]
                           [--stored 100000] [--live 50000]

replay   the first lines of a recorded stream of general news through `groundswell replay`, its start included
poll     scoring the entries of a first poll of generated feeds with 25 entries each; see `bench.poll`
start    with that many entries stored, with and without a snapshot; see `bench.restart`
memory   of the clusterer with that many live entries; see `bench.stories_speed`

Without recorded streams, generated ones are used. On a busy machine CPU seconds can double: to compare two versions,
run them one right after the other.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench import _stream, poll, replay, restart, stories_speed

PARTS = ("replay", "poll", "start", "memory")
GENERAL_NEWS = "stream/news_2020_dev.jsonl.gz"
PORT = 8800


def replayed(data: Path, lines: int) -> Iterator[str]:
    """Yield the row of a replay."""
    recorded = data / GENERAL_NEWS
    with tempfile.TemporaryDirectory() as name:
        stream = Path(name) / "stream.jsonl.gz"
        if recorded.exists():
            with gzip.open(recorded, "rt", encoding="utf-8") as file, gzip.open(stream, "wt", encoding="utf-8") as out:
                out.writelines(islice(file, lines))
        else:
            _stream.write(stream, lines, a_day=1_500)
        # A start without bytecode would compile all modules, which an installed program does not.
        first = Path(name) / "first.jsonl"
        with gzip.open(stream, "rt", encoding="utf-8") as file:
            first.write_text(file.readline(), encoding="utf-8")
        replay.replay(first, Path(name), 0)
        summary, cpu_s, mb = replay.replay(stream, Path(name), 1)
    entries = int(str(summary["entries"]))
    kind = "entries of general news" if recorded.exists() else "generated entries"
    yield f"| replay, {entries} {kind} | {entries / cpu_s:.0f} entries per CPU s | {mb:.0f} MB |"


def first_poll(feeds: int) -> Iterator[str]:
    """Yield the row for scoring a first poll."""
    with tempfile.TemporaryDirectory() as name:
        corpus = poll.Corpus(None, Path(name) / "corpus", feeds, sys.executable, PORT)
        try:
            ours = poll.Groundswell(Path(name), corpus.urls)
            ours.poll()
        finally:
            corpus.close()
        cost = ours.update()
        yield f"| first poll, {ours.count()} entries scored | {cost.cpu_s:.1f} CPU s | {cost.peak_mb:.0f} MB |"


def starts(data: Path, stored: int) -> Iterator[str]:
    """Yield a row for a start with a snapshot, and for one without."""
    with tempfile.TemporaryDirectory() as name:
        db = Path(name) / "g.db"
        restart.fill(db, data, stored)
        for way, report in restart.reports(db):
            what = f"start {way}, {report['entries']} entries stored, {report['live']} live"
            yield f"| {what} | {report['cpu_s']:.1f} CPU s | {report['mb']:.0f} MB |"


def memory(data: Path, live: int) -> Iterator[str]:
    """Yield the row for the memory of live entries."""
    mark = live // stories_speed.SAMPLED * stories_speed.SAMPLED
    for entries, _, cost_s, mb in stories_speed.costs(stories_speed.read(data, mark), [mark]):
        yield f"| clusterer, {entries} live entries | {1 / cost_s:.0f} entries per CPU s | {mb:.0f} MB |"


def main() -> None:
    """Print the table, each row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--lines", type=int, default=8_000)
    parser.add_argument("--feeds", type=int, default=1_000)
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--live", type=int, default=50_000)
    args = parser.parse_args()
    # For the child processes.
    os.environ["GROUNDSWELL_ENCODER"] = "off"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = {
        "replay": lambda: replayed(args.data, args.lines),
        "poll": lambda: first_poll(args.feeds),
        "start": lambda: starts(args.data, args.stored),
        "memory": lambda: memory(args.data, args.live),
    }
    print("| what | CPU | memory |")
    print("|---|---|---|")
    for part in PARTS:
        if part in args.only.split(","):
            for row in rows[part]():
                print(row, flush=True)


if __name__ == "__main__":
    main()
