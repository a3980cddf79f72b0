"""How good the front page is on six long weekends, on which there is little news.

    python -m bench.weekends [--data ../shared/data] [--prior FILE] [--recordings FOLDER]

Replays the two streams of AI news as `groundswell evaluate front-page --no-learn --feeds feeds.yaml` does, which takes
minutes, and compares the first ten of every hour with the grades in `bench/labels`. FOLDER keeps what was recorded, so
that another order is measured in seconds. The shipped prior has seen some of these lines; a prior that has not is made
by `python -m scoring.evaluation.priors.relevance --without-days FIRST:LAST`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from aggregator.config import load_config
from bench import skip
from scoring.cli.recordings import stream_reader
from scoring.evaluation import front_page, labelled_files, recording
from scoring.evaluation.labelled_files import LabelledItem
from scoring.relevance.model import load_prior, read_prior

STREAMS = {
    "ai_press_2024_25": "stream/ai_press_2024_25_dev.jsonl.gz",
    "ai_press_2026": "labels/ai_press_2026_techmeme_dev.jsonl.gz",
}
LABELS = Path(__file__).parent / "labels"
APART = timedelta(days=3)
"""Items further apart are of different weekends."""


def weekends(name: str, stream: Path) -> list[list[LabelledItem]]:
    """Return the graded lines of each weekend of a stream, in order of time."""
    results: list[list[LabelledItem]] = []
    for item in labelled_files.read(LABELS / f"{name}.weekends.tsv", items=stream):
        if not results or item.line.arrived_at - results[-1][-1].line.arrived_at > APART:
            results.append([])
        results[-1].append(item)
    others = labelled_files.read(LABELS / f"{name}.labels.tsv", items=stream)
    return [items + [other for other in others if _between(items, other)] for items in results]


def _between(items: Sequence[LabelledItem], other: LabelledItem) -> bool:
    """Return whether an item arrived on one of the days of *items*, which are in order of time."""
    return items[0].line.arrived_at.date() <= other.line.arrived_at.date() <= items[-1].line.arrived_at.date()


def recorded(stream: Path, kept: Path | None, prior: Path | None) -> recording.Recording:
    """Return what the site knew hour by hour, from the file *kept* if it exists."""
    if kept is not None and kept.exists():
        return recording.load(kept)
    config = load_config(Path("feeds.yaml"), env=os.environ)
    with stream_reader(config) as read:
        result = recording.record(
            read(stream, ""), config, load_prior() if prior is None else read_prior(prior), learn=False
        )
    if kept is not None:
        recording.save(result, kept)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each weekend."""
    parser = argparse.ArgumentParser(prog="python -m bench.weekends", description="The front page on long weekends.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--prior", type=Path, help="start from this prior; default: the shipped one")
    parser.add_argument("--recordings", type=Path, help="read the recorded hours from this folder, or keep them there")
    options = parser.parse_args(arguments)
    for name, file in STREAMS.items():
        stream = options.data / file
        if not stream.exists():
            skip(stream)
        hours = recorded(stream, options.recordings and options.recordings / f"{name}.hours.gz", options.prior)
        for items in weekends(name, stream):
            first = items[0].line.arrived_at.date()
            measured = front_page.hours(hours, items)
            summary = front_page.summary(measured, front_page.by_place)
            print(f"{first}, {len(items)} lines, {len(measured)} hours: {summary}", flush=True)


if __name__ == "__main__":
    main()
