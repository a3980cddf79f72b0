"""Floors under measured values, with a digest of the data: a floor moves down only on purpose."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.config import load_config
from aggregator.errors import MeaningError
from aggregator.model import Config, MeaningSettings, Site
from scoring.evaluation import categories, front_page, labelled_files, recording, topics, trending
from scoring.meaning.encoder import Encoder
from scoring.meaning.encoder_process import open_encoder
from scoring.relevance.model import load_prior
from scoring.replay.streams import Stream

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


def data(name: str, digest: str) -> Path:
    """Return a recorded file, if it is the one on which the floor was measured."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"there is no {name} beside this checkout")
    if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != digest:
        pytest.skip(f"{name} is another file than the floor was measured on")
    return path


@pytest.mark.long
def test_rising_terms_of_the_first_days_of_a_stream() -> None:
    path = data("stream/news_2020_dev.jsonl.gz", "cd84f080f9ca3675")
    until = datetime(2020, 5, 22, tzinfo=UTC)
    report = topics.evaluate(itertools.takewhile(lambda line: line.arrived_at < until, Stream(path)))
    right = {result.name: result.precision_at_10.value for result in report.results}
    assert right["terms"] >= 0.33
    assert right["terms"] > right["z-score"]
    assert right["topics, as shown"] >= 0.28


def test_categories_of_later_headlines() -> None:
    path = data("labels/agnews_dev.jsonl.gz", "35f8850ab0ac4180")
    rows = categories.read_rows(path)[:2_000]
    cut = int(0.75 * len(rows))
    report = categories.evaluate(rows[cut:], rows[:cut])
    assert report.parts[0].accuracy.value >= 0.83


EDITION = Path(__file__).parents[2] / "data" / "front_page" / "edition.jsonl"


def front_page_of(
    stream: Path, labels: Path, learn: bool, encoder: Encoder | None = None
) -> dict[str, tuple[float, float]]:
    """Return nDCG@10 and noise of the first ten stories, by order."""
    config = load_config(Path("feeds.yaml"), env={})
    recorded = recording.record(Stream(stream, encoder=encoder), config, load_prior(), learn=learn)
    report = front_page.evaluate(recorded, labelled_files.read(labels))
    measured = {}
    for result in report.results:
        assert result.ndcg_at_10 is not None
        assert result.noise is not None
        measured[result.name] = (result.ndcg_at_10.value, result.noise.value)
    return measured


def test_the_front_page_of_an_invented_edition() -> None:
    measured = front_page_of(EDITION, EDITION.with_name("edition.labels.tsv"), learn=True)
    ndcg, noise = measured.pop("as shown")
    assert ndcg >= 0.86
    assert noise <= 0.14
    assert all(ndcg > other and noise < more for other, more in measured.values())


def days_of_press(folder: Path) -> Path:
    """Write a week of the press stream into *folder*; skip if the stream is missing."""
    path = data("stream/ai_press_2024_25_dev.jsonl.gz", "989fdc43876b9103")
    days = folder / "days.jsonl"
    with gzip.open(path, "rt", encoding="utf-8") as file, days.open("w", encoding="utf-8") as part:
        part.writelines(line for line in file if "2025-05-16" <= json.loads(line)["published"] < "2025-05-23")
    return days


PRESS_LABELS = SHARED / "gold" / "press_2025_05.labels.tsv"


def test_the_front_page_of_some_days_of_press(tmp_path: Path) -> None:
    # The shipped prior was trained on these grades too: this guards the whole path and does not estimate other days.
    measured = front_page_of(days_of_press(tmp_path), PRESS_LABELS, learn=False)
    ndcg, noise = measured.pop("as shown")
    assert ndcg >= 0.64
    assert noise <= 0.02
    del measured["by score"]  # nearly the same worth, without its age
    assert all(ndcg > other for other, _ in measured.values())


@pytest.mark.long
def test_the_front_page_of_some_days_of_press_by_meaning(tmp_path: Path) -> None:
    days = days_of_press(tmp_path)
    try:
        opened = open_encoder(MeaningSettings("minilm"), {})
        assert opened is not None
        with opened as encoder:
            encoder.encode(["A sentence"])
            measured = front_page_of(days, PRESS_LABELS, learn=False, encoder=encoder)
    except MeaningError as error:
        pytest.skip(f"the sentence encoder does not run here: {error}")
    ndcg, noise = measured.pop("as shown")
    assert ndcg >= 0.66
    assert noise <= 0.02
    del measured["by score"]
    assert all(ndcg > other for other, _ in measured.values())


@pytest.mark.long
def test_trending_of_three_weeks_of_ai_news(tmp_path: Path) -> None:
    path = data("stream/ai_radar_2026_dev.jsonl.gz", "e853033a5e839805")
    weeks = tmp_path / "weeks.jsonl"
    with gzip.open(path, "rt", encoding="utf-8") as file, weeks.open("w", encoding="utf-8") as part:
        part.writelines(line for line in file if "2026-05-01" <= json.loads(line)["first_seen"] < "2026-05-24")
    recorded = trending.record(Stream(weeks), Config(Site(), (), ()), load_prior())
    report = trending.report(recorded, trending.orders())
    right = {result.name: result.ndcg_at_10 for result in report.results}
    ewma = next(name for name in right if "EWMA" in name)
    # Measured: .271 to .262 over the day; within six hours only three stories in ten moments deserve a place.
    for ahead, least in (("6 h", -0.02), ("24 h", 0.0)):
        own, rule = right["trend"][ahead], right[ewma][ahead]
        assert own is not None
        assert rule is not None
        assert own.value >= rule.value + least
