"""A sample of the stories of a recorded stream for a person to read: which are one event, and which pairs were missed?

    python -m bench.stories_read STREAM [--stories 50] [--pairs 50] [--seed 1] [--entries 25000]

Prints random stories of three or more entries, then random near misses: an entry that began a new story, and the latest
entry of the story it was closest to joining. Runs the shipped clusterer with re-clustering, without the parts of the
program that do not affect clustering.
"""

from __future__ import annotations

import argparse
import random
from itertools import islice
from pathlib import Path

from aggregator.text.urls import canonical
from bench import skip
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Clusterer
from scoring.language.analysed_text import AnalysedText, analyse
from scoring.language.terms import DocumentFrequency, load_background
from scoring.replay.streams import Line, Stream

NEAR = -1.5
"""Log-odds; an entry joins from 0."""

FIRST = 6
"""Entries of a story that are shown."""
STREAM = Path("../shared/data/stream/ai_radar_2026_dev.jsonl.gz")


def text_of(number: int, line: Line) -> AnalysedText:
    """Return a line as the clusterer's input."""
    arrived = line.arrived_at.timestamp()
    published = line.published_at.timestamp() if line.published_at else arrived
    return analyse(
        entry_id=number,
        source_id=line.source,
        link=canonical(line.url) if line.url else "",
        title=line.title,
        summary=line.summary,
        at=min(arrived, published),
        arrived=arrived,
        embedding=line.embedding,
    )


def run(lines: list[Line], rng: random.Random) -> tuple[dict[int, list[int]], list[tuple[int, int]]]:
    """Return the stories, each as its entries' numbers, and pairs of an entry and one it was kept apart from."""
    clusterer = Clusterer(DocumentFrequency(load_background()))
    members: dict[int, list[int]] = {}
    pairs = []
    for number, line in enumerate(lines):
        text = text_of(number, line)
        clusterer.expire(text.arrived)
        placement = clusterer.place(text)
        merge = reclustering.merge_of(clusterer, text, placement)
        clusterer.add(text, placement.story_id)
        members.setdefault(placement.story_id, []).append(number)
        if merge is not None:
            clusterer.merge(merge.into, merge.story_id)
            members[merge.into] = sorted(members[merge.into] + members.pop(merge.story_id))
        # A comparison costs as much as placing the entry, and a few thousand are enough to draw from.
        if placement.story_id == number and rng.random() < 0.1:
            near = clusterer.rival(text, number, NEAR)
            if near is not None:
                pairs.append((number, members[near][-1]))
    return members, pairs


def shown(line: Line, origin: Line) -> str:
    """Return an entry as one line, its time in hours since *origin*."""
    hours = (line.arrived_at - origin.arrived_at).total_seconds() / 3600
    return f"{hours:+6.1f} h  {line.source[:24]:24}  {line.title[:110]}  | {line.summary[:80]}"


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream", type=Path, nargs="?", default=STREAM)
    parser.add_argument("--stories", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=25_000)
    args = parser.parse_args()
    if not args.stream.exists():
        skip(args.stream)
    rng = random.Random(args.seed)
    lines = list(islice(Stream(args.stream), args.entries))
    members, pairs = run(lines, rng)
    large = [entries for _, entries in sorted(members.items()) if len(entries) >= 3]
    single = sum(len({lines[number].source for number in entries}) == 1 for entries in large)
    print(f"{len(lines)} entries, {len(members)} stories, {len(large)} of three or more entries", end="")
    print(f" ({single} of these with a single source); the largest: {sorted(map(len, large))[-5:]}")
    for place, entries in enumerate(rng.sample(large, min(args.stories, len(large))), start=1):
        print(f"\nstory {place}: {len(entries)} entries")
        for number in entries[:FIRST]:
            print("  " + shown(lines[number], lines[entries[0]]))
    for place, (first, second) in enumerate(rng.sample(pairs, min(args.pairs, len(pairs))), start=1):
        print(f"\npair {place}:\n  {shown(lines[first], lines[first])}\n  {shown(lines[second], lines[first])}")


if __name__ == "__main__":
    main()
