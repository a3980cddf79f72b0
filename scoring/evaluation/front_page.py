"""Measure the front page, hour by hour, against an editor's grades or picks.

    replay with daily learning -> what was known each hour (`recording`) -> orders -> nDCG@10, worthy, noise, picked

Knows the task and what it counts. The site's own order is taken as it was shown; the rules that it has to beat order
the stories with an entry in the last 24 hours. Leaves the labels' spelling to `labelled_files`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.errors import GroundswellError
from scoring.engine import Coverage
from scoring.evaluation.baselines import RULES, Case
from scoring.evaluation.labelled_files import Key, Label, LabelledItem, by_key
from scoring.evaluation.recording import Moment, Recording
from scoring.language.terms import terms
from scoring.metrics.bootstrap import Interval, mean, resampled
from scoring.metrics.ranking import discounted
from scoring.ranking import page_order

PAGE = 10
RECENT = timedelta(hours=24)
"""Stories with an entry so recent are what the rules order, and what `ndcg_of_day` takes as the best possible page."""

WORTHY = 2
"""From this grade on a story belongs on the front page."""

Order = Callable[[Moment, Sequence[Coverage]], Sequence[int]]
"""Takes a moment and its recent stories; returns story ids, best first."""


@dataclass(frozen=True, slots=True)
class Result:
    """How good the first ten stories of one order were; means over the hours, None if the labels do not say."""

    name: str
    ndcg_at_10: Interval | None
    """By grade, gain 2^grade - 1, relative to the best page of all stories that may be shown; 0..1."""
    ndcg_of_day: Interval | None
    """The same gain relative to the best page of recent stories alone, at most 1 in each hour: on a quiet day,
    yesterday's best stories gain more than today's."""
    worthy: Interval | None
    """Share of the ten with grade 2 or 3."""
    noise: Interval | None
    """Share of the ten with grade 0."""
    picked: Interval | None
    """Share of the ten that the editor of a yes/no label picked."""
    recent: Interval | None
    """Share of the ten with an entry in the last 24 hours."""
    repeated: Interval | None
    """Share of the ten about an event that a story above is about, too."""


@dataclass(frozen=True, slots=True)
class Report:
    """One file of labels."""

    name: str
    labelled: int
    in_stream: int
    """Labelled items that the stream has."""
    hours: int
    first_at: str
    last_at: str
    picked_at_best: float | None
    """What `picked` would be for the best possible order."""
    results: tuple[Result, ...]


def as_shown(moment: Moment, recent: Sequence[Coverage]) -> Sequence[int]:
    """Return the front page as the site showed it."""
    return moment.lists.get("", ())


def by_score(moment: Moment, recent: Sequence[Coverage]) -> Sequence[int]:
    """Order by score, equal ones newest first."""
    return [c.story_id for c in sorted(recent, key=lambda c: (-c.relevance, -c.story_id))]


def candidate(story: Coverage) -> page_order.Candidate:
    """Return a recorded story as the page order takes it."""
    return page_order.Candidate(
        story_id=story.story_id,
        category_id=story.category_id,
        relevance=story.relevance,
        score=story.score,
        worths=story.worths,
        joined=tuple(joined for joined, _ in story.voices),
        source_id=story.source_id,
        topics=frozenset(terms(story.headline)),
        weights=story.weights,
        embedding=story.embedding,
    )


def by_place(moment: Moment, recent: Sequence[Coverage]) -> Sequence[int]:
    """Return the order of `page_order` as it is now, which may be another than was recorded."""
    stories = [candidate(story) for story in moment.stories if not story.hidden]
    return [story_id for story_id, _ in page_order.ranked(stories, moment.at, PAGE)]


def by_rule(rule: Callable[[Case], float]) -> Order:
    """Return the order that a rule of `trending` gives, equal ones newest first."""

    def order(moment: Moment, recent: Sequence[Coverage]) -> Sequence[int]:
        value = {c.story_id: rule(Case(moment.at, c)) for c in recent}
        return sorted(value, key=lambda story_id: (-value[story_id], -story_id))

    return order


ORDERS: Mapping[str, Order] = {
    "as shown": as_shown,
    "by score": by_score,
    **{name: by_rule(RULES[name]) for name in ("most sources", "newest first", "Hacker News gravity", "EWMA")},
}


def evaluate(
    recording: Recording,
    items: Sequence[LabelledItem],
    name: str = "",
    orders: Mapping[str, Order] = ORDERS,
    seed: int = 0,
) -> Report:
    """Measure *orders* on one file of labels; GroundswellError when the stream does not cover it.

    A story has the highest grade among its entries so far, and is picked when one of them is. Graded files are
    measured from 24 hours after their first item to their last, so that every recent story has been graded.
    """
    measured = hours(recording, items, name)
    labels = labels_of_entries(recording, by_key(list(items)))
    graded = any(label.grade is not None for label in labels.values())
    days = [hour.moment.at.date().isoformat() for hour in measured]
    results = []
    for order_name, order in orders.items():
        columns = ("ndcg", "ndcg_of_day", "worthy", "noise", "picked", "recent", "repeated")
        values: dict[str, list[float | None]] = {column: [] for column in columns}
        for hour in measured:
            page = hour.page(order)
            values["ndcg"].append(hour.ndcg(page))
            values["ndcg_of_day"].append(hour.ndcg_of_day(page))
            values["worthy"].append(hour.worthy(page) if graded else None)
            values["noise"].append(hour.noise(page) if graded else None)
            values["picked"].append(hour.picked(page))
            values["recent"].append(hour.share_recent(page))
            values["repeated"].append(hour.repeated(page))
        results.append(Result(order_name, *(_mean_by_day(days, column, seed) for column in values.values())))
    best = [value for hour in measured if (value := hour.picked_at_best()) is not None]
    return Report(
        name=name,
        labelled=len(items),
        in_stream=len(labels),
        hours=len(measured),
        first_at=days[0],
        last_at=days[-1],
        picked_at_best=mean(best),
        results=tuple(results),
    )


def hours(recording: Recording, items: Sequence[LabelledItem], name: str = "") -> list[Hour]:
    """Return the hours to measure, with the labels of their stories; GroundswellError if there are none."""
    labels = labels_of_entries(recording, by_key(list(items)))
    first = min(item.line.arrived_at for item in items)
    last = max(item.line.arrived_at for item in items)
    results = [hour for m in recording.moments if first + RECENT <= m.at <= last and (hour := Hour(m, labels)).recent]
    if not labels or not results:
        raise GroundswellError(
            f"the stream has no hour to measure {name or 'these labels'} on: {len(labels)} of "
            f"{len(items)} labelled items are in it, and 24 hours before the first hour are needed"
        )
    return results


def summary(measured: Sequence[Hour], order: Order) -> str:
    """Return in a line how good the first ten of an order are; means over the hours."""
    pages = [(hour, hour.page(order)) for hour in measured]
    ndcg = mean([value for hour, page in pages if (value := hour.ndcg(page)) is not None])
    of_day = mean([value for hour, page in pages if (value := hour.ndcg_of_day(page)) is not None])
    worthy, noise, recent = (
        math.fsum(values) / len(pages)
        for values in (
            [hour.worthy(page) for hour, page in pages],
            [hour.noise(page) for hour, page in pages],
            [hour.share_recent(page) for hour, page in pages],
        )
    )
    return (
        f"nDCG@10 {ndcg or 0.0:.3f}, of the day {of_day or 0.0:.3f}, "
        f"worthy {worthy:.2f}, noise {noise:.3f}, recent {recent:.2f}"
    )


def _mean_by_day(days: Sequence[str], values: Sequence[float | None], seed: int) -> Interval | None:
    measured = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    return resampled([day for day, _ in measured], [value for _, value in measured], mean, seed)


def labels_of_entries(recording: Recording, labels: Mapping[Key, Label]) -> dict[int, Label]:
    """Return the label of each entry that has one."""
    return {
        entry.entry_id: label
        for entry in recording.entries.values()
        if (label := labels.get((entry.link, entry.title, entry.arrived_at))) is not None
    }


class Hour:
    """The stories of a moment with their labels."""

    def __init__(self, moment: Moment, labels: Mapping[int, Label]) -> None:
        self.moment = moment
        self.recent = [c for c in moment.stories if moment.at - c.last_arrival_at <= RECENT and not c.hidden]
        self._grade: dict[int, int] = {}
        self._picked: dict[int, bool] = {}
        self._event: dict[int, str] = {}
        for story in moment.stories:
            labelled = [labels[entry_id] for entry_id in story.entry_ids if entry_id in labels]
            grades = [label.grade for label in labelled if label.grade is not None]
            picks = [label.picked for label in labelled if label.picked is not None]
            if grades:
                self._grade[story.story_id] = max(grades)
            if picks:
                self._picked[story.story_id] = any(picks)
            if events := Counter(label.story for label in labelled if label.story):
                self._event[story.story_id] = max(events, key=lambda event: (events[event], event))
        self._best = self._best_of([c for c in moment.stories if not c.hidden])
        self._best_of_day = self._best_of(self.recent)

    def grade(self, story_id: int) -> int:
        """Return the grade of a story; 0 without one."""
        return self._grade.get(story_id, 0)

    def page(self, order: Order) -> list[int]:
        """Return the first ten stories of an order."""
        return list(order(self.moment, self.recent))[:PAGE]

    def _best_of(self, stories: Sequence[Coverage]) -> float:
        gains = sorted((_gain(self.grade(story.story_id)) for story in stories), reverse=True)
        return discounted(gains[:PAGE])

    def _gained(self, page: Sequence[int]) -> float:
        return discounted([_gain(self.grade(story_id)) for story_id in page])

    def ndcg(self, page: Sequence[int]) -> float | None:
        """Return the page's discounted gain over that of the best possible page; None if nothing has a gain."""
        return self._gained(page) / self._best if self._best else None

    def ndcg_of_day(self, page: Sequence[int]) -> float | None:
        """Return the page's discounted gain over that of the best page of recent stories, at most 1; see `Result`."""
        return min(self._gained(page) / self._best_of_day, 1.0) if self._best_of_day else None

    def worthy(self, page: Sequence[int]) -> float:
        """Return the share of ten places with a story of grade 2 or 3."""
        return sum(self._grade.get(story_id, 0) >= WORTHY for story_id in page) / PAGE

    def noise(self, page: Sequence[int]) -> float:
        """Return the share of ten places with a story of grade 0."""
        return sum(self._grade.get(story_id) == 0 for story_id in page) / PAGE

    def picked(self, page: Sequence[int]) -> float | None:
        """Return the share of ten places with a picked story; None if nothing says what was picked."""
        return sum(self._picked.get(story_id, False) for story_id in page) / PAGE if self._picked else None

    def with_event(self, page: Sequence[int]) -> int:
        """Return how many stories of a page have a labelled event: that of most of their labelled entries."""
        return sum(story_id in self._event for story_id in page)

    def repeats(self, page: Sequence[int]) -> int:
        """Return how many stories of a page are about an event that a story above is about, too."""
        return self.with_event(page) - len({self._event[story_id] for story_id in page if story_id in self._event})

    def repeated(self, page: Sequence[int]) -> float | None:
        """Return the share of ten places that repeat an event; None if no story has a labelled event."""
        return self.repeats(page) / PAGE if self._event else None

    def share_recent(self, page: Sequence[int]) -> float:
        """Return the share of the page's stories that have an entry in the last 24 hours."""
        recent = {c.story_id for c in self.recent}
        return sum(story_id in recent for story_id in page) / max(len(page), 1)

    def picked_at_best(self) -> float | None:
        """Return what `picked` would be for the best possible page."""
        if not self._picked:
            return None
        return min(PAGE, sum(self._picked.get(c.story_id, False) for c in self.recent)) / PAGE


def _gain(grade: int) -> float:
    return 2.0**grade - 1.0


def lines(report: Report) -> list[str]:
    """Return a report as a table."""
    drawn = [
        f"{report.name}: {report.in_stream} of {report.labelled} labelled items in the stream; "
        f"{report.hours} hours, {report.first_at} to {report.last_at}",
        f"{'':24}{'nDCG@10':22}{'of the day':22}{'worthy':22}{'noise':22}{'recent':22}{'repeated':22}picked"
        + (f" (at best {report.picked_at_best:.3f})" if report.picked_at_best is not None else ""),
    ]
    for result in report.results:
        values = (
            result.ndcg_at_10,
            result.ndcg_of_day,
            result.worthy,
            result.noise,
            result.recent,
            result.repeated,
            result.picked,
        )
        drawn.append(f"{result.name:24}" + "".join(f"{value or '-'!s:22}" for value in values).rstrip())
    return drawn
