"""Counts, durations, ages and sizes in English."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.text.wording import ago, brief_duration, duration, listing, plural, size, verb

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "noun", "many", "text"),
    [
        (0, "source", "", "0 sources"),
        (1, "source", "", "1 source"),
        (2, "source", "", "2 sources"),
        (1, "entry", "entries", "1 entry"),
        (1_204, "entry", "entries", "1,204 entries"),
    ],
)
def test_a_count_goes_with_its_noun(count: int, noun: str, many: str, text: str) -> None:
    assert plural(count, noun, many) == text


def test_a_verb_goes_with_its_count() -> None:
    assert [verb(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    ("span", "full", "brief"),
    [
        (timedelta(), "0 seconds", "0 s"),
        (timedelta(seconds=-5), "0 seconds", "0 s"),
        (timedelta(seconds=1), "1 second", "1 s"),
        (timedelta(seconds=59.9), "59 seconds", "59 s"),
        (timedelta(seconds=90), "1 minute", "1 min"),
        (timedelta(minutes=59), "59 minutes", "59 min"),
        (timedelta(minutes=90), "1 hour", "1 h"),
        (timedelta(hours=24), "1 day", "1 d"),
        (timedelta(days=3, hours=20), "3 days", "3 d"),
        (timedelta(days=2_000), "2,000 days", "2,000 d"),
    ],
)
def test_a_duration_is_shown_in_its_largest_integer_unit(span: timedelta, full: str, brief: str) -> None:
    assert (duration(span), brief_duration(span)) == (full, brief)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=-1), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=8), "8 h ago"),
        (timedelta(days=13, hours=23), "13 d ago"),
        (timedelta(days=14), "3 Nov 2026"),
    ],
)
def test_an_age_becomes_a_date_after_two_weeks(span: timedelta, text: str) -> None:
    assert ago(NOON - span, NOON) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (1_540, "1.5 kB"),
        (56_300, "56 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (2_500_000, "2.5 MB"),
        (9_960_000, "10 MB"),
        (512_000_000, "512 MB"),
        (12_300_000_000, "12 GB"),
        (5_000_000_000_000, "5,000 GB"),
    ],
)
def test_a_size_has_three_digits_at_most(count: int, text: str) -> None:
    assert size(count) == text


def test_a_list_is_joined_as_in_a_sentence() -> None:
    assert [listing("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listing(("a", "b"), "or") == "a or b"
