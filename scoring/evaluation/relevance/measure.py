"""Compare the score with labelled items: learn from earlier ones, score later ones as they arrive, and measure.

Knows the rules without a model that a score has to beat. Leaves measures to `metrics`.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import GroundswellError
from scoring.evaluation.relevance.examples import STRENGTHS, LearnedScore, known_examples, learn, together
from scoring.evaluation.relevance.rows import Row
from scoring.learning.labels import Example
from scoring.metrics.bootstrap import Interval
from scoring.metrics.probability import ece, reliability
from scoring.metrics.ranking import ndcg, weighted_auc
from scoring.relevance.calibration import recalibrated
from scoring.relevance.model import RelevanceModel


@dataclass(frozen=True, slots=True)
class Result:
    """How well one way of scoring did; None if the measure does not apply."""

    name: str
    auc: Interval | None
    ndcg_at_10: Interval | None
    brier: Interval | None = None
    ece: Interval | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The result of comparing a score with labels."""

    train: int
    train_relevant: int
    cases: int
    relevant: int
    first_at: str
    last_at: str
    results: tuple[Result, ...]
    """The model first, then the rules it has to beat."""
    reliability: tuple[dict[str, float], ...] = field(default=())


RESAMPLES = 200


def result(
    name: str,
    days: Sequence[str],
    scores: Sequence[float],
    truth: Sequence[int],
    probabilities: bool = False,
    seed: int = 0,
) -> Result:
    """Measure *scores*, which came in order of arrival, with intervals by resampling whole days.

    Items of one day share its news, so a case is not drawn alone. Efron & Tibshirani, An Introduction to
    the Bootstrap (1993), percentile interval.
    """
    listed = sorted(set(days))
    place = {day: i for i, day in enumerate(listed)}
    of_case = np.array([place[day] for day in days])
    ndcg_by_day = _ndcg_of_days(of_case, len(listed), scores, truth)
    rng = random.Random(seed)
    values, labels = np.array(scores, dtype=float), np.array(truth, dtype=float)
    area_of = weighted_auc(values, labels)
    samples: dict[str, list[float]] = defaultdict(list)
    for sample in [range(len(listed)), *(rng.choices(range(len(listed)), k=len(listed)) for _ in range(RESAMPLES))]:
        drawn = np.bincount(np.fromiter(sample, dtype=np.int64), minlength=len(listed)).astype(float)
        weights = drawn[of_case]
        if (area := area_of(weights)) is not None:
            samples["auc"].append(area)
        if (day_count := float(drawn[ndcg_by_day >= 0].sum())) > 0:
            samples["ndcg_at_10"].append(float((drawn * ndcg_by_day)[ndcg_by_day >= 0].sum()) / day_count)
        if probabilities:
            samples["brier"].append(float((weights * (values - labels) ** 2).sum() / weights.sum()))
            samples["ece"].append(ece(values, labels, weights))
    return Result(name, *(_interval(samples[measure]) for measure in ("auc", "ndcg_at_10", "brier", "ece")))


def _ndcg_of_days(
    of_case: NDArray[np.int64], days: int, scores: Sequence[float], truth: Sequence[int]
) -> NDArray[np.float64]:
    """Return for each day its nDCG@10; -1 for one that does not count."""
    values = np.full(days, -1.0)
    for day in range(days):
        cases = np.flatnonzero(of_case == day).tolist()
        if len(cases) > 10 and (value := ndcg([scores[i] for i in cases], [truth[i] for i in cases])) is not None:
            values[day] = value
    return values


def _interval(values: Sequence[float]) -> Interval | None:
    if not values:
        return None
    drawn = sorted(values[1:]) or [values[0]]
    return Interval(values[0], drawn[int(0.025 * len(drawn))], drawn[min(int(0.975 * len(drawn)), len(drawn) - 1)])


def evaluate(
    train_rows: Sequence[Row],
    rows: Sequence[Row],
    stream: Sequence[Row] = (),
    prior: RelevanceModel | None = None,
    seed: int = 0,
) -> Report:
    """Learn from *train_rows*, score *rows* in order of arrival with what had arrived by then, and measure.

    prior: what learning starts from, where that helps; it must not have seen *rows*

    What of the training file is as late as the first of *rows* is not learned from. The score is recalibrated each day
    on the labels that were known by then, and is reported next to the one that was learned once.
    """
    if not any(row.label is not None for row in rows):
        raise GroundswellError("there is nothing to measure: no line has a label")
    begins = min(row.arrived_at for row in rows)
    earlier = [row for row in train_rows if row.arrived_at < begins]
    everything = together([*earlier, *rows], stream)
    examples = known_examples(everything, begins)
    train = [e for e in examples if e.signals.at < begins]
    measured = [e for e in examples if e.signals.at >= begins]
    score = learn(train, prior, seed=seed)
    probabilities = [score.probability(e.signals) for e in measured]
    points = [row.points for row in everything if row.label is not None and row.arrived_at >= begins]
    return _report(
        train, measured, {"score": _by_day(score, measured, probabilities), "learned once": probabilities}, points, seed
    )


def _by_day(score: LearnedScore, measured: Sequence[Example], fitted_once: Sequence[float]) -> list[float]:
    """Return the probabilities *fitted_once*, recalibrated each day on the items judged before it."""
    days = [*(day for day, _, _ in score.judged), *(e.signals.at.date() for e in measured)]
    probabilities = [*(p for _, p, _ in score.judged), *fitted_once]
    labels = [*(label for _, _, label in score.judged), *(int(e.relevant) for e in measured)]
    # A label that is known after 48 hours is known on the third day after the one on which its item arrived.
    lag = math.ceil(LABEL_DELAY / timedelta(days=1)) + 1
    return recalibrated(days, probabilities, labels, lag)[len(score.judged) :]


LABEL_DELAY = timedelta(hours=48)
"""An editor's choice is known that long after an item arrived, as Techmeme's label is made."""


def evaluate_online(
    rows: Sequence[Row],
    stream: Sequence[Row] = (),
    *,
    begins: datetime,
    delay: timedelta = LABEL_DELAY,
    prior: RelevanceModel | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Retrain each day on the labels known by then, score what arrives that day, and measure.

    rows:   labelled items of the whole time, in order of arrival
    begins: the first day that is measured
    delay:  how long after its arrival an item's label is known
    prior:  what learning starts from, where that helps; it must not have seen the days that are measured
    """
    everything = together(rows, stream)
    examples = known_examples(everything, begins)
    by_day: dict[datetime, list[Example]] = defaultdict(list)
    for example in examples:
        if example.signals.at >= begins:
            by_day[example.signals.at.replace(hour=0, minute=0, second=0, microsecond=0)].append(example)
    if not by_day:
        raise GroundswellError("there is nothing to measure: no labelled item arrived on or after that day")
    measured: list[Example] = []
    probabilities: list[float] = []
    strengths: tuple[float, ...] = STRENGTHS
    train: list[Example] = []
    for day in sorted(by_day):
        train = [example for example in examples if example.signals.at + delay <= day]
        score = learn(train, prior, strengths, seed)
        # Chosen once: a choice a day would cost as many times as much and hardly differ.
        prior, strengths = score.prior, (score.strength,)
        measured += by_day[day]
        probabilities += [score.probability(example.signals) for example in by_day[day]]
        if progress is not None:
            progress(1)
    return _report(train, measured, {"score": probabilities}, [None] * len(measured), seed)


def _report(
    train: Sequence[Example],
    measured: Sequence[Example],
    ways: Mapping[str, Sequence[float]],
    points: Sequence[float | None],
    seed: int,
) -> Report:
    """Return the measures of the probabilities in *ways*, the score first, and of the rules."""
    days = [e.signals.at.date().isoformat() for e in measured]
    truth = [int(e.relevant) for e in measured]
    results = [result(name, days, values, truth, probabilities=True, seed=seed) for name, values in ways.items()]
    results += [result(name, days, scores, truth, seed=seed) for name, scores in _rules(train, measured, points)]
    return Report(
        train=len(train),
        train_relevant=sum(int(e.relevant) for e in train),
        cases=len(measured),
        relevant=sum(truth),
        first_at=measured[0].signals.at.isoformat(),
        last_at=measured[-1].signals.at.isoformat(),
        results=tuple(results),
        reliability=tuple(asdict(b) for b in reliability(ways["score"], truth)),
    )


def _rules(
    train: Sequence[Example], measured: Sequence[Example], points: Sequence[float | None]
) -> Iterator[tuple[str, list[float]]]:
    """Yield the dumb rules that a score has to beat."""
    yield "newest first", [e.signals.at.timestamp() for e in measured]
    yield "most sources", [float(len(e.signals.voices)) for e in measured]
    votes = [float(len(e.signals.voices)) if p is None else p for e, p in zip(measured, points, strict=True)]
    hours = [(e.signals.at - e.signals.first_seen_at).total_seconds() / 3600 for e in measured]
    # Hacker News: (points - 1) / (hours + 2)^1.8. Reddit: log10 of the points, and one more each 45,000 seconds.
    # Without votes, each source that reports it is a point.
    yield "gravity of Hacker News", [(v - 1.0) / (h + 2.0) ** 1.8 for v, h in zip(votes, hours, strict=True)]
    yield (
        "hot of Reddit",
        [
            math.log10(max(abs(v), 1.0)) + e.signals.first_seen_at.timestamp() / 45_000
            for v, e in zip(votes, measured, strict=True)
        ],
    )
    record: dict[str, list[float]] = defaultdict(list)
    for example in train:
        record[example.signals.source_ids[0]].append(example.relevant)
    base = math.fsum(e.relevant for e in train) / len(train)
    rate = {source: (math.fsum(got) + 10 * base) / (len(got) + 10) for source, got in record.items()}
    yield "record of the source", [rate.get(e.signals.source_ids[0], base) for e in measured]


def lines(report: Report) -> list[str]:
    """Return *report* as a table."""
    drawn = [
        f"{report.train} items to learn from, {report.train_relevant} relevant; "
        f"{report.cases} to measure, {report.relevant} relevant, {report.first_at[:10]} to {report.last_at[:10]}",
        "",
        f"{'':38}{'AUC':24}{'nDCG@10 a day':24}{'Brier':24}ECE",
    ]
    for row in report.results:
        values = [row.auc, row.ndcg_at_10, row.brier, row.ece]
        drawn.append(f"{row.name:38}" + "".join(f"{value or ''!s:24}" for value in values).rstrip())
    drawn += ["", "   score   cases  predicted  relevant"]
    for b in report.reliability:
        drawn.append(f"{b['low']:.1f}-{b['high']:.1f}  {b['cases']:6.0f}  {b['predicted']:9.2f}  {b['observed']:8.2f}")
    return drawn
