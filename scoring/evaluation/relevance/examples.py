"""Turn labelled items into what was known when each arrived, and learn from that.

Nothing that arrived later takes part. Leaves features to `relevance.model` and fitting to `learning.fitting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np

from aggregator.errors import GroundswellError
from aggregator.text.tokens import words
from scoring.evaluation.relevance.rows import Row
from scoring.learning import meaning_fit
from scoring.learning.fitting import Setting, WeightLearner
from scoring.learning.labels import Example
from scoring.metrics.probability import log_loss
from scoring.relevance.calibration import Calibration, platt
from scoring.relevance.model import RelevanceModel
from scoring.relevance.news_context import NewsContext
from scoring.relevance.signals import Signals

SAME_STORY = 0.25
"""Cosine over words and pairs of words from which two titles count as one story.

Headlines of one event by different desks share names and little else. Of 0.2, 0.25, 0.3, 0.35 and 0.4 it gave
the best AUC on the tuning range (.873, .875, .867, .861, .853). It also joins some that are merely about the
same company.
"""

SAME_MEANING = 0.65
"""Cosine of the embeddings of two titles from which they count as one story, whatever their words.

Techmeme's picks, relearned every three days, AUC and nDCG@10: by words .887 .736, from .6 .889 .753, .65 .889 .752.
"""

WITHIN = timedelta(hours=48)

STRENGTHS = (1.0, 0.3, 0.1)
"""The one with the lowest loss on the newest days of the training file is used."""

LATER_SHARE = 0.25
"""The newest days of the training file, by share of examples: they choose the strength and calibrate."""

PRIOR_SHARE = 0.5
"""How much of the prior's logit a score starts with. On eight weeks of Techmeme's picks after the prior's own, the AUC
is .884 without a prior, .887 with half of it and .879 with all of it, as the prior has seen the earlier items.
"""

RECENT_SHARE = 0.4
"""Half-life of the regression that forgets, as a share of the time that the training file spans."""


def similar(rows: Sequence[Row], known_until: datetime, least: float = SAME_STORY) -> Iterator[list[tuple[int, float]]]:
    """Yield for each row the earlier ones that seem to be about the same story, oldest first, with their cosine.

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
    embedded = any(row.embedding is not None for row in rows)
    vectors = meaning_fit.unit_vectors([row.embedding for row in rows])[0] if embedded else None
    block = 500
    for begin in range(0, len(rows), block):
        end = min(begin + block, len(rows))
        low = int(starts[begin])
        cosines = (matrix[begin:end] @ matrix[low:end].T).tocsr()
        for i in range(begin, end):
            row = cosines[i - begin]
            alike = {
                int(j): float(cosine)
                for j, cosine in zip(row.indices + low, row.data, strict=True)
                if starts[i] <= j < i and cosine >= least
            }
            if vectors is not None:
                near = vectors[starts[i] : i] @ vectors[i]
                alike = {int(starts[i] + j): float(near[j]) for j in np.flatnonzero(near >= SAME_MEANING)} | alike
            yield sorted(alike.items())


def coverage(rows: Sequence[Row], known_until: datetime, least: float = SAME_STORY) -> list[dict[str, datetime]]:
    """Return for each row which other sources had reported its story before, and since when; see `similar`."""
    results: list[dict[str, datetime]] = []
    for row, earlier in zip(rows, similar(rows, known_until, least), strict=True):
        first_reports: dict[str, datetime] = {}
        for j, _ in earlier:
            if rows[j].source != row.source:
                first_reports.setdefault(rows[j].source, rows[j].arrived_at)
        results.append(first_reports)
    return results


def together(rows: Iterable[Row], stream: Iterable[Row] = ()) -> list[Row]:
    """Return *rows* and other entries, in order of arrival, without duplicates."""
    listed = list(rows)
    listed_keys = {(row.url or row.title, row.source) for row in listed}
    others = [replace(row, label=None) for row in stream if (row.url or row.title, row.source) not in listed_keys]
    return sorted([*listed, *others], key=lambda row: row.arrived_at)


def known_examples(rows: Sequence[Row], known_until: datetime) -> list[Example]:
    """Return the labelled among *rows* with what was known when each arrived, in order of arrival.

    rows:        everything that arrived, in order
    known_until: see `similar`
    """
    news_context = NewsContext()
    results: list[Example] = []
    for row, others in zip(rows, coverage(rows, known_until), strict=True):
        context = news_context.observe(row.title, row.source, row.arrived_at.timestamp())
        if row.label is None:
            continue
        since = sorted(others.items(), key=lambda item: (item[1], item[0]))
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
            context=context,
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


@dataclass(frozen=True, slots=True)
class LearnedScore:
    """What was learned from labelled items.

    logit = slope * (prior share * prior + learned) + offset
    """

    learned: RelevanceModel
    calibration: Calibration
    prior: RelevanceModel | None
    strength: float
    """Of the regression, the best of those that were tried."""
    judged: tuple[tuple[date, float, int], ...]
    """Day, probability and label of the newest items that it was learned from, by a fit that had not seen them."""

    def probability(self, signals: Signals) -> float:
        """Return how likely a story is to be relevant, 0..1."""
        return self.calibration(known_logit(self.prior, signals) + self.learned.logit(signals))


@dataclass(frozen=True, slots=True)
class _Trial:
    """One way of learning, measured on the newest items."""

    prior: RelevanceModel | None
    offsets: list[float]
    setting: int
    calibration: Calibration
    probabilities: list[float]
    loss: float


def known_logit(prior: RelevanceModel | None, signals: Signals) -> float:
    """Return the log-odds that a prior contributes before anything is learned."""
    return 0.0 if prior is None else PRIOR_SHARE * prior.logit(signals)


def learn(
    train: Sequence[Example],
    prior: RelevanceModel | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> LearnedScore:
    """Return what *train*, in order of time, adds to *prior*.

    Two regressions, one of which forgets, say half each. The newest `LATER_SHARE` chooses their strength and whether
    the prior helps, and gives slope and offset, of weights that were fitted on what is older; then all of it is fitted.
    GroundswellError if one class is missing.
    """
    older, later = split_by_time(train, 1.0 - LATER_SHARE)
    if not older or not later or any(len({e.relevant for e in part}) < 2 for part in (older, later)):
        raise GroundswellError("the training file needs labels of both kinds on several days")
    half_life = RECENT_SHARE * (train[-1].signals.at - train[0].signals.at)
    settings = [Setting(strength, fading) for strength in strengths for fading in (None, half_life)]
    learner = WeightLearner(min_documents=3, seed=seed)
    truth = [int(e.relevant) for e in later]
    trials: list[_Trial] = []
    for start in dict.fromkeys((prior, None)):
        offsets = [known_logit(start, e.signals) for e in train]
        candidates = learner.fit_each(older, settings, offsets=offsets[: len(older)])
        for i in range(0, len(settings), 2):
            model = RelevanceModel("", candidates[i].mixed(candidates[i + 1]))
            logits = [
                of_prior + model.logit(e.signals) for e, of_prior in zip(later, offsets[len(older) :], strict=True)
            ]
            calibration = platt(logits, truth)
            probabilities = [calibration(logit) for logit in logits]
            trials.append(_Trial(start, offsets, i, calibration, probabilities, log_loss(probabilities, truth)))
    best = min(trials, key=lambda trial: trial.loss)
    plain, recent = learner.fit_each(train, settings[best.setting : best.setting + 2], offsets=best.offsets)
    return LearnedScore(
        learned=RelevanceModel("", plain.mixed(recent)),
        calibration=best.calibration,
        prior=best.prior,
        strength=settings[best.setting].strength,
        judged=tuple((e.signals.at.date(), p, y) for e, p, y in zip(later, best.probabilities, truth, strict=True)),
    )
