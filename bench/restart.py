"""How long the scorer takes to start from a database, and whether it then continues as if it had never stopped.

    python -m bench.restart [--data ../shared/data] [--entries 100000] [--db FILE]

Fills a database from the recorded streams, one after the other, shifted in time so that each follows the last; without
recorded data, from a generated stream. With `--db`, uses a copy of that database instead. Then starts a scorer in a
separate process and measures the CPU seconds of the start alone and the peak memory. The snapshot is as old as one ever
gets; starts without one (after an upgrade or a change of settings) are measured too. Entries have the categories of the
shipped feeds.yaml.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.config import load_config
from aggregator.store import Store
from bench import _stream
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay
from scoring.replay.streams import Stream
from scoring.updater import Updater

STREAMS = ("ai_radar_2026_dev", "news_2020_dev")
CONFIG = load_config(Path(__file__).parents[1] / "feeds.yaml", env={})


def lines(data: Path, entries: int) -> Iterator[str]:
    """Yield *entries* lines of the streams, each stream after the previous one."""
    end: datetime | None = None
    left = entries
    for name in STREAMS:
        shift: timedelta | None = None
        with gzip.open(data / "stream" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                at = datetime.fromisoformat(row.get("first_seen") or row["published"])
                if shift is None:
                    shift = timedelta() if end is None else end - at
                for column in ("first_seen", "published"):
                    if row.get(column):
                        row[column] = (datetime.fromisoformat(row[column]) + shift).isoformat()
                if left == 0:
                    return
                left -= 1
                end = max(end or at, at + shift)
                yield json.dumps(row)


def fill(db: Path, data: Path, entries: int) -> None:
    """Replay *entries* into a new database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.jsonl.gz"
        if (data / "stream").exists():
            with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as out:
                out.writelines(f"{line}\n" for line in lines(data, entries))
        else:
            _stream.write(path, entries, a_day=1_500)
        with Store.open(db) as store:
            replay(Stream(path), CONFIG, load_prior(), db=store)


def start(db: Path) -> None:
    """Start from *db* and print the cost."""
    model = load_prior()
    with Store.open(db) as store:
        began = time.process_time()
        engine = Updater(store, CONFIG, model).engine
        took = time.process_time() - began
        print(
            json.dumps(
                {
                    "entries": store.entries.count(),
                    "live": sum(story.entries for story in engine.stories()),
                    "cpu_s": took,
                    "mb": peak_mb(),
                }
            )
        )


def reports(db: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the cost of a start from a database, each in a separate process: as it is, and without its snapshot."""
    for way in ("from a snapshot", "without one"):
        if way == "without one":
            with Store.open(db) as store:
                store.snapshots.drop()
        command = [sys.executable, "-m", "bench.restart", "--start", str(db)]
        yield way, json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def peak_mb() -> float:
    """Return the peak memory of this program; `getrusage` would include its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Print a row for each way to start."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.start is not None:
        start(args.start)
        return
    if args.db is None and not (args.data / "stream").exists():
        print(f"no recorded streams in {args.data / 'stream'}: one is generated")
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "g.db"
        if args.db is not None:
            shutil.copy(args.db, db)
        else:
            fill(db, args.data, args.entries)
        print("| start | entries | of them live | CPU s | peak MB |")
        print("|---|---|---|---|---|")
        for way, report in reports(db):
            print(
                f"| {way} | {report['entries']} | {report['live']} | {report['cpu_s']:.1f} | {report['mb']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
