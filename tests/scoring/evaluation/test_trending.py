from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.errors import GroundswellError
from aggregator.model import Config, Site
from scoring.evaluation.trending import Recorded, evaluate, lines, orders, record, report
from scoring.relevance.model import load_prior
from scoring.replay.streams import Stream
from tests.scoring.world import NOON

DESKS = ("herald", "lantern", "courier", "beacon", "quill", "ledger", "signal", "tribune", "gazette", "mirror")


def stream(folder: Path, days: int = 7) -> Stream:
    """Write a stream: daily one event that all sources report within hours, and many that only one source reports."""
    rng = random.Random(0)

    def words() -> str:
        return " ".join("".join(rng.choices("bdklmnprst", k=3)) + rng.choice("aeiou") * 2 for _ in range(7))

    rows = []
    for day in range(days):
        begun = NOON.replace(hour=0) + timedelta(days=day)
        event = words()
        for number, desk in enumerate(DESKS):
            rows.append((begun + timedelta(hours=9 + number), desk, f"{event} {desk}"))
            rows += [(begun + timedelta(hours=4 * slot, minutes=number), desk, words()) for slot in range(6)]
    path = folder / "stream.jsonl"
    path.write_text(
        "\n".join(
            json.dumps(
                {"title": title, "source": desk, "url": f"https://{desk}.example/{i}", "first_seen": at.isoformat()}
            )
            for i, (at, desk, title) in enumerate(sorted(rows))
        ),
        "utf-8",
    )
    return Stream(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(stream(tmp_path_factory.mktemp("stream")), Config(Site(), (), ()), load_prior())


def test_the_page_names_what_others_take_up_and_newest_first_does_not(recorded: Recorded) -> None:
    measured = report(recorded, orders())
    by_name = {result.name: result for result in measured.results}
    page, newest = by_name["the page"].ndcg_at_10["6 h"], by_name["newest first"].ndcg_at_10["6 h"]
    assert page is not None
    assert newest is not None
    assert page.low <= page.value <= page.high
    assert page.value > newest.value
    assert by_name["the page"].reached_page == 1.0
    assert measured.worth["6 h"] > 0
    assert len(lines(measured)) == 3 + len(measured.results)


def test_a_story_is_judged_by_voices_that_came_after_the_moment(recorded: Recorded) -> None:
    at, cases = next((at, cases) for at, cases in recorded.moments if at.hour == 12 and cases)
    growing = [case for case in cases if len(case.coverage.voices) < len(DESKS)]
    big = max(growing, key=lambda case: len(case.coverage.voices))
    voices = len(big.coverage.voices)
    assert 1 < voices < len(DESKS)
    assert recorded.further(big, timedelta(hours=24)) == len(DESKS) - voices
    assert all(joined <= at for joined, _ in big.coverage.voices)
    assert isinstance(at, datetime)


def test_a_stream_of_an_hour_is_too_short_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "short.jsonl"
    path.write_text(json.dumps({"title": "One", "first_seen": "2026-01-01T00:00:00Z"}), "utf-8")
    with pytest.raises(GroundswellError, match="too short"):
        evaluate(Stream(path), Config(Site(), (), ()), load_prior())
