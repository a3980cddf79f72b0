"""Joins and merges of the sample edition, judged by its labels."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench.fit_joins import Recording
from bench.join_precision import Verdicts, calibration, commonest, error, log_odds, verdicts_of
from bench.stories import write_sample
from scoring.clustering.join_model import probability
from scoring.evaluation.stories import read_gold
from scoring.replay.streams import Stream


def test_joins_of_the_sample_edition_are_judged(tmp_path: Path) -> None:
    items, labels_file = write_sample(tmp_path)
    labels = {key: ("sample", label) for key, label in read_gold(labels_file).items()}
    recording = Recording(items, "ts", "title,summary", None, labels)
    verdicts = verdicts_of(recording, list(Stream(items, "ts")))["sample"]

    assert len(verdicts.joins) > 80
    assert sum(verdicts.joins) >= 0.95 * len(verdicts.joins)
    joined = [belongs for odds, belongs in verdicts.decisions if odds > 0.0]
    apart = [belongs for odds, belongs in verdicts.decisions if odds <= 0.0]
    assert sum(joined) / len(joined) > 0.9 > 0.3 > sum(apart) / len(apart)


def test_wrong_joins_are_judged_wrong(tmp_path: Path) -> None:
    items, _ = write_sample(tmp_path)
    lines = list(Stream(items, "ts"))
    labels = {line.id: ("sample", line.id) for line in lines}
    recording = Recording(items, "ts", "title,summary", None, labels)
    verdicts = verdicts_of(recording, lines)["sample"]

    assert len(verdicts.joins) > 80
    assert not any(verdicts.joins)
    assert not any(verdicts.merges)


def test_the_calibration_is_that_of_the_decisions() -> None:
    odds = [step / 4 for step in range(-12, 13)]
    stream = Verdicts(decisions=[(x, place < 100 / (1 + math.exp(-0.5 - 2 * x))) for x in odds for place in range(100)])
    intercept, slope = calibration([stream, Verdicts()])

    assert (intercept, slope) == pytest.approx((0.5, 2.0), abs=0.1)
    assert error(stream.decisions, intercept, slope) < 0.02 < error(stream.decisions, 0.0, 0.2)


def test_log_odds_are_those_behind_a_probability() -> None:
    assert [log_odds(probability(odds)) for odds in (-2.0, 0.0, 3.5)] == pytest.approx([-2.0, 0.0, 3.5])


def test_the_commonest_label_ignores_entries_without_one() -> None:
    assert commonest([None, "b", "a", None, "a"]) == "a"
    assert commonest([None]) is None
