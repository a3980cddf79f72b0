from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.store import Store
from aggregator.store.derived.scorecards import Measure
from tests.web.pages.test_pages import get, text
from web.present.accuracy import calibration, cell, course

NIGHT = date(2026, 11, 16)


def card(value: float | None, cases: int = 240) -> list[Measure]:
    low, high = (None, None) if value is None else (value - 0.05, value + 0.05)
    return [
        Measure(30, "", "auc", "site", value, low, high, cases, 200),
        Measure(30, "", "auc", "newest first", 0.5, 0.45, 0.55, cases, 200),
        Measure(30, "big-tech", "auc", "site", None, None, None, 12, 200),
    ]


def test_before_the_first_night_the_page_says_when_it_comes(full: FlaskClient) -> None:
    page = text(get(full, "/accuracy"))
    assert "There are no measurements yet" in page


def test_the_page_shows_each_number_with_range_cases_and_comparison(
    store: Store, tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    tables = {
        (30, "reliability"): [[0.0, 0.1, 200, 0.04, 0.05], [0.8, 0.9, 40, 0.85, 0.7]],
        (30, "confusion"): [["policy", "big-tech", 3]],
    }
    for nights in range(7):
        store.scorecards.save(NIGHT - timedelta(days=nights), card(0.81 - nights / 100), tables)
    client = make_app(tmp_path / "news.db").test_client()
    # On a phone each number is below the name of its column.
    assert '<td role="cell" data-label="Newest first">' in get(client, "/accuracy")
    page = text(get(client, "/accuracy"))

    assert "0.810 0.760 to 0.860" in page
    assert "240 cases" in page
    assert "not enough data: 12 of 200 cases" in page
    assert "40 stories with an average score of 85: 70% turned out relevant" in page
    assert "Between 0.750 and 0.810 in 7 nights" in page
    assert "/accuracy" in get(client, "/about")


def test_a_number_from_too_few_cases_is_left_out() -> None:
    assert cell(card(None, 12)[0]).note == "not enough data: 12 of 200 cases"
    assert cell(card(None, 900)[0]).note == "undefined for 900 cases"
    assert cell(None).value == ""


def history(*values: float) -> list[tuple[date, float]]:
    return [(NIGHT + timedelta(days=night), value) for night, value in enumerate(values)]


def test_a_week_of_different_numbers_draws_a_course() -> None:
    drawn = course(history(0.8, 0.8, 0.9, 0.85, 0.8, 0.8, 0.8), "auc")
    assert drawn is not None
    assert drawn.path.startswith("M0.0 100.0L16.7 100.0L33.3 0.0L50.0 50.0L")
    assert drawn.path.endswith("L100.0 100.0")


@pytest.mark.parametrize("values", [(), (0.5,), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), (0.021, 0.022) * 4])
def test_few_nights_or_equal_numbers_draw_no_course(values: tuple[float, ...]) -> None:
    assert course(history(*values), "precision_at_10") is None


def errors(*values: float | None) -> list[Measure]:
    return [
        Measure(days, "", "ece", "site", value, None if value is None else value - 0.01, value, 300, 200)
        for days, value in zip((7, 30, 90), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "drifts"),
    [((0.08, 0.03, 0.02), True), ((0.02, 0.02, 0.005), False), ((0.04, 0.04, 0.035), False), ((None, 0.2, 0.2), False)],
)
def test_calibration_drifts_when_the_newest_days_are_clearly_worse(
    values: tuple[float | None, ...], drifts: bool
) -> None:
    shown = calibration(errors(*values))
    assert shown is not None
    assert [days for days, _ in shown.windows] == [7, 30, 90]
    assert shown.drifts is drifts


def test_a_window_without_older_days_than_a_shorter_one_is_left_out(
    store: Store, tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    store.scorecards.save(NIGHT, errors(0.02, 0.02, 0.05), {})
    page = text(get(make_app(tmp_path / "news.db").test_client(), "/accuracy"))
    assert "Last 7 days" in page
    assert "The last 7 days" in page
    assert "30 days" not in page
    assert "The last 90 days" in page


def test_there_is_no_calibration_before_there_are_enough_cases() -> None:
    assert calibration(errors(None, None, None)) is None
    assert calibration(card(0.8)) is None


def test_the_page_warns_of_drift(store: Store, tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    store.scorecards.save(NIGHT, errors(0.08, 0.03, 0.02), {})
    page = text(get(make_app(tmp_path / "news.db").test_client(), "/accuracy"))
    assert "Calibration is drifting." in page
    assert "Votes correct the others" in page
    assert "Last 7 days 0.080 0.070 to 0.080" in page
