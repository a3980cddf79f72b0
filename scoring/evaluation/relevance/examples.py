"""Turn labelled items into what was known when each arrived, and learn from that.

Nothing that arrived later takes part. Leaves features to `relevance.model` and fitting to `learning.fitting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from aggregator.errors import GroundswellError
from aggregator.text.tokens import words
from scoring.evaluation.relevance.rows import Row
from scoring.learning.fitting import Regularisation, Setting, WeightLearner
from scoring.learning.labels import Example
from scoring.metrics.probability import log_loss
from scoring.relevance.calibration import Calibration, platt
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


def similar(rows: Sequence[Row], known_until: datetime, least: float = SAME_STORY) -> Iterator[list[tuple[int, float]]]:
    """Yield for each row the earlier ones that seem to tell its story, oldest first, with their cosine.

    rows:        in order of arrival
    known_until: document frequencies are taken from what arrived before this moment
    least:       cosine over TF-IDF of words and pairs of words

    Only what arrived earlier, by at most `WITHIN`, counts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    def terms(title: str) -> list[str]:
        tokens = words(title)
        return tokens + [f"{a} {b}" for a, b in pairwise(tokens)]

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
    results: list[dict[str, datetime]] = []
    for row, earlier in zip(rows, similar(rows, known_until, least), strict=True):
        first_reports: dict[str, datetime] = {}
        for j, _ in earlier:
            if rows[j].source != row.source:
                first_reports.setdefault(rows[j].source, rows[j].arrived_at)
        results.append(first_reports)
    return results


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
    results: list[Example] = []
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
        results.append(Example(signals, row.label))
    return results


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
    """Return the weights of `learn_with`."""
    return learn_with(train, regularisation, groups, strengths, seed)[0]


def learn_with(
    train: Sequence[Example],
    regularisation: Regularisation | None = None,
    groups: frozenset[str] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> tuple[Weights, float]:
    """Return calibrated weights learned from *train*, in order of time, and the strength that was chosen.

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
    return plain.mixed(recent).scaled(calibration.slope, calibration.offset), settings[i].strength
