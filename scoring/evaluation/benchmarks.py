"""Every task that the program is measured on, in one list: what it needs, what to reach, how it is run.

A task is run on the recorded data that is there (`groundswell evaluate`); who adds one adds a line to `TASKS`.
Leaves the measuring to the modules that are named in it, which are loaded when a task is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

TRAIN_SHARE = 0.7
"""Of a file without a later one: whole days from its begin that are learned from; the rest measures."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a task: a table to read, and the same for a program."""

    lines: Sequence[str]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """Something the program is measured on."""

    name: str
    files: tuple[str, ...]
    """What it needs, below the folder of the data."""
    goal: str
    run: Callable[[Path], Outcome]
    """Takes the folder."""

    def missing(self, data: Path) -> list[str]:
        """Return which of its files are not in *data*."""
        return [file for file in self.files if not (data / file).is_file()]


def present(data: Path, only: Sequence[str] = ()) -> Iterator[tuple[Task, list[str]]]:
    """Yield the tasks, those called *only* where that is given, with the files that each lacks."""
    for task in TASKS:
        if not only or task.name in only:
            yield task, task.missing(data)


def _relevance(
    data: Path, file: str, label: str, at_least: float | None = None, top_share: float | None = None
) -> Outcome:
    from scoring.evaluation import relevance as evaluating

    rows = evaluating.read_rows(data / file, label)
    cut = rows[int(TRAIN_SHARE * len(rows))].arrived_at
    cut = cut.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    before = [row for row in rows if row.arrived_at < cut]
    if top_share is not None:
        at_least = evaluating.threshold(before, top_share)
    report = evaluating.evaluate(
        evaluating.labelled(before, at_least),
        evaluating.labelled([row for row in rows if row.arrived_at >= cut], at_least),
    )
    return Outcome(evaluating.lines(report), asdict(report))


def _task(
    name: str, file: str, goal: str, label: str, *, at_least: float | None = None, top_share: float | None = None
) -> Task:
    path = f"labels/{file}.jsonl.gz"
    run = partial(_relevance, file=path, label=label, at_least=at_least, top_share=top_share)
    return Task(name, (path,), goal, run)


def _terms(data: Path) -> Outcome:
    from scoring.evaluation import topics as evaluating
    from scoring.replay.streams import Stream

    report = evaluating.evaluate(Stream(data / NEWS_STREAM))
    return Outcome(evaluating.lines(report), asdict(report))


def _trend(data: Path) -> Outcome:
    from aggregator.model import Config, Site
    from scoring.evaluation import trending
    from scoring.relevance.model import load_prior
    from scoring.replay.streams import Stream

    report = trending.evaluate(Stream(data / NEWS_STREAM), Config(Site(), (), ()), load_prior())
    return Outcome(trending.lines(report), asdict(report))


def _categories(data: Path, file: str) -> Outcome:
    from scoring.evaluation import categories as evaluating

    rows = evaluating.read_rows(data / file)
    cut = int(TRAIN_SHARE * len(rows))
    report = evaluating.evaluate(rows[cut:], rows[:cut])
    return Outcome(evaluating.lines(report), asdict(report))


NEWS_STREAM = "stream/news_2020_dev.jsonl.gz"
AG_NEWS = "labels/agnews_dev.jsonl.gz"

TASKS: list[Task] = [
    _task("techmeme", "ai_press_2026_techmeme_dev", "AUC .90, nDCG@10 .75, ECE .03", "techmeme"),
    _task("gnews", "gnews_top_2020_dev", "AUC .80, nDCG@10 .70", "in_top"),
    _task("proggit", "proggit_dev", "AUC .82", "score", at_least=50),
    _task("lobsters", "lobsters_dev", "AUC .76", "score", top_share=0.25),
    _task("hn_front", "hn_front_dev", "AUC .70", "points", at_least=150),
    Task("terms", (NEWS_STREAM,), "P@10 .35", _terms),
    Task("trend", (NEWS_STREAM,), "above every rule", _trend),
    Task("categories", (AG_NEWS,), "accuracy .90", partial(_categories, file=AG_NEWS)),
]
"""In the order in which they are run."""
