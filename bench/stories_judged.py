"""Pairs of headlines judged by a person: which report one event, and which does the program put into one story?

    python -m bench.stories_judged [--data ../shared/data]

Takes about a minute. Each pair is an entry and the most similar entry of the story it joined, drawn at random from the
joins of an earlier clusterer (except reprints with the same link or headline) and read once by one person; debatable
pairs were left out. So it shows how many false joins are avoided and how many correct ones are lost, but nothing about
what the earlier clusterer missed. Headlines are identified by a hash (`key`) instead of their text.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from itertools import islice
from pathlib import Path

from bench.stories_read import text_of
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Clusterer
from scoring.language.analysed_text import AnalysedText
from scoring.language.terms import DocumentFrequency, load_background
from scoring.replay.streams import Line, Stream

JUDGED = Path(__file__).with_name("stories_judged.tsv")
"""Part, stream, key of each of the two, and 1 where they are of one event."""

ENTRIES = {"ai_radar_2026": 25_000, "news_2020": 12_000}
"""The beginning of each stream that the pairs were drawn from."""


def key(line: Line) -> str:
    """Return the identifier of a line in the list."""
    return hashlib.sha256(f"{line.arrived_at.isoformat()}\n{line.source}\n{line.title}".encode()).hexdigest()[:16]


def stories(lines: list[Line]) -> dict[int, int]:
    """Return the story of each line by its number; entries of the same moment are taken in the engine's order."""
    texts = sorted(
        (text_of(number, line) for number, line in enumerate(lines)),
        key=lambda text: (text.arrived, text.at, text.source_id, lines[text.entry_id].title, text.entry_id),
    )
    clusterer = Clusterer(DocumentFrequency(load_background()))
    members: dict[int, list[int]] = {}
    for text in texts:
        story_id = _taken(clusterer, text, members)
        members.setdefault(story_id, []).append(text.entry_id)
    return {number: story_id for story_id, numbers in members.items() for number in numbers}


def _taken(clusterer: Clusterer, text: AnalysedText, members: dict[int, list[int]]) -> int:
    """Assign *text* to a story; return that story, after any merge it causes."""
    clusterer.expire(text.arrived)
    placement = clusterer.place(text)
    merge = reclustering.merge_of(clusterer, text, placement)
    clusterer.add(text, placement.story_id)
    if merge is None:
        return placement.story_id
    clusterer.merge(merge.into, merge.story_id)
    members[merge.into] = members.get(merge.into, []) + members.pop(merge.story_id, [])
    return merge.into if placement.story_id == merge.story_id else placement.story_id


def main() -> None:
    """Print a row for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    judged = [row.split("\t") for row in JUDGED.read_text(encoding="utf-8").splitlines()]
    joined: Counter[tuple[str, str]] = Counter()
    of: Counter[tuple[str, str]] = Counter()
    for name, entries in ENTRIES.items():
        path = args.data / "stream" / f"{name}_dev.jsonl.gz"
        if not path.exists():
            print(f"{path} is not there")
            continue
        lines = list(islice(Stream(path), entries))
        numbers = {key(line): number for number, line in enumerate(lines)}
        story_of = stories(lines)
        for part, stream, first, second, same in judged:
            if stream == name:
                of[part, same] += 1
                joined[part, same] += story_of[numbers[first]] == story_of[numbers[second]]
    print("| pairs | of two events, joined | of one event, joined |")
    print("|---|---|---|")
    for part in dict.fromkeys(part for part, _ in of):
        cells = [f"{joined[part, same]} of {of[part, same]}" for same in "01"]
        print(f"| {part} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
