"""How much memory the worker's engine holds after months of news: it must level off.

    python -m bench.memory [STREAM ...] [--data ../shared/data] [--months 7] [--a-day 330]

Runs each stream (by default the longest recorded one, or a generated one) through the engine as the worker does, in a
separate process with the worker's settings for its heap, and prints its memory twice per month of the stream. The last
figure must be within 5 % of the end of the second month (of the first fortnight if a stream is shorter), and below
300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import _stream

STREAM = "gnews_top_hourly_dev"
MAX_GROWTH = 0.05
MAX_MB = 300.0
REPLAY = """
import gc, json, os, sys
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from aggregator.config import parse_config
from aggregator.model import Entry
from aggregator.process import keep_heap_small, trim_memory
from scoring.engine import Engine
from aggregator.store.files.models import ModelFolder
from scoring.learning.model_store import current
from scoring.replay.streams import Stream

keep_heap_small()
config = parse_config("categories: [{id: news, name: News}]", env={})
engine = Engine(config, current(ModelFolder(Path(sys.argv[2]))))
current, entries, ranked = None, 0, datetime(1970, 1, 1, tzinfo=UTC)

def take_sample(span):
    gc.collect()
    trim_memory()  # the worker does so every minute
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    print(json.dumps({"span": span, "entries": entries, "mb": mb}), flush=True)

for now, lines in groupby(Stream(sys.argv[1]), key=lambda line: line.arrived_at):
    span = now.strftime("%Y-%m") + ("-1" if now.day <= 15 else "-2")
    if span != current:
        current = span
        take_sample(span)
    events = []
    for line in lines:
        entries += 1
        events.append(Entry(entries, line.source or "unknown", str(entries), line.url, line.title, line.summary,
                            first_seen_at=now, published_at=line.published_at, language=line.language))
    engine.step(events, now)
    if now - ranked > timedelta(hours=1):
        ranked = now
        engine.rank(now)
take_sample("end")
"""


def measure(stream: Path, folder: Path) -> list[tuple[str, int, float]]:
    """Replay a stream; return the half-month, entries so far and megabytes for each half-month."""
    command = [sys.executable, "-c", REPLAY, str(stream), str(folder / "models")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ})
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [(row["span"], row["entries"], row["mb"]) for row in rows]


def violations(samples: list[tuple[str, int, float]]) -> list[str]:
    """Return the violated limits."""
    # The first figure is the empty engine, the second may cover only a few days; the fifth is after two months.
    settled = samples[4 if len(samples) > 8 else min(2, len(samples) - 1)][2]
    last = samples[-1][2]
    results = []
    if last > settled * (1 + MAX_GROWTH):
        results.append(f"grew by {100 * (last / settled - 1):.0f} % from {settled:.0f} MB, when it should have settled")
    if last > MAX_MB:
        results.append(f"{last:.0f} MB")
    return results


def main() -> int:
    """Print a row per half-month; return 1 if memory grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--months", type=int, default=7, help="of a generated stream")
    parser.add_argument("--a-day", type=int, default=330, help="entries of a generated stream")
    args = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded = args.data / "stream" / f"{STREAM}.jsonl.gz"
        streams = args.streams or ([recorded] if recorded.exists() else [])
        if not streams:
            print(f"no recorded streams in {args.data / 'stream'}: one is generated")
            streams = [folder / "generated.jsonl.gz"]
            _stream.write(streams[0], 30 * args.months * args.a_day, args.a_day)
        for stream in streams:
            print(f"| {stream.name} | entries | MB |\n|---|---|---|", flush=True)
            samples = measure(stream, folder)
            for span, entries, megabytes in samples:
                print(f"| {span} | {entries:,} | {megabytes:.0f} |")
            for finding in violations(samples):
                wrong += 1
                print(f"FAIL {stream.name}: {finding}")
    print(f"{wrong} findings")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
