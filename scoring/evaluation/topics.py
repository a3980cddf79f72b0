"""Compare rising terms with what followed: did sources write more about the ten named terms the next day?

Knows the task, its rules to beat, and how the weights of `topics` are fitted. Leaves signals to `topics`.

At each moment, six hours apart, from the eighth day of a stream on: ten terms are named from what had arrived. A
term was right when its next 24 hours have at least 10 entries of at least 8 sources, and at least 3 times the share
of all entries that it had in the seven days before the last 24 hours.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import GroundswellError
from aggregator.text.urls import host, registrable_domain
from scoring.metrics.bootstrap import Interval, mean, resampled
from scoring.replay.streams import Line
from scoring.topics.headline_index import Headlines
from scoring.topics.rising import MIN_ENTRIES, ranked, rising
from scoring.topics.signals import REACH, RISE_ENTRIES, RISE_SOURCES, RISE_TIMES, Moment

STEP = timedelta(hours=6)
AHEAD = timedelta(hours=24)
NAMED = 10
MAX_PUBLISHER_CHARS = 60
MIN_ENTRIES_AHEAD = 500
"""A moment with fewer entries in the next 24 hours is left out: the recorder was down."""


@dataclass(frozen=True, slots=True)
class Result:
    """How often one method of naming terms was right."""

    name: str
    precision_at_10: Interval


@dataclass(frozen=True, slots=True)
class Report:
    """Results of naming terms along a stream."""

    entries: int
    moments: int
    first_at: str
    last_at: str
    rises: float
    """Mean number of terms that rose, per moment."""
    results: tuple[Result, ...]
    """The site's methods first, then the baselines."""


def headlines(lines: Iterable[Line]) -> Headlines:
    """Return the index of a whole stream; `Moment` queries it for what had arrived by then."""
    index = Headlines()
    for number, line in enumerate(lines):
        source = line.source or registrable_domain(host(line.url))
        published = line.arrived_at if line.published_at is None else min(line.published_at, line.arrived_at)
        index.add(number, without_publisher(line.title), source, line.arrived_at, published)
    return index


# Observed: items taken from a search engine's list end with " - Publisher", whatever their `source` column says.
# Rule: remove what follows the last " - ", up to 60 characters. Known errors: "Win some - lose some".
def without_publisher(title: str) -> str:
    """Return a headline without the publisher at its end."""
    head, bar, ending = title.rpartition(" - ")
    return head if bar and len(ending) <= MAX_PUBLISHER_CHARS else title


def moments(index: Headlines, step: timedelta = STEP) -> Iterator[Moment]:
    """Yield the moments at which terms are named: whole hours, with a week before and a day after them."""
    if not len(index):
        raise GroundswellError("there is nothing to measure: the stream holds no entry")
    first, last = index.first_arrival, index.arrived(len(index) - 1)
    at = math.ceil(first / step.total_seconds()) * step.total_seconds() + (REACH - AHEAD).total_seconds()
    while at + AHEAD.total_seconds() <= last:
        moment = Moment(index, datetime.fromtimestamp(at, UTC))
        if _ahead(moment) - moment.end >= MIN_ENTRIES_AHEAD:
            yield moment
        at += step.total_seconds()


def _ahead(moment: Moment) -> int:
    return moment.headlines.number_at(moment.now + AHEAD.total_seconds())


def rose(moment: Moment, numbers: Sequence[int]) -> bool:
    """Return whether a term rose in the 24 hours after *moment*; numbers: all its entries."""
    ahead = _ahead(moment)
    after = numbers[bisect_left(numbers, moment.end) : bisect_left(numbers, ahead)]
    return (
        len(after) >= RISE_ENTRIES
        and len(after) >= RISE_TIMES * moment.usual(numbers) * (ahead - moment.end)
        and len(moment.headlines.voices(after)) >= RISE_SOURCES
    )


Rule = Callable[[float, float, Sequence[int]], float]
"""Entries of the last 24 hours, entries that were due, and entries of each of the seven days before, latest first."""


def _ewma(k: float, _due: float, days: Sequence[int]) -> float:
    mean = variance = 0.0
    for count in reversed(days):
        step = 0.3 * (count - mean)
        variance = 0.7 * (variance + step * (count - mean))
        mean += step
    return (k - mean) / math.sqrt(variance + 1.0)


RULES: dict[str, Rule] = {
    "count": lambda k, due, days: k,
    "ratio": lambda k, due, days: k / (due + 1.0),
    "z-score": lambda k, due, days: (k - due) / math.sqrt(due + 1.0),
    "chi-square, as Mastodon's": lambda k, due, days: (k - max(due, 1.0)) ** 2 / max(due, 1.0) if k > due else 0.0,
    "EWMA and its deviation": _ewma,
}


def evaluate(lines: Iterable[Line], seed: int = 0, progress: Callable[[int], None] | None = None) -> Report:
    """Name terms along a stream and measure them; GroundswellError when it is too short."""
    index = headlines(lines)
    hits: dict[str, list[float]] = defaultdict(list)
    days: list[str] = []
    rises = 0
    for moment in moments(index):
        days.append(datetime.fromtimestamp(moment.now, UTC).date().isoformat())
        named = {
            "topics, as shown": [named.rising.term for named in rising(moment, NAMED)],
            "terms": [term for _, term in ranked(moment)[:NAMED]],
        }
        listed = list(index.terms(moment.day, moment.end, MIN_ENTRIES))
        counted = [(term, *_counts(moment, numbers)) for term, numbers in listed]
        for name, rule in RULES.items():
            order = sorted(counted, key=lambda row, rule=rule: (-rule(*row[1:]), row[0]))  # type: ignore[misc]
            named[name] = [term for term, *_ in order[:NAMED]]
        for name, chosen in named.items():
            hits[name].append(sum(rose(moment, index.numbers(term)) for term in chosen) / NAMED)
        rises += sum(rose(moment, numbers) for _, numbers in listed)
        if progress is not None:
            progress(1)
    if not days:
        raise GroundswellError("the stream is too short: a week before and a day after each moment are needed")
    return Report(
        entries=len(index),
        moments=len(days),
        first_at=days[0],
        last_at=days[-1],
        rises=rises / len(days),
        results=tuple(
            Result(name, term)
            for name, values in hits.items()
            if (term := resampled(days, values, mean, seed)) is not None
        ),
    )


def _counts(moment: Moment, numbers: Sequence[int]) -> tuple[float, float, list[int]]:
    edges = [bisect_left(numbers, edge) for edge in moment.days]
    days = [newer - older for newer, older in pairwise(edges)]
    return float(days[0]), moment.usual(numbers) * moment.entries, days[1:]


def lines(report: Report) -> list[str]:
    """Return *report* as a table."""
    drawn = [
        f"{report.entries} entries; ten terms named at {report.moments} moments, {report.first_at} to "
        f"{report.last_at}; {report.rises:.1f} rose each time",
        "",
        f"{'':30}P@10",
    ]
    return [*drawn, *(f"{result.name:30}{result.precision_at_10}" for result in report.results)]


# Fitting


def examples(index: Headlines) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return signals (cases, 12), whether a rise followed (cases,), and the moment of each (cases,)."""
    rows: list[tuple[float, ...]] = []
    truth: list[int] = []
    at: list[float] = []
    for moment in moments(index):
        for term, numbers in index.terms(moment.day, moment.end, MIN_ENTRIES):
            rows.append(moment.signals(term, numbers))
            truth.append(int(rose(moment, numbers)))
            at.append(moment.now)
    return np.asarray(rows), np.asarray(truth), np.asarray(at)


LIKELIEST = 400
"""Terms of a moment that the second fit learns from: a page shows ten of the first few hundred."""


def fit(
    rows: NDArray[np.float64], truth: NDArray[np.int64], at: NDArray[np.float64]
) -> tuple[tuple[float, ...], float]:
    """Return weights and offset of a logistic regression over signals, which are brought to one scale first.

    Nearly all terms of a moment never rise, and telling those apart is easy. So a second, more regularized fit learns
    from the likeliest of the first.
    """
    weights, offset = _fit(rows, truth, 0.03)
    log_odds = rows @ np.asarray(weights) + offset
    likeliest = np.zeros(len(rows), dtype=bool)
    for moment in np.unique(at):
        here = np.flatnonzero(at == moment)
        likeliest[here[np.argsort(-log_odds[here], kind="stable")[:LIKELIEST]]] = True
    return _fit(rows[likeliest], truth[likeliest], 25.0 / int(likeliest.sum()))


def _fit(rows: NDArray[np.float64], truth: NDArray[np.int64], strength: float) -> tuple[tuple[float, ...], float]:
    from sklearn.linear_model import LogisticRegression

    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    model = LogisticRegression(C=strength, max_iter=1000).fit((rows - mean) / spread, truth)
    weights = model.coef_[0] / spread
    offset = float(model.intercept_[0] - weights @ mean)
    return tuple(round(float(w), 4) for w in weights), round(offset, 4)
