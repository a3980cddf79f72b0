"""`groundswell replay --learn`: a replay learns from its own past, with the same result each time."""

from __future__ import annotations

import io
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.store import Store
from scoring.learning.train import Learner
from scoring.relevance.model import load_prior
from scoring.replay.runner import replay
from scoring.replay.streams import Stream
from tests.scoring.press import BIG, CONFIG, DAY, HOUR, MONDAY, SMALL


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a stream of 14 days; titles that begin like `BIG` are reported by many sources."""
    rng = random.Random(0)
    rows: list[tuple[object, str, str]] = []
    for day in range(14):
        for number in range(16):
            big = number % 8 == 0
            names = [
                "".join(rng.choice("bcdfgklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(3, 5)))
                for _ in range(5)
            ]
            title = f"{rng.choice(BIG if big else SMALL)} {' '.join(names)}"
            at = MONDAY + day * DAY + rng.random() * DAY
            for i, source in enumerate(rng.sample(range(8), rng.randint(3, 5) if big else 1)):
                rows.append((at + i * timedelta(minutes=20) * rng.random() + i * HOUR / 2, f"paper{source}", title))
    path = tmp_path_factory.mktemp("stream") / "s.jsonl"
    path.write_text(
        "".join(
            json.dumps({"first_seen": at.isoformat(), "source": source, "title": title}) + "\n"  # type: ignore[attr-defined]
            for at, source, title in sorted(rows, key=str)
        ),
        "utf-8",
    )
    return path


def run(stream: Path, db: Store | None = None, learn: bool = True) -> tuple[str, int]:
    scores = io.StringIO()
    learner = Learner(CONFIG) if learn else None
    replay(
        Stream(stream),
        CONFIG,
        load_prior(),
        scores=scores,
        db=db,
        retrain=learner,
        observer=learner.past if learner else None,
    )
    return scores.getvalue(), learner.fitted if learner else 0


@pytest.fixture(scope="module")
def learned(stream: Path) -> tuple[str, int]:
    """The scores of a replay that learns, and how often it did."""
    return run(stream)


def test_it_learns_from_its_own_past_and_twice_the_same(stream: Path, learned: tuple[str, int]) -> None:
    assert learned[1] > 0
    assert run(stream) == learned
    assert run(stream, learn=False)[0] != learned[0]


def test_with_a_database_it_learns_the_same(stream: Path, learned: tuple[str, int]) -> None:
    with Store.open(":memory:") as db:
        assert run(stream, db) == learned
