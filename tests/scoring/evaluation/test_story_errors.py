from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scoring.evaluation.story_errors import count
from scoring.replay.streams import Line

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


def line(key: str, title: str, hours: float = 0.0) -> Line:
    return Line(
        id=key,
        source=f"source of {key}",
        url="",
        title=title,
        summary="",
        language="en",
        published_at=None,
        arrived_at=NOON + timedelta(hours=hours),
        columns={},
    )


def test_each_wrong_and_each_missed_pair_is_counted_once_under_the_first_kind_that_fits() -> None:
    lines = {
        "a": line("a", "Flood warning issued for the River Severn at Bewdley"),
        "b": line("b", "Flood warning issued for the River Trent at Newark"),
        "c": line("c", "Velora opens a chip factory in Poznan"),
        "d": line("d", "Regulators fine Velora over batteries"),
        "e": line("e", "A quiet evening by the harbour"),
        "f": line("f", "Velora chip factory opens in Poznan at last", hours=30),
        "g": line("g", "Poland gets a fab"),
    }
    gold = {"a": "severn", "b": "trent", "c": "factory", "d": "fine", "e": "evening", "f": "factory", "g": "factory"}
    story_of = {"a": 1, "b": 1, "c": 2, "d": 2, "e": 2, "f": 3, "g": 4}

    errors = count(lines, gold, story_of)

    assert errors == {
        "template": 1,
        "series": 0,
        "same name": 1,
        "other wrong": 2,
        "late": 2,
        "few words": 1,
        "other missed": 0,
    }
