"""Hold the score against labelled items: learn from those that came earlier, score later ones as they came.

Knows how the lines of a labelled file become examples, with nothing in them that had not arrived yet,
the split by time, and the dumb rules that a score has to beat. Leaves features to `relevance`,
fitting to `learn`, measures to `evaluate`.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import GroundswellError
from aggregator.text.tokens import words
from aggregator.text.urls import host, registrable_domain
from scoring.learning.fitting import Regularisation, Setting, WeightLearner
from scoring.learning.labels import Example
from scoring.metrics.probability import log_loss, ndcg, reliability
from scoring.relevance.calibration import Calibration, platt
from scoring.relevance.explanation import sigmoid
from scoring.relevance.model import RelevanceModel
from scoring.relevance.news_context import Surroundings
from scoring.relevance.signals import Signals
from scoring.relevance.weights import Weights

SAME_STORY = 0.25
"""Cosine over words and pairs of words from which two titles count as one story.

Headlines of one event by different desks share names and little else. Of 0.2, 0.25, 0.3, 0.35 and 0.4 it gave
the best AUC on the tuning range (.873, .875, .867, .861, .853). It also joins some that are merely about the
same company.
"""
WITHIN = timedelta(hours=48)

STRENGTHS = (1.0, 0.3, 0.1)
"""Of these the one that loses least on the newest days of the training file is taken."""

LATER_SHARE = 0.25
"""The newest days of the training file, by share of examples: they choose the strength and calibrate."""

RECENT_SHARE = 0.4
"""Half-life of the regression that forgets, as a share of the time that the training file spans."""

TIMES = ("first_seen", "created", "published")
"""Where the time of arrival stands, the first that is there."""


# Lines


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a labelled file or a stream."""

    title: str
    source: str
    url: str
    arrived_at: datetime
    summary: str = ""
    tags: tuple[str, ...] = ()
    label: float | None = None
    """What the label column says; None: nobody can say, so it only counts as coverage."""
    points: float | None = None
    """Votes it had when it was first seen, where the file tells."""


def read_rows(path: Path, label: str = "") -> list[Row]:
    """Return the lines of a JSON Lines file, gzipped or plain, in order of arrival.

    GroundswellError names the line that is none, and says when no line has the column *label*.
    """
    rows: list[Row] = []
    seen = False
    try:
        with path.open("rb") as raw:
            opened = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            for number, text in enumerate(opened, start=1):
                try:
                    line = json.loads(text)
                    rows.append(_row(line, label))
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise GroundswellError(f"{path}:{number}: no labelled item: {error}") from error
                seen = seen or label in line
    except (OSError, EOFError) as error:
        raise GroundswellError(f"cannot read {path}: {error}") from error
    if label and not seen:
        raise GroundswellError(f"{path}: no line has the column {label!r}; name another with --label")
    return sorted(rows, key=lambda row: row.arrived_at)


def _row(line: Mapping[str, Any], label: str) -> Row:
    time = next((line[name] for name in TIMES if line.get(name)), None)
    if time is None:
        raise ValueError(f"none of {', '.join(TIMES)} says when it arrived")
    arrived_at = datetime.fromisoformat(time)
    url = line.get("url") or ""
    # "Slashdot (科技资讯)" is Slashdot as another aggregator lists it.
    source = re.sub(r"\s*[（(].*", "", line.get("source") or "") or registrable_domain(host(url))
    value = line.get(label)
    trajectory = line.get("traj")
    return Row(
        title=_without_publisher(line["title"], source),
        source=source,
        url=url,
        arrived_at=arrived_at if arrived_at.tzinfo else arrived_at.replace(tzinfo=UTC),
        summary=line.get("summary") or "",
        tags=tuple(line.get("tags") or ()),
        label=None if value is None else float(value),
        points=float(trajectory[0][1]) if trajectory else None,
    )


# Observed in news_2020 and gnews_top_2020: where an item was taken from a list of top stories its title ends with
# " - CNN", so that the ending tells the label (83 % against 16 %).
# Rule: an ending behind " - " or " | " goes if it begins with the name of the source.
def _without_publisher(title: str, source: str) -> str:
    name = "".join(words(source))
    head, bar, ending = title.rpartition(" - " if " - " in title else " | ")
    return head if bar and name and "".join(words(ending)).startswith(name) else title


def threshold(rows: Sequence[Row], top_share: float) -> float:
    """Return the label from which on a row is among the *top_share* of *rows*."""
    known = sorted(row.label for row in rows if row.label is not None)
    if not known:
        raise GroundswellError("no line has a label, so there is no top share of them")
    return known[int((1.0 - top_share) * len(known))]


def labelled(rows: Sequence[Row], at_least: float | None = None) -> list[Row]:
    """Return *rows* with labels of 1 and 0; 1 is what has *at_least* that label, where given."""
    if at_least is None:
        other = next((row.label for row in rows if row.label not in (None, 0.0, 1.0)), None)
        if other is not None:
            raise GroundswellError(f"the label {other:g} is neither 0 nor 1; say what counts with --at-least N")
        return list(rows)
    return [row if row.label is None else replace(row, label=float(row.label >= at_least)) for row in rows]


# What was known


def similar(rows: Sequence[Row], known_until: datetime, least: float = SAME_STORY) -> Iterator[list[tuple[int, float]]]:
    """Yield for each row the earlier ones that seem to tell its story, oldest first, with their cosine.

    rows:        in order of arrival
    known_until: document frequencies are taken from what arrived before this moment
    least:       cosine over TF-IDF of words and pairs of words

    Only what arrived earlier, by at most `WITHIN`, counts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    def terms(title: str) -> list[str]:
        found = words(title)
        return found + [f"{a} {b}" for a, b in pairwise(found)]

    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True, min_df=2, dtype=np.float32)
    vectorizer.fit([row.title for row in rows if row.arrived_at < known_until])
    matrix = vectorizer.transform([row.title for row in rows])
    seconds = np.array([row.arrived_at.timestamp() for row in rows])
    starts = np.searchsorted(seconds, seconds - WITHIN.total_seconds())
    block = 500
    for begin in range(0, len(rows), block):
        end = min(begin + block, len(rows))
        low = int(starts[begin])
        cosines = (matrix[begin:end] @ matrix[low:end].T).tocsr()
        for i in range(begin, end):
            row = cosines[i - begin]
            yield sorted(
                (int(j), float(cosine))
                for j, cosine in zip(row.indices + low, row.data, strict=True)
                if starts[i] <= j < i and cosine >= least
            )


def coverage(rows: Sequence[Row], known_until: datetime, least: float = SAME_STORY) -> list[dict[str, datetime]]:
    """Return for each row which other sources had told its story before, and since when; see `similar`."""
    found: list[dict[str, datetime]] = []
    for row, earlier in zip(rows, similar(rows, known_until, least), strict=True):
        told: dict[str, datetime] = {}
        for j, _ in earlier:
            if rows[j].source != row.source:
                told.setdefault(rows[j].source, rows[j].arrived_at)
        found.append(told)
    return found


def together(rows: Iterable[Row], stream: Iterable[Row] = ()) -> list[Row]:
    """Return *rows* and what else arrived, in order of arrival; what stands in both counts once."""
    listed = list(rows)
    known = {(row.url or row.title, row.source) for row in listed}
    others = [replace(row, label=None) for row in stream if (row.url or row.title, row.source) not in known]
    return sorted([*listed, *others], key=lambda row: row.arrived_at)


def known_examples(rows: Sequence[Row], known_until: datetime) -> list[Example]:
    """Return the labelled among *rows* with what was known when each arrived, in order of arrival.

    rows:        everything that arrived, in order
    known_until: see `similar`
    """
    surroundings = Surroundings()
    found: list[Example] = []
    for row, others in zip(rows, coverage(rows, known_until), strict=True):
        around = surroundings.take(row.title, row.source, row.arrived_at.timestamp())
        if row.label is None:
            continue
        since = sorted(others.items(), key=lambda known: (known[1], known[0]))
        signals = Signals(
            title=row.title,
            summary=row.summary,
            source_ids=(row.source,),
            voices=(*(source for source, _ in since), row.source),
            voice_ages=(*(row.arrived_at - moment for _, moment in since), timedelta()),
            entries=1 + len(since),
            category_id="",
            language="",
            first_seen_at=since[0][1] if since else row.arrived_at,
            at=row.arrived_at,
            link=row.url,
            tags=row.tags,
            around=around,
        )
        found.append(Example(signals, row.label))
    return found


# Learning


def split_by_time(examples: Sequence[Example], *shares: float) -> list[list[Example]]:
    """Return *examples*, in order of time, cut at *shares* of them, moved on to the next change of day."""
    days = [example.signals.at.date() for example in examples]
    cuts = [0]
    for share in shares:
        cut = int(share * len(examples))
        while 0 < cut < len(examples) and days[cut] == days[cut - 1]:
            cut += 1
        cuts.append(cut)
    return [list(examples[a:b]) for a, b in zip(cuts, [*cuts[1:], len(examples)], strict=True)]


def learn(
    train: Sequence[Example],
    regularisation: Regularisation | None = None,
    groups: frozenset[str] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> Weights:
    """Return calibrated weights learned from *train*, in order of time.

    Two regressions, one of which forgets, say half each. The newest `LATER_SHARE` chooses their strength and gives
    slope and offset, of weights that were fitted on what is older; then all of it is fitted. GroundswellError where one
    class is missing.
    """
    older, later = split_by_time(train, 1.0 - LATER_SHARE)
    if not older or not later or any(len({e.relevant for e in part}) < 2 for part in (older, later)):
        raise GroundswellError("the training file needs labels of both kinds on several days")
    half_life = RECENT_SHARE * (train[-1].signals.at - train[0].signals.at)
    settings = [Setting(strength, fading) for strength in strengths for fading in (None, half_life)]
    learner = WeightLearner(regularisation, min_documents=3, groups=groups, seed=seed)
    tried = learner.fit_each(older, settings)
    best: tuple[float, int, Calibration] | None = None
    truth = [int(e.relevant) for e in later]
    for i in range(0, len(settings), 2):
        trial = RelevanceModel("", tried[i].mixed(tried[i + 1]))
        logits = [trial.logit(e.signals) for e in later]
        calibration = platt(logits, truth)
        loss = log_loss([calibration(logit) for logit in logits], truth)
        if best is None or loss < best[0]:
            best = (loss, i, calibration)
    assert best is not None
    _, i, calibration = best
    plain, recent = learner.fit_each(train, settings[i : i + 2])
    return plain.mixed(recent).scaled(calibration.slope, calibration.offset)


# Measuring


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with the range in which 95 of 100 resamples of the days fall."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Result:
    """How well one way of scoring did; None where the measure does not apply."""

    name: str
    auc: Interval | None
    ndcg_at_10: Interval | None
    brier: Interval | None = None
    ece: Interval | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of holding a score against labels."""

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
    told = _ndcg_of_days(of_case, len(listed), scores, truth)
    rng = random.Random(seed)
    said, labels = np.array(scores, dtype=float), np.array(truth, dtype=float)
    order = _Order(said, labels)
    found: dict[str, list[float]] = defaultdict(list)
    for sample in [range(len(listed)), *(rng.choices(range(len(listed)), k=len(listed)) for _ in range(RESAMPLES))]:
        drawn = np.bincount(np.fromiter(sample, dtype=np.int64), minlength=len(listed)).astype(float)
        weights = drawn[of_case]
        if (area := order.auc(weights)) is not None:
            found["auc"].append(area)
        if (known := float(drawn[told >= 0].sum())) > 0:
            found["ndcg_at_10"].append(float((drawn * told)[told >= 0].sum()) / known)
        if probabilities:
            found["brier"].append(float((weights * (said - labels) ** 2).sum() / weights.sum()))
            found["ece"].append(_ece(said, labels, weights))
    return Result(name, *(_interval(found[measure]) for measure in ("auc", "ndcg_at_10", "brier", "ece")))


def _ndcg_of_days(
    of_case: NDArray[np.int64], days: int, scores: Sequence[float], truth: Sequence[int]
) -> NDArray[np.float64]:
    """Return for each day its nDCG@10; -1 for one that does not count."""
    told = np.full(days, -1.0)
    for day in range(days):
        here = np.flatnonzero(of_case == day).tolist()
        if len(here) > 10 and (value := ndcg([scores[i] for i in here], [truth[i] for i in here])) is not None:
            told[day] = value
    return told


class _Order:
    """`evaluate.auc` of the same scores again and again, each time with other weights."""

    def __init__(self, scores: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        self._order = np.argsort(scores, kind="stable")
        listed = scores[self._order]
        self._begins = np.flatnonzero(np.r_[True, listed[1:] != listed[:-1]])
        self._truth = truth[self._order]

    def auc(self, weights: NDArray[np.float64]) -> float | None:
        listed = weights[self._order]
        up = np.add.reduceat(listed * self._truth, self._begins)
        down = np.add.reduceat(listed * (1 - self._truth), self._begins)
        both = float(up.sum() * down.sum())
        return float((up * (down.cumsum() - down / 2)).sum()) / both if both > 0 else None


def _ece(said: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    bins = np.minimum((said * 10).astype(np.int64), 9)
    return float(np.abs(np.bincount(bins, weights * (said - truth), 10)).sum() / weights.sum())


def _interval(values: Sequence[float]) -> Interval | None:
    if not values:
        return None
    drawn = sorted(values[1:]) or [values[0]]
    return Interval(values[0], drawn[int(0.025 * len(drawn))], drawn[min(int(0.975 * len(drawn)), len(drawn) - 1)])


def evaluate(train_rows: Sequence[Row], rows: Sequence[Row], stream: Sequence[Row] = (), seed: int = 0) -> Report:
    """Learn from *train_rows*, score *rows* in order of arrival with what had arrived by then, and measure.

    What of the training file is as late as the first of *rows* is not learned from.
    """
    if not any(row.label is not None for row in rows):
        raise GroundswellError("there is nothing to measure: no line has a label")
    begins = min(row.arrived_at for row in rows)
    earlier = [row for row in train_rows if row.arrived_at < begins]
    everything = together([*earlier, *rows], stream)
    found = known_examples(everything, begins)
    train = [e for e in found if e.signals.at < begins]
    measured = [e for e in found if e.signals.at >= begins]
    model = RelevanceModel("", learn(train, seed=seed))
    days = [e.signals.at.date().isoformat() for e in measured]
    truth = [int(e.relevant) for e in measured]
    said = [sigmoid(model.logit(e.signals)) for e in measured]
    results = [result("score", days, said, truth, probabilities=True, seed=seed)]
    points = [row.points for row in everything if row.label is not None and row.arrived_at >= begins]
    for name, scores in _rules(train, measured, points):
        results.append(result(name, days, scores, truth, seed=seed))
    return Report(
        train=len(train),
        train_relevant=sum(int(e.relevant) for e in train),
        cases=len(measured),
        relevant=sum(truth),
        first_at=measured[0].signals.at.isoformat(),
        last_at=measured[-1].signals.at.isoformat(),
        results=tuple(results),
        reliability=tuple(asdict(b) for b in reliability(said, truth)),
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
    # Where nobody votes, a source that tells of it is a point.
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
    for found in report.results:
        told = [found.auc, found.ndcg_at_10, found.brier, found.ece]
        drawn.append(f"{found.name:38}" + "".join(f"{value or ''!s:24}" for value in told).rstrip())
    drawn += ["", "   said    cases  mean said  came"]
    for b in report.reliability:
        drawn.append(f"{b['low']:.1f}-{b['high']:.1f}  {b['cases']:6.0f}  {b['said']:9.2f}  {b['came']:.2f}")
    return drawn
