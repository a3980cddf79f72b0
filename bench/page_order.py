"""Fit the weights of the page order on graded hours, and compare orders.

    python -m bench.page_order RECORDING:LABELS[:WORTHS] ...

RECORDING is a file written by `groundswell evaluate front-page STREAM LABELS --recording RECORDING`. WORTHS, JSON Lines
with `url`, `title` and `p`, replaces the worth of the entries: the shipped prior was trained on graded items, so
weights that generalise are fitted on the worths of a prior that has not seen the window. Each window is also measured
with weights fitted on the others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench import skip
from scoring.engine import Coverage
from scoring.evaluation import front_page, labelled_files, recording
from scoring.evaluation.front_page import Hour
from scoring.ranking import page_order

PARTS = ("worth", "coverage", "score", "growth")
"""What is fitted; age is chosen by hand."""

RIDGE = 1e-3
PAIRS_AN_HOUR = 300
Floats = NDArray[np.float64]


def hours_of(arguments: str) -> list[Hour]:
    """Return the graded hours of one window, with the worths named in the argument."""
    recorded, labels, *worths = arguments.split(":")
    recorded_run = recording.load(Path(recorded))
    items = labelled_files.read(Path(labels))
    if worths:
        recorded_run = with_worths(recorded_run, Path(worths[0]))
    return front_page.hours(recorded_run, items)


def with_worths(recorded: recording.Recording, path: Path) -> recording.Recording:
    """Return a recording whose stories have the worths from a file."""
    worth_of: dict[tuple[str, str], float] = {}
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            worth_of[row.get("url") or "", row["title"]] = float(row["p"])
            worth_of.setdefault(("", row["title"]), float(row["p"]))

    def worth(entry_id: int) -> float:
        entry = recorded.entries[entry_id]
        exact = worth_of.get((entry.link, entry.title))
        return worth_of.get(("", entry.title), page_order.UNKNOWN_WORTH) if exact is None else exact

    def judged(story: Coverage) -> Coverage:
        return replace(story, worths=tuple(worth(entry_id) for entry_id in story.entry_ids[: len(story.voices)]))

    moments = [replace(moment, stories=tuple(map(judged, moment.stories))) for moment in recorded.moments]
    return recording.Recording(recorded.entries, moments)


def features(hour: Hour, stories: Sequence[Coverage]) -> Floats:
    """Return the parts of the page order without their weights, (stories, parts)."""
    weights = {
        "worth": page_order.WEIGHT_WORTH,
        "coverage": page_order.WEIGHT_COVERAGE,  # sources keep their part of it
        "score": page_order.WEIGHT_SCORE,
        "growth": page_order.WEIGHT_GROWTH,
    }
    rows = []
    for story in stories:
        values = page_order.values(front_page.candidate(story), hour.moment.at)
        rows.append([values[name] / weights[name] for name in PARTS])
    return np.asarray(rows, dtype=float)


def fit(windows: Sequence[Sequence[Hour]], seed: int = 0) -> Floats:
    """Fit weights of PARTS >= 0 to pairs of recent stories of one hour, weighted by the difference of their gains.

    Logistic loss of the pair's order; all windows count the same, and so do all hours of a window.
    """
    rng = np.random.default_rng(seed)
    rows, weights = [], []
    for hours in windows:
        for hour in hours:
            gains = np.asarray([2.0 ** hour.grade(story.story_id) - 1.0 for story in hour.recent])
            better, worse = np.nonzero(gains[:, None] > gains[None, :])
            if len(better) > PAIRS_AN_HOUR:
                drawn = rng.choice(len(better), PAIRS_AN_HOUR, replace=False)
                better, worse = better[drawn], worse[drawn]
            if not len(better):
                continue
            values = features(hour, hour.recent)
            rows.append(values[better] - values[worse])
            weight = gains[better] - gains[worse]
            weights.append(weight / weight.sum() / len(hours) / len(windows))
    pairs, weight = np.concatenate(rows), np.concatenate(weights)
    scale = pairs.std(axis=0)
    scaled = pairs / scale

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        margin = scaled @ coefficients
        wrong = 1.0 / (1.0 + np.exp(margin))
        value = float((weight * np.logaddexp(0, -margin)).sum() + RIDGE * coefficients @ coefficients)
        return value, 2 * RIDGE * coefficients - (scaled * (weight * wrong)[:, None]).sum(axis=0)

    start = np.full(len(PARTS), 0.1)
    best = minimize(loss, start, jac=True, bounds=[(0, None)] * len(PARTS), method="L-BFGS-B")
    coefficients: Floats = best.x / scale
    return coefficients


def ordered_by(weights: Floats) -> front_page.Order:
    """Return the order with *weights* in place of the shipped ones, without diversity rules."""

    def order(moment: recording.Moment, recent: Sequence[Coverage]) -> Sequence[int]:
        stories = [story for story in moment.stories if not story.hidden]
        hour = Hour(moment, {})
        age = np.asarray([page_order.values(front_page.candidate(s), moment.at)["age"] for s in stories])
        place = features(hour, stories) @ weights + age
        return [stories[i].story_id for i in np.argsort(-place, kind="stable")]

    return order


def main(arguments: Sequence[str]) -> None:
    """Print weights and measures."""
    if not arguments:
        skip("recording that is named")
    windows = [hours_of(argument) for argument in arguments]
    print("weights", dict(zip(PARTS, np.round(fit(windows), 3).tolist(), strict=True)))
    for number, argument in enumerate(arguments):
        orders: dict[str, front_page.Order] = {"as it ships": front_page.by_place, "by score": front_page.by_score}
        others = [hours for other, hours in enumerate(windows) if other != number]
        if others:
            orders["fitted on the others"] = ordered_by(fit(others))
        print(argument)
        for name, order in orders.items():
            print(f"  {name:22}", front_page.summary(windows[number], order))
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
