"""How often the front page repeats an event, with and without the comparison by meaning.

    python -m bench.repeats [--data ../shared/data] [--prior FILE] [--recordings FOLDER]

Replays the two streams of AI news that `bench/labels/*.stories.tsv` labels, as `bench.weekends` does, and reads the
same recordings. Counts, over all hours, the labelled stories among the first ten, and those that repeat the event of a
story above.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bench._front_pages import LABELS, recordings
from scoring.engine import Coverage
from scoring.evaluation import front_page, labelled_files
from scoring.evaluation.front_page import Hour
from scoring.evaluation.labelled_files import Label, LabelledItem
from scoring.evaluation.recording import Moment, Recording
from scoring.evaluation.stories import read_gold
from scoring.replay.streams import Stream

DAY = timedelta(hours=24)
MIN_LABELLED = 25
"""Hours after a day with fewer labelled entries are left out: they are at the edge of a labelled stretch."""


def labelled(name: str, stream: Path) -> list[LabelledItem]:
    """Return the lines of a stream whose story is labelled."""
    story_of = read_gold(LABELS / f"{name}.stories.tsv")
    return [LabelledItem(line, Label(story=story_of[line.id])) for line in Stream(stream, "") if line.id in story_of]


def hours(recording: Recording, items: Sequence[LabelledItem]) -> Iterator[Hour]:
    """Yield the hours of the labelled stretches."""
    labels = front_page.labels_of_entries(recording, labelled_files.by_key(list(items)))
    arrivals: list[datetime] = sorted(item.line.arrived_at for item in items)
    for moment in recording.moments:
        within_a_day = bisect.bisect(arrivals, moment.at) - bisect.bisect(arrivals, moment.at - DAY)
        if within_a_day >= MIN_LABELLED:
            yield Hour(moment, labels)


def by_words_alone(moment: Moment, recent: Sequence[Coverage]) -> Sequence[int]:
    """Return the order of the front page without a sentence encoder."""
    stories = tuple(replace(story, embedding=None) for story in moment.stories)
    return front_page.by_place(replace(moment, stories=stories), recent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each stream and order."""
    described = "Events that the front page repeats."
    for name, stream, recording in recordings("python -m bench.repeats", described, arguments):
        measured = list(hours(recording, labelled(name, stream)))
        for title, order in (("as shipped", front_page.by_place), ("words alone", by_words_alone)):
            pages = [(hour, hour.page(order)) for hour in measured]
            known = sum(hour.with_event(page) for hour, page in pages)
            again = sum(hour.repeats(page) for hour, page in pages)
            print(f"{name}, {len(pages)} hours, {title}: {again} of {known} places repeat ({again / known:.3f})")


if __name__ == "__main__":
    main()
