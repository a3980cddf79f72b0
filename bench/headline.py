"""How well the clarity score of headlines separates news from clickbait, and how often a story changes its headline.

    python -m bench.headline [--data ../shared/data] [--lines 12000]

Labelled headlines on even lines of the file were used to design the rule; those on odd lines are measured.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import groupby, islice
from pathlib import Path

from aggregator.model import Config, Entry, Site
from bench import skip
from scoring.engine import Engine
from scoring.insights.lead_entry import clarity
from scoring.language.terms import STOP_WORDS
from scoring.metrics.ranking import auc
from scoring.relevance.model import load_prior
from scoring.replay.streams import Stream

LABELS = "labels/clickbait_dev.jsonl.gz"
STREAM = "stream/ai_radar_2026_dev.jsonl.gz"


def stop_word_share(title: str) -> float:
    """Return the share of uninformative words."""
    tokens = re.findall(r"[\w'’]+", title)
    return sum(word.lower() in STOP_WORDS for word in tokens) / max(1, len(tokens))


RULES: tuple[tuple[str, Callable[[str], float]], ...] = (
    ("clarity", lambda title: clarity(title, "")),
    ("few stop words", lambda title: -stop_word_share(title)),
    ("long words", lambda title: sum(map(len, title.split())) / max(1, len(title.split()))),
    ('does not say "you"', lambda title: -float(bool(re.search(r"\byou", title, re.I)))),
    ("begins without a figure", lambda title: -float(title[:1].isdigit())),
    ("short", lambda title: -float(len(title.split()))),
)


def clickbait(data: Path) -> None:
    """Print the AUC of each rule on the labelled headlines on odd lines."""
    with gzip.open(data / LABELS, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, 1, None, 2)]
    good = [not row["clickbait"] for row in rows]
    for name, rule in RULES:
        area = auc([rule(row["title"]) for row in rows], good)
        print(f"{name:26}AUC {area or 0.0:.3f}")


def headline_changes(data: Path, count: int) -> None:
    """Print how many stories of three or more entries changed their headline, and how often."""
    engine = Engine(Config(Site(), (), ()), load_prior())
    lead: dict[int, int] = {}
    changes: Counter[int] = Counter()
    sizes: dict[int, int] = {}
    number = 0
    for moment, group in groupby(islice(Stream(data / STREAM), count), key=lambda line: line.arrived_at):
        entries = []
        for line in group:
            number += 1
            entries.append(
                Entry(number, line.source, line.id, line.url, line.title, line.summary, moment, line.published_at)
            )
        for story in engine.step(entries, moment).stories:
            if story.merged_into is None:
                changes[story.story_id] += lead.get(story.story_id, story.lead_entry_id) != story.lead_entry_id
                lead[story.story_id] = story.lead_entry_id
                sizes[story.story_id] = story.entries
    large = [story_id for story_id, size in sizes.items() if size >= 3]
    tally = Counter(min(changes[story_id], 3) for story_id in large)
    mean = sum(changes[story_id] for story_id in large) / max(1, len(large))
    print(f"{len(large)} stories of 3 or more entries; {mean:.2f} changes of headline each")
    for times in sorted(tally):
        print(f"  {times}{' or more' if times == 3 else ''} changes: {tally[times] / len(large):.0%}")


def main() -> None:
    """Print both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--lines", type=int, default=12_000)
    options = parser.parse_args()
    if not (options.data / LABELS).exists():
        skip(options.data / LABELS)
    clickbait(options.data)
    headline_changes(options.data, options.lines)


if __name__ == "__main__":
    main()
