"""Decide whether a newly trained model replaces the running one.

Knows the split by time and the rule for replacing. `labels` defines "relevant", and `fitting` fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.translatable import Translatable
from scoring.learning.labels import Example
from scoring.metrics.probability import Measures, measure
from scoring.metrics.ranking import ndcg_by_day
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration, platt
from scoring.relevance.explanation import sigmoid
from scoring.relevance.model import MIN_FAMILIARITY, RelevanceModel
from scoring.relevance.weights import Weights

HELD_OUT_SHARE = 0.15


CALIBRATE_SHARE = 0.20
"""Shares of the examples, in whole days: the newest are held out, those before calibrate, the rest train."""


MIN_LABELS = 100


MIN_OF_A_CLASS = 20
"""Labelled stories, in total and of each class, below which nothing is learned.

Tied stories count for each class with their share: a site of single-source stories has no clear negatives, although
nearly all of its stories are.
"""


MIN_TO_CALIBRATE = 10
"""Cases of each class below which a fitted slope would be mostly chance."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial."""

    model: RelevanceModel | None
    """The new model, if it is not worse than the running one."""
    message: Translatable
    """What happened, in a sentence."""
    labels: int
    """Number of labelled stories."""
    relevant: int
    candidate: Measures | None = None
    """Measures on the held-out days, as is `running`; None without a comparison."""
    running: Measures | None = None
    local: Weights | None = None
    window: tuple[str, str] = ("", "")


def fit(examples: Sequence[Example], now: datetime, running: RelevanceModel, seed: int = 0) -> RelevanceModel | None:
    """Return a model learned from *examples*, or None to keep *running*; see `attempt`."""
    return attempt(examples, now, running, seed).model


def attempt(examples: Sequence[Example], now: datetime, running: RelevanceModel, seed: int = 0) -> Trial:
    """Learn from *examples* and compare the result with *running*.

    examples: states of stories at moments before *now*, in any order; see `labels.examples`

    Stories whose words the prior knows are not used: coverage shows what is widely reported, editors choose
    differently, and their choices are in the prior and in the votes.

    The examples are split into whole days in order of time: the oldest train, later ones calibrate the mix of the prior
    and the learned weights, and the newest are held out. The new model is returned if its cross-entropy on those is not
    above that of *running*. Tied stories count with the share of them that is relevant.
    """
    past = sorted((e for e in examples if e.signals.at <= now), key=lambda e: (e.signals.first_seen_at, e.signals.at))
    labels, relevant = _count(past)
    shortage = _too_few(past, MIN_LABELS, MIN_OF_A_CLASS)
    if shortage:
        return Trial(None, shortage, labels, relevant)
    unfamiliar = [e for e in past if running.familiarity(e.signals) < MIN_FAMILIARITY]
    labels, relevant = _count(unfamiliar)
    shortage = _too_few(unfamiliar, MIN_LABELS, MIN_OF_A_CLASS)
    if shortage:
        message = Translatable(
            "the prior knows the words of most stories, and coverage teaches only of others: %(labels)s labelled "
            "stories in words that it does not know, where %(needed)s are needed, and %(each)s of each kind; the model "
            "stays as it is",
            labels=labels,
            needed=MIN_LABELS,
            each=MIN_OF_A_CLASS,
        )
        return Trial(None, message, labels, relevant)
    parts = _split(unfamiliar)
    if parts is None:
        message = Translatable("the labelled stories are from fewer than 3 days; the model stays as it is")
        return Trial(None, message, labels, relevant)
    train_on, calibrate_on, held_out = parts
    used, used_relevant = _count([*train_on, *calibrate_on])
    if _too_few(train_on, 1, 1):
        message = Translatable("the older days have stories of one class only; the model stays as it is")
        return Trial(None, message, labels, relevant)

    local = added(running.prior, train_on, seed)
    blend = RelevanceModel("", running.prior, local, used)
    calibration = _calibrated(blend, calibrate_on)
    content = content_of(running.prior, local, used, calibration)
    name = f"{now:%Y-%m-%d} {model_file.digest(content)[:8]}"
    candidate = RelevanceModel(name, running.prior, local, used, calibration)

    of_candidate, of_running = measured(candidate, held_out), measured(running, held_out)
    window = (unfamiliar[0].signals.at.isoformat(), unfamiliar[-1].signals.at.isoformat())
    outcome = Translatable(
        "cross-entropy %(new)s against %(running)s on %(day)s and later",
        new=float(of_candidate.log_loss),
        running=float(of_running.log_loss),
        day=held_out[0].day,
    )
    better = of_candidate.log_loss <= of_running.log_loss
    return Trial(
        model=candidate if better else None,
        message=(
            Translatable(
                "learned from %(labels)s labelled stories, %(relevant)s of them relevant: %(outcome)s",
                labels=used,
                relevant=used_relevant,
                outcome=outcome,
            )
            if better
            else Translatable("the new model would be worse, so the running one stays: %(outcome)s", outcome=outcome)
        ),
        labels=labels,
        relevant=relevant,
        candidate=of_candidate,
        running=of_running,
        local=local,
        window=window,
    )


def added(prior: Weights, examples: Sequence[Example], seed: int = 0) -> Weights:
    """Return the weights that *examples*, stories whose words the prior does not know, add to it.

    Weights without evidence stay at 0.
    """
    # Fitting needs SciPy, which programs that only read models should not load.
    from scoring.learning.fitting import WeightLearner

    alone = RelevanceModel("", prior)
    offsets = [alone.logit(e.signals) for e in examples]
    return WeightLearner(seed=seed).fit(examples, offsets=offsets).weights_


def _count(examples: Sequence[Example]) -> tuple[int, int]:
    """Return how many labelled stories there are, and how many of them are relevant."""
    stories = {e.story_id: e.relevant for e in examples if e.labelled}
    return len(stories), sum(relevant == 1.0 for relevant in stories.values())


def _too_few(examples: Sequence[Example], least: int, each: int) -> Translatable | None:
    """Return a message about what is missing, None if there is enough."""
    labels, clear = _count(examples)
    shares = {e.story_id: e.relevant for e in examples}
    relevant = sum(shares.values())
    others = len(shares) - relevant
    if labels == 0:
        return Translatable(
            "there are no labelled stories yet: each needs 24 h after its day; the model stays as it is"
        )
    if relevant == 0:
        return Translatable(
            "one class only: there are %(labels)s labelled stories and none of them is relevant; the model stays as it "
            "is",
            labels=labels,
        )
    if others == 0:
        return Translatable(
            "one class only: there are %(labels)s labelled stories and all of them are relevant; the model stays as it "
            "is",
            labels=labels,
        )
    if labels < least or min(relevant, others) < each:
        return Translatable(
            "too little to learn from: %(labels)s labelled stories, %(relevant)s of them relevant, where %(least)s and "
            "%(each)s of each kind are needed; the model stays as it is",
            labels=labels,
            relevant=clear,
            least=least,
            each=each,
        )
    return None


def _split(examples: Sequence[Example]) -> tuple[list[Example], list[Example], list[Example]] | None:
    """Return the training, calibration and held-out examples, in whole days; None for fewer than three days."""
    days = sorted({e.day for e in examples})
    if len(days) < 3:
        return None
    per_day = dict.fromkeys(days, 0)
    for example in examples:
        per_day[example.day] += 1

    def newest(of: list[str], share: float, most: int) -> list[str]:
        taken = 0
        for count, day in enumerate(reversed(of), start=1):
            taken += per_day[day]
            if taken >= share * len(examples) or count == most:
                return of[-count:]
        return of

    measure_days = newest(days, HELD_OUT_SHARE, len(days) - 2)
    left = days[: -len(measure_days)]
    calibrate_days = newest(left, CALIBRATE_SHARE, len(left) - 1)
    return (
        [e for e in examples if e.day < calibrate_days[0]],
        [e for e in examples if calibrate_days[0] <= e.day < measure_days[0]],
        [e for e in examples if e.day >= measure_days[0]],
    )


def _calibrated(blend: RelevanceModel, later: Sequence[Example]) -> Calibration:
    labels, counts, at = _rows(later)
    if min(sum(labels), len(labels) - sum(labels)) < MIN_TO_CALIBRATE:
        return Calibration()
    logits = [blend.logit(e.signals) for e in later]
    calibration = platt([logits[i] for i in at], labels, counts)
    return Calibration(round(calibration.slope, 4), round(calibration.offset, 4))


def _rows(examples: Sequence[Example]) -> tuple[list[int], list[float], list[int]]:
    """Return labels, weights and the example of each row; an example with a share has two rows."""
    rows = [
        (label, share * example.weight, i)
        for i, example in enumerate(examples)
        for label, share in ((1, example.relevant), (0, 1.0 - example.relevant))
        if share > 0
    ]
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def measured(model: RelevanceModel, examples: Sequence[Example]) -> Measures:
    """Return the measures of *model* on *examples*.

    Cases and nDCG count examples with a label; nDCG is None if they are of one class. The other measures count all
    examples, a tied one in each class with its share.
    """
    probabilities = [sigmoid(model.logit(e.signals)) for e in examples]
    labels, counts, at = _rows(examples)
    everything = measure([examples[i].day for i in at], [probabilities[i] for i in at], labels, counts)
    clear = [i for i, e in enumerate(examples) if e.labelled]
    outcomes = [int(examples[i].relevant) for i in clear]
    mixed = 0 < sum(outcomes) < len(outcomes)
    return replace(
        everything,
        cases=len(outcomes),
        relevant=sum(outcomes),
        ndcg_at_10=ndcg_by_day([examples[i].day for i in clear], [probabilities[i] for i in clear], outcomes)
        if mixed
        else None,
    )


def content_of(prior: Weights, local: Weights, labels: int, calibration: Calibration) -> dict[str, Any]:
    return {
        "prior": model_file.digest(prior.as_data()),
        "labels": labels,
        "slope": calibration.slope,
        "offset": calibration.offset,
        "local": local.as_data(),
    }
