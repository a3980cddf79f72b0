"""What an entry costs the clusterer as the number of open stories grows, and how much memory they take.

    python -m bench.stories_speed [--data ../shared/data] [--live 5000 50000 200000]

Takes the entries of the recorded streams in random order, those with a summary first, one per second, so that no story
closes and every entry stays live; without recorded data, generated ones. Before each mark, measures the CPU time of
2,000 entries, analysis of their text included; at the mark, the memory of the clusterer and of the whole process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench import _stream
from scoring.clustering.clusterer import Clusterer
from scoring.language.analysed_text import analyse
from scoring.language.terms import DocumentFrequency, load_background

STREAMS = (
    "stream/news_2020_dev",
    "stream/ai_press_2024_25_dev",
    "stream/ai_radar_2026_dev",
    "stream/gnews_top_hourly_dev",
    "clustering/allsides_background_dev",
    "clustering/gnews",
    "clustering/uci_dev",
)
SAMPLED = 2_000
PARTS = 5
"""The median of so many parts of a sample counts: others use the machine too."""


def texts(data: Path) -> list[tuple[str, str, str]]:
    """Return title, summary and source of every recorded entry, without repeats, those with a summary first."""
    result: dict[tuple[str, str], str] = {}
    for name in STREAMS:
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                result.setdefault((row["title"], row.get("summary") or ""), row["source"])
    drawn = [(title, summary, source) for (title, summary), source in result.items()]
    random.Random(0).shuffle(drawn)
    return sorted(drawn, key=lambda entry: not entry[1])


def read(data: Path, live: int) -> list[tuple[str, str, str]]:
    """Return title, summary and source of *live* entries, generated ones if there is no recorded stream."""
    if not (data / "stream").exists():
        print(f"no recorded streams in {data}: one is generated")
        return [(row["title"], row["summary"], row["source"]) for row in _stream.rows(live, a_day=5_000)]
    return texts(data)[:live]


def resident_mb() -> float:
    """Return the resident memory of the process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def costs(entries: list[tuple[str, str, str]], marks: list[int]) -> Iterator[tuple[int, int, float, float]]:
    """Yield at each mark the live entries, the stories, the CPU seconds per entry, and the MB."""
    clusterer = Clusterer(DocumentFrequency(load_background()), window=timedelta(days=365), longest=timedelta(days=365))
    before = resident_mb()
    parts: list[float] = []
    began = time.process_time()
    for number, (title, summary, source) in enumerate(entries, start=1):
        at = float(number)
        text = analyse(entry_id=number, source_id=source, link="", title=title, summary=summary, at=at, arrived=at)
        clusterer.expire(at)
        clusterer.add(text, clusterer.place(text).story_id)
        if number % (SAMPLED // PARTS) == 0:
            now = time.process_time()
            parts.append((now - began) * PARTS / SAMPLED)
            if number in marks:
                yield number, len(clusterer), median(parts[-PARTS:]), resident_mb() - before
            began = time.process_time()


def main() -> None:
    """Print a row for each number of live entries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--live", type=int, nargs="+", default=[5_000, 50_000, 200_000])
    args = parser.parse_args()
    entries = read(args.data, max(args.live))
    base = resident_mb()
    marks = sorted({min(live, len(entries)) // SAMPLED * SAMPLED for live in args.live})
    print("| live entries | stories | entries / CPU s | MB of the clusterer | with the program's own |")
    print("|---|---|---|---|---|")
    for live, stories, cost, mb in costs(entries[: max(marks)], marks):
        print(f"| {live} | {stories} | {1 / cost:.0f} | {mb:.0f} | {base + mb:.0f} |", flush=True)


if __name__ == "__main__":
    main()
