"""Measure the category and score that the site gave each entry when it arrived.

One replay of the whole stream, so that the engine is warm where the labelled items come.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregator.model import Config
from scoring.evaluation.labelled_files import NO_CATEGORY, Label, LabelledItem, by_key, key_of
from scoring.learning.train import Learner
from scoring.metrics.bootstrap import Interval, mean, resampled
from scoring.metrics.ranking import auc
from scoring.relevance.model import RelevanceModel
from scoring.replay.runner import replay
from scoring.replay.streams import Stream

WORTHY = 2
"""From this grade on an item belongs on the front page."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A labeled item, with the score and category at its arrival."""

    label: Label
    day: str
    score: int
    category_id: str

    @property
    def predicted(self) -> str:
        """The category in the words of a label."""
        return self.category_id or NO_CATEGORY

    @property
    def accepted(self) -> bool:
        """Whether the category is an acceptable one."""
        return self.predicted in self.label.categories


def arrivals(
    stream: Stream,
    items: Sequence[LabelledItem],
    config: Config,
    model: RelevanceModel,
    *,
    learn: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[Arrival]:
    """Replay *stream* and return its labeled items with score and category at their arrival."""
    labels = by_key(list(items))
    wanted = {
        line.id: labels[key_of(line)] for line in Stream(stream.path, stream.time_column) if key_of(line) in labels
    }
    learner = Learner(config) if learn else None
    output = io.StringIO()
    replay(
        stream,
        config,
        model,
        scores=output,
        retrain=learner,
        observer=learner.past if learner is not None else None,
        progress=progress,
    )
    return list(_labelled(output.getvalue(), wanted))


def _labelled(rows: str, wanted: Mapping[str, Label]) -> Iterator[Arrival]:
    for text in rows.splitlines():
        row = json.loads(text)
        label = wanted.get(row["id"])
        if label is not None:
            yield Arrival(label, row["at"][:10], row["score"], row["category"])


@dataclass(frozen=True, slots=True)
class Report:
    """Accuracy of categories and scores at arrival; None if labels are missing."""

    items: int
    exact: Interval | None
    """Share whose category is the labeller's first choice."""
    accepted: Interval | None
    """Share whose category is one that a fair editor accepts; no category is right where "none" is acceptable."""
    accepted_on_topic: Interval | None
    """The same, of items whose first choice is a category."""
    off_topic: int
    """Items that belong to no category; they count in neither share."""
    score_auc: float | None
    """Of the score, for grade 2 or 3."""


def report(rows: Sequence[Arrival], seed: int = 0) -> Report:
    """Measure scores and categories at arrival."""
    placed = [arrival for arrival in rows if arrival.label.on_topic]
    days = [arrival.day for arrival in placed]
    first = [arrival for arrival in placed if arrival.label.categories[0] != NO_CATEGORY]
    graded = [arrival for arrival in rows if arrival.label.grade is not None]
    return Report(
        items=len(rows),
        exact=resampled(days, [float(a.predicted == a.label.categories[0]) for a in placed], mean, seed),
        accepted=resampled(days, [float(a.accepted) for a in placed], mean, seed),
        accepted_on_topic=resampled([a.day for a in first], [float(a.accepted) for a in first], mean, seed),
        off_topic=sum(bool(a.label.categories) and not a.label.on_topic for a in rows),
        score_auc=auc([float(a.score) for a in graded], [int((a.label.grade or 0) >= WORTHY) for a in graded]),
    )


def lines(measured: Report) -> list[str]:
    """Return a report as text for a terminal."""
    score = "-" if measured.score_auc is None else f"{measured.score_auc:.3f}"
    return [
        f"{measured.items} labelled items in the stream, {measured.off_topic} of them of no category",
        f"category exact     {measured.exact or '-'}",
        f"category accepted  {measured.accepted or '-'}",
        f"  of items whose first choice is a category  {measured.accepted_on_topic or '-'}",
        f"AUC of the score for grade {WORTHY} and more  {score}",
    ]
