"""How good the front page is on six long weekends, on which there is little news.

    python -m bench.weekends [--data ../shared/data] [--prior FILE] [--recordings FOLDER]

Replays the two streams of AI news as `groundswell evaluate front-page --no-learn --feeds feeds.yaml` does, which takes
minutes, and compares the first ten of every hour with the grades in `bench/labels`. FOLDER keeps what was recorded, so
that another order is measured in seconds. The shipped prior has seen some of these lines; a prior that has not is made
by `python -m scoring.evaluation.priors.relevance --without-days FIRST:LAST`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bench._front_pages import LABELS, recordings
from scoring.evaluation import front_page, labelled_files
from scoring.evaluation.labelled_files import LabelledItem

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each weekend."""
    for name, stream, hours in recordings("python -m bench.weekends", "The front page on long weekends.", arguments):
        for items in weekends(name, stream):
            first = items[0].line.arrived_at.date()
            measured = front_page.hours(hours, items)
            summary = front_page.summary(measured, front_page.by_place)
            print(f"{first}, {len(items)} lines, {len(measured)} hours: {summary}", flush=True)


if __name__ == "__main__":
    main()
