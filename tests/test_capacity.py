"""The capacity page shows the model's results, and the model follows its formulas."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.capacity import INPUTS, inputs, need, table

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "capacity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("lines", [inputs, table], ids=["inputs", "table"])
def test_the_page_shows_what_the_command_prints(lines: object) -> None:
    assert callable(lines)
    assert "\n".join(lines()) in PAGE


def test_a_worked_example() -> None:
    of_100_000 = need(100_000, interval_min=30, entries_per_feed_day=4, kept_days=365)

    assert of_100_000.polls_per_s == pytest.approx(55.6, abs=0.1)
    assert of_100_000.entries_per_day == 400_000
    assert of_100_000.scorer_gb == pytest.approx(400_000 * 3 * INPUTS["live entry"].value / 1e6)
    assert of_100_000.stored_gb == pytest.approx(400_000 * 365 * INPUTS["stored entry"].value / 1e6)


def test_ten_times_the_feeds_need_ten_times_the_work() -> None:
    small, large = (need(feeds, 30, 4, 365) for feeds in (100_000, 1_000_000))

    assert large.poller_cores == pytest.approx(10 * small.poller_cores)
    assert large.log_gb_per_day == pytest.approx(10 * small.log_gb_per_day)
    assert large.euros_per_month < 10 * small.euros_per_month


def test_more_polls_without_more_entries_cost_less_than_in_proportion() -> None:
    half_hour, quarter = (need(100_000, minutes, 4, 365) for minutes in (30, 15))

    assert half_hour.poller_cores < quarter.poller_cores < 2 * half_hour.poller_cores
    assert quarter.scorer_cores == half_hour.scorer_cores
