"""Pairs of generated series, and the weights that fit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.fit_joins import (
    HELD,
    NAMES,
    SERIES,
    Pairs,
    Recorder,
    arrays,
    fitted,
    generated,
    held_out,
    log_odds,
    pairs_of,
)
from bench.stories_read import text_of
from scoring.clustering.clusterer import Clusterer
from scoring.clustering.weights import Tuning, Weights
from scoring.language.terms import DocumentFrequency, load_background
from scoring.replay.streams import Stream

WEIGHTS = Tuning().weights


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Pairs]:
    """Return the pairs of two generations of series, under two names."""
    folder: Path = tmp_path_factory.mktemp("series")

    @cache
    def of_seed(seed: int) -> Pairs:
        recording = generated(folder / f"{seed}.jsonl.gz", seed)
        return arrays(pairs_of(Stream(recording.items, "ts"), recording)[SERIES])

    return {"one": of_seed(1), "other": of_seed(2)}


def test_factors_times_weights_are_the_log_odds(tmp_path: Path) -> None:
    recording = generated(tmp_path / "series.jsonl.gz", 1)
    lines = list(Stream(recording.items, "ts"))[:40]
    found = arrays(pairs_of(lines, recording)[SERIES])
    model = Recorder()
    clusterer = Clusterer(DocumentFrequency(load_background()), model=model)
    story_of: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        text = text_of(number, line)
        clusterer.expire(text.arrived)
        clusterer.place(text)
        clusterer.add(text, story_of.setdefault(recording.labels[line.id], number))
    expected = [model.log_odds(evidence) for evidence in list(model.compared)]

    assert len(expected) > 40
    assert log_odds(found, WEIGHTS) == pytest.approx(np.array(expected))


def test_fitted_weights_separate_series_that_they_have_not_seen(series: Mapping[str, Pairs]) -> None:
    rows = list(held_out(series, WEIGHTS))
    of_others = [float(row.split("|")[5]) for row in rows]

    assert len(rows) == 3
    assert min(of_others) > 0.9


def test_held_weights_stay_and_the_fit_is_the_same_each_time(series: Mapping[str, Pairs]) -> None:
    other_start = replace(WEIGHTS, **{name: 9.0 for name in NAMES if name not in HELD})
    weights = fitted(series, WEIGHTS)

    assert all(getattr(weights, name) == getattr(WEIGHTS, name) for name in HELD)
    assert weights == fitted(series, WEIGHTS) == fitted(series, other_start)
    assert weights != Weights()
    assert weights.meaning == weights.meaning_margin == 0.0
