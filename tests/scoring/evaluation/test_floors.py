"""Floors under what was measured, with a digest of the data: a floor moves down only on purpose."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoring.evaluation import categories, topics
from scoring.replay.streams import Stream

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


def data(name: str, digest: str) -> Path:
    """Return a recorded file, if it is the one that the floor was measured on."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"there is no {name} beside this checkout")
    if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != digest:
        pytest.skip(f"{name} is another file than the floor was measured on")
    return path


def test_rising_terms_of_the_first_days_of_a_stream() -> None:
    path = data("stream/news_2020_dev.jsonl.gz", "cd84f080f9ca3675")
    until = datetime(2020, 5, 22, tzinfo=UTC)
    report = topics.evaluate(itertools.takewhile(lambda line: line.arrived_at < until, Stream(path)))
    right = {one.name: one.precision_at_10.value for one in report.results}
    assert right["terms"] >= 0.33
    assert right["terms"] > right["z-score"]
    assert right["topics, as shown"] >= 0.26


def test_categories_of_later_headlines() -> None:
    path = data("labels/agnews_dev.jsonl.gz", "35f8850ab0ac4180")
    rows = categories.read_rows(path)[:2_000]
    cut = int(0.75 * len(rows))
    report = categories.evaluate(rows[cut:], rows[:cut])
    assert report.parts[0].accuracy.value >= 0.83
