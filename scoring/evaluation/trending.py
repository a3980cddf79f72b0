"""Compare the order of trending stories with what followed: which stories did further independent sources take up?

Knows the task. A recorded stream goes through the engine that runs live; every two hours its live stories are ordered
in each way, from what was known then. A story was worth its place when at least three further independent sources
report it in the next 6 or 24 hours. Leaves the rules to beat to `baselines`, formulas to `trend`, the page to
`page_order`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.errors import GroundswellError
from aggregator.model import Changes, Config, Entry, Event, ScoringSettings, follow_merges
from scoring.engine import Engine
from scoring.evaluation import front_page
from scoring.evaluation.baselines import RULES, Case, Way
from scoring.metrics.bootstrap import Interval, mean, resampled
from scoring.metrics.ranking import ndcg
from scoring.ranking import page_order, trend
from scoring.relevance.model import RelevanceModel
from scoring.replay.runner import replay
from scoring.replay.streams import Stream

STEP = timedelta(hours=2)
AHEAD = (timedelta(hours=6), timedelta(hours=24))
FURTHER = 3
"""Further independent sources that make a story worth its place."""

SETTLED = timedelta(days=3)
"""Time from the start of a stream to the first measurement: before that every story is new."""

PAGE = 10
NO_LONGER = timedelta(hours=36)
"""A story without a new source for this long is not listed. This favors the rule "most sources"."""

HOUR = timedelta(hours=1)
HALF_LIFE = ScoringSettings().half_life
"""The default of feeds.yaml."""


def trend_way(
    half_life: timedelta = HALF_LIFE,
    pull_half_lives: Sequence[timedelta] = trend.PULL_HALF_LIVES,
    power: float = trend.REACH_POWER,
) -> Way:
    """Return a method that computes the trend of a story with these settings."""

    def way(case: Case) -> float:
        sources = ((max(case.at - joined, timedelta()), reach) for joined, reach in case.coverage.voices)
        k = trend.pull(sources, pull_half_lives, power)
        coverage = case.coverage
        return trend.trend(k, coverage.usual, case.age, coverage.relevance, case.quiet, half_life)

    return way


# Recording


@dataclass(slots=True)
class Recorded:
    """A replayed stream: the stories at each moment, and what became of them."""

    entries: int = 0
    moments: list[tuple[datetime, list[Case]]] = field(default_factory=list)
    _story_of: dict[int, int] = field(default_factory=dict)
    _arrivals: list[tuple[int, datetime, str]] = field(default_factory=list)
    _into: dict[int, int] = field(default_factory=dict)
    last_at: datetime | None = None
    _voices: dict[int, list[tuple[datetime, str]]] | None = None

    def see(self, moment: datetime, events: Sequence[Event], changes: Changes) -> None:
        """Record a step."""
        self.entries += sum(isinstance(event, Entry) for event in events)
        for membership in changes.memberships:
            if membership.entry_id not in self._story_of:
                self._arrivals.append((membership.entry_id, moment, membership.voice))
            self._story_of[membership.entry_id] = membership.story_id
        for story in changes.stories:
            if story.merged_into is not None:
                self._into[story.story_id] = story.merged_into
        self.last_at = moment

    def final(self, story_id: int) -> int:
        """Return the story that *story_id* finally became part of."""
        return follow_merges(story_id, self._into.get)

    def all_voices(self) -> Mapping[int, list[tuple[datetime, str]]]:
        """Return, by final story, the times and sources of its reports, in order."""
        if self._voices is None:
            self._voices = defaultdict(list)
            for entry_id, arrived_at, voice in self._arrivals:
                self._voices[self.final(self._story_of[entry_id])].append((arrived_at, voice))
        return self._voices

    def further(self, case: Case, ahead: timedelta) -> int:
        """Return how many further independent sources reported the story in the time *ahead*."""
        reports = self.all_voices()[self.final(case.coverage.story_id)]
        before = {voice for arrived_at, voice in reports if arrived_at <= case.at}
        after = {voice for arrived_at, voice in reports if case.at < arrived_at <= case.at + ahead}
        return len(after - before)


def record(
    stream: Stream, config: Config, model: RelevanceModel, progress: Callable[[int], None] | None = None
) -> Recorded:
    """Run *stream* through the engine and keep what `report` needs."""
    recorded = Recorded()
    due: datetime | None = None

    def watch(engine: Engine, moment: datetime) -> None:
        nonlocal due
        if due is None:
            due = _on_step(moment) + SETTLED
        while due < moment:
            recorded.moments.append((due, _live(engine, due, config.scoring.window)))
            due += STEP

    replay(stream, config, model, observer=recorded.see, watcher=watch, progress=progress)
    return recorded


def _on_step(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _live(engine: Engine, at: datetime, window: timedelta) -> list[Case]:
    return [
        Case(at, coverage)
        for coverage in engine.coverage()
        if at - coverage.last_arrival_at < window and at - coverage.last_voice_at < NO_LONGER
    ]


# Measuring


@dataclass(frozen=True, slots=True)
class Result:
    """How well one order did."""

    name: str
    ndcg_at_10: dict[str, Interval | None]
    """By horizon: "6 h", "24 h"."""
    precision_at_10: dict[str, Interval | None]
    median_hours_to_page: float | None
    """From the first entry to the first ten, for stories that three further sources reported."""
    reached_page: float
    """Share of these stories that reached the first ten."""


@dataclass(frozen=True, slots=True)
class Report:
    """Results of ordering the stories of a stream."""

    entries: int
    moments: int
    first_at: str
    last_at: str
    worth: dict[str, float]
    """Mean number of stories worth a place, per moment, by horizon."""
    results: tuple[Result, ...]
    """The site's orders first, then the baselines."""


Order = Callable[[Sequence[Case]], list[int]]
"""Takes the stories of a moment, returns the places of the first ten, best first."""


def by(way: Way) -> Order:
    """Return the order that *way* gives; equal ones by the older story."""

    def order(cases: Sequence[Case]) -> list[int]:
        values = [way(case) for case in cases]
        return sorted(range(len(cases)), key=lambda i: (-values[i], cases[i].coverage.story_id))[:PAGE]

    return order


def page(cases: Sequence[Case]) -> list[int]:
    """Return the order of the front page."""
    place = {case.coverage.story_id: i for i, case in enumerate(cases)}
    candidates = (front_page.candidate(case.coverage) for case in cases)
    return [place[story_id] for story_id, _ in page_order.ranked(candidates, cases[0].at, PAGE)]


def orders(half_life: timedelta = HALF_LIFE) -> dict[str, Order]:
    """Return the orders to compare, by name."""
    own = trend_way(half_life)
    return {
        "the page": page,
        "trend": by(own),
        **{name: by(way) for name, way in RULES.items()},
    }


def _named(ahead: timedelta) -> str:
    return f"{ahead / HOUR:.0f} h"


def report(recorded: Recorded, ways: Mapping[str, Order], seed: int = 0) -> Report:
    """Measure each of *ways* on what was recorded; GroundswellError when it is too short."""
    last_at = recorded.last_at
    usable = [
        (at, cases) for at, cases in recorded.moments if cases and last_at is not None and at + max(AHEAD) <= last_at
    ]
    if not usable:
        raise GroundswellError(f"the stream is too short: {SETTLED.days} days before and a day after are needed")
    days = [at.date().isoformat() for at, _ in usable]
    worth = {
        _named(ahead): [[int(recorded.further(case, ahead) >= FURTHER) for case in cases] for _, cases in usable]
        for ahead in AHEAD
    }
    grown = _grown(recorded, usable)
    results = []
    for name, order in ways.items():
        listed = [order(cases) for _, cases in usable]
        gains = {h: list(_gains(listed, labels)) for h, labels in worth.items()}
        pairs_by_horizon = {
            h: [(day, gain) for day, gain in zip(days, gained, strict=True) if gain is not None]
            for h, gained in gains.items()
        }
        hits = {
            h: [sum(labels[i] for i in order) / PAGE for order, labels in zip(listed, all_labels, strict=True)]
            for h, all_labels in worth.items()
        }
        hours, share = _time_to_page(usable, listed, grown)
        results.append(
            Result(
                name=name,
                ndcg_at_10={
                    h: resampled([day for day, _ in pairs], [gain for _, gain in pairs], mean, seed)
                    for h, pairs in pairs_by_horizon.items()
                },
                precision_at_10={h: resampled(days, values, mean, seed) for h, values in hits.items()},
                median_hours_to_page=hours,
                reached_page=share,
            )
        )
    return Report(
        entries=recorded.entries,
        moments=len(usable),
        first_at=days[0],
        last_at=days[-1],
        worth={h: sum(map(sum, labels)) / len(usable) for h, labels in worth.items()},
        results=tuple(results),
    )


def _gains(listed: Iterable[Sequence[int]], labels: Iterable[Sequence[int]]) -> Iterator[float | None]:
    for order, truth in zip(listed, labels, strict=True):
        # Scores that put the listed ones on top, in their order; the others are below, where nDCG@10 does not look.
        scores = [0.0] * len(truth)
        for place, i in enumerate(order):
            scores[i] = float(PAGE - place)
        yield ndcg(scores, truth, PAGE)


def _grown(recorded: Recorded, usable: Sequence[tuple[datetime, list[Case]]]) -> dict[int, datetime]:
    """Return the stories that began in the time measured and that three further sources took up, with their begin."""
    begin, end = usable[0][0], usable[-1][0]
    grown: dict[int, datetime] = {}
    for story_id, reports in recorded.all_voices().items():
        first = reports[0][0]
        if begin <= first <= end - max(AHEAD) and len({v for at, v in reports if at <= first + max(AHEAD)}) > FURTHER:
            grown[story_id] = first
    return grown


def _time_to_page(
    usable: Sequence[tuple[datetime, list[Case]]], listed: Sequence[Sequence[int]], grown: Mapping[int, datetime]
) -> tuple[float | None, float]:
    """Return the median of hours from first entry to the first ten, None if most never got there, and who did."""
    seen: dict[int, datetime] = {}
    for (at, cases), order in zip(usable, listed, strict=True):
        for i in order:
            seen.setdefault(cases[i].coverage.story_id, at)
    waits = sorted((seen[s] - first) / HOUR if s in seen else math.inf for s, first in grown.items())
    if not waits:
        return None, 0.0
    median = waits[len(waits) // 2]
    return (None if math.isinf(median) else median), sum(map(math.isfinite, waits)) / len(waits)


def lines(measured: Report) -> list[str]:
    """Return a report as a table."""
    worth = ", ".join(f"{count:.1f} of them worth it within {h}" for h, count in measured.worth.items())
    drawn = [
        f"{measured.entries} entries; ordered at {measured.moments} moments, "
        f"{measured.first_at} to {measured.last_at}; {worth}",
        "",
        f"{'':27}"
        + "".join(f"{f'nDCG@10, {h}':22}{f'P@10, {h}':22}" for h in measured.worth)
        + "hours to page  reached",
    ]
    for row in measured.results:
        values = "".join(f"{row.ndcg_at_10[h] or '-'!s:22}{row.precision_at_10[h] or '-'!s:22}" for h in measured.worth)
        hours = "never" if row.median_hours_to_page is None else f"{row.median_hours_to_page:.1f}"
        drawn.append(f"{row.name:27}{values}{hours:>13}  {row.reached_page:7.0%}")
    return drawn


def evaluate(
    stream: Stream,
    config: Config,
    model: RelevanceModel,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run *stream*, order its stories as the page and the rules do, and measure."""
    recorded = record(stream, config, model, progress)
    return report(recorded, orders(config.scoring.half_life), seed)
