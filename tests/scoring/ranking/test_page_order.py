from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Embedding
from scoring.ranking.page_order import (
    FRESH,
    GOOD_SCORE,
    LIST_LENGTH,
    LOW_SCORE,
    POOL,
    STALE,
    TOP,
    Candidate,
    breaking,
    distinctive,
    parts,
    place,
    ranked,
)

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)


def candidate(
    number: int,
    score: int = 50,
    hours: tuple[float, ...] = (5.0,),
    worths: tuple[float, ...] = (0.3,),
    source: str = "",
    topics: str = "",
) -> Candidate:
    """Return a story of `len(hours)` independent sources that joined that many hours ago."""
    return Candidate(
        story_id=number,
        category_id="models",
        relevance=score / 100,
        score=score,
        worths=worths,
        joined=tuple(NOW - hour * HOUR for hour in hours),
        source_id=source or f"s{number}",
        topics=frozenset(topics.split() or [f"t{number}"]),
        trend=float(number),
    )


def toward(degrees: float) -> Embedding:
    """Return an embedding in that direction."""
    return Embedding(
        "e", bytes([round(127 * math.cos(math.radians(degrees))), round(127 * math.sin(math.radians(degrees)))])
    )


def order(*candidates: Candidate) -> list[int]:
    return [story_id for story_id, _ in ranked(candidates, NOW)]


hours_ago = st.lists(st.floats(0, 72), min_size=1, max_size=6).map(tuple)
worths = st.lists(st.floats(0, 1), min_size=1, max_size=6).map(tuple)
plain_stories = st.builds(
    candidate,
    number=st.integers(1, 10_000),
    score=st.integers(0, 100),
    hours=hours_ago,
    worths=worths,
    source=st.sampled_from(["a", "b", ""]),
    topics=st.sampled_from(["", "apple tablet launch", "apple tablet sale", "court levy ruling"]),
)


@st.composite
def weighted(draw: st.DrawFn) -> Candidate:
    """Return a story whose sources have weights of their own in feeds.yaml."""
    story = draw(plain_stories)
    count = len(story.worths)
    return replace(story, weights=tuple(draw(st.lists(st.floats(0, 10), min_size=count, max_size=count))))


stories = st.one_of(plain_stories, weighted())
many = st.lists(plain_stories, max_size=80, unique_by=lambda c: c.story_id)


# The place of a story


@given(stories, st.floats(0, 1), st.floats(0, 72), st.floats(0, 10))
def test_an_added_independent_source_never_lowers_a_story(
    story: Candidate, worth: float, hours: float, weight: float
) -> None:
    more = replace(
        story,
        worths=(*story.worths, worth),
        joined=(*story.joined, NOW - hours * HOUR),
        weights=(*story.weights, weight) if story.weights else (),
    )
    assert place(more, NOW) >= place(story, NOW) - 1e-9


@given(stories)
def test_a_copy_leaves_a_story_where_it_is(story: Candidate) -> None:
    # A copy adds no independent source, so the inputs of the place do not change.
    assert place(replace(story, trend=story.trend + 1), NOW) == place(story, NOW)


@given(stories, st.floats(0, 100))
def test_time_without_news_never_raises_a_story(story: Candidate, hours: float) -> None:
    assert place(story, NOW + hours * HOUR) <= place(story, NOW)


@given(stories)
def test_the_parts_add_up_to_the_place(story: Candidate) -> None:
    assert sum(part.value for part in parts(story, NOW)) == pytest.approx(place(story, NOW))


def test_a_worked_example() -> None:
    result = {part.name: (part.value, part.amount) for part in parts(candidate(1, 50, (24.0, 12.0), (0.1, 0.5)), NOW)}
    assert result["worth"] == pytest.approx((0.0, 0.5))
    assert result["coverage"] == pytest.approx((0.5228, 2), abs=1e-3)
    assert result["score"] == pytest.approx((0.0, 50))
    assert result["growth"] == (0.0, 0.0)
    assert result["age"] == pytest.approx((-0.5309, 12), abs=1e-3)


def test_sources_of_the_last_hours_count_as_growth_and_so_does_the_score() -> None:
    result = {part.name: (part.value, part.amount) for part in parts(candidate(1, 90, (1.0, 2.0, 20.0)), NOW)}
    assert result["growth"] == pytest.approx((0.1099, 2), abs=1e-4)
    assert result["score"] == pytest.approx((0.3296, 90), abs=1e-4)


def test_a_source_of_weight_two_counts_as_two_sources_of_its_worth() -> None:
    one = candidate(1, hours=(5.0,), worths=(0.3,))
    two = candidate(1, hours=(5.0, 5.0), worths=(0.3, 0.3))
    assert place(replace(one, weights=(2.0,)), NOW) == pytest.approx(place(two, NOW))
    assert place(replace(one, weights=(0.5,)), NOW) < place(one, NOW)


def test_weight_zero_puts_a_story_last_and_explains_it() -> None:
    ignored = replace(candidate(1, 60, worths=(0.9,)), weights=(0.0,))
    assert order(ignored, candidate(2, 60, worths=(0.01,))) == [2, 1]
    assert order(ignored, candidate(2, 5, hours=(70.0,), worths=(0.01,))) == [2, 1]
    first = distinctive(parts(ignored, NOW))[0]
    assert (first.name, first.amount) == ("weight", 0.0)


def test_a_report_of_usual_weight_ends_the_effect_of_weight_zero() -> None:
    alone = candidate(1, hours=(5.0,), worths=(0.3,))
    joined = replace(candidate(1, hours=(5.0, 5.0), worths=(0.3, 0.9)), weights=(1.0, 0.0))
    assert place(joined, NOW) >= place(alone, NOW)


# The order of a page


@given(many, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(candidates: list[Candidate], rng: random.Random) -> None:
    shuffled = list(candidates)
    rng.shuffle(shuffled)
    assert ranked(candidates, NOW) == ranked(shuffled, NOW)


@given(many)
def test_a_list_has_no_story_twice_and_no_more_than_its_length(candidates: list[Candidate]) -> None:
    listed = order(*candidates)
    assert len(listed) == len(set(listed)) <= LIST_LENGTH


@given(many)
def test_a_story_of_low_score_never_stands_above_a_fresh_one_that_is_not_low(candidates: list[Candidate]) -> None:
    by_id = {c.story_id: c for c in candidates}
    listed = [by_id[story_id] for story_id in order(*candidates)]
    for position, story in enumerate(listed):
        if story.score < LOW_SCORE and not breaking(story.joined, NOW):
            assert not any(
                below.score >= LOW_SCORE and NOW - max(below.joined) <= FRESH for below in listed[position + 1 :]
            )


def test_a_strong_story_stands_above_any_number_of_low_ones_with_better_places() -> None:
    low = [candidate(number, score=LOW_SCORE - 1, worths=(0.9,)) for number in range(1, POOL + 20)]
    strong = candidate(999, score=60, worths=(0.05,))
    assert place(strong, NOW) < min(place(story, NOW) for story in low)
    assert order(*low, strong)[0] == 999


def test_where_all_scores_are_low_the_best_of_two_days_stands_above_the_newest_noise() -> None:
    noise = [candidate(number, 2, (number / 10,), (0.05,)) for number in range(1, 11)]
    minor = candidate(99, 12, (40.0,), (0.12,))
    assert order(*noise, minor)[0] == 99


def test_the_score_counts_more_below_the_limit() -> None:
    def part(score: int) -> float:
        return next(part.value for part in parts(candidate(1, score), NOW) if part.name == "score")

    assert part(60) - part(LOW_SCORE) == pytest.approx(0.15 * 2.140, abs=1e-3)
    assert part(LOW_SCORE) - part(5) == pytest.approx(1.65 * 1.2098, abs=1e-3)


@given(many)
def test_the_first_places_have_news_of_two_days_while_a_good_story_has(candidates: list[Candidate]) -> None:
    by_id = {c.story_id: c for c in candidates}
    listed = [by_id[story_id] for story_id in order(*candidates)]
    for position, story in enumerate(listed[:TOP]):
        if NOW - max(story.joined) > STALE:
            assert not any(
                below.score >= GOOD_SCORE and NOW - max(below.joined) <= STALE for below in listed[position + 1 :]
            )


def test_old_news_leaves_the_top_but_not_the_page_and_stays_on_top_where_nothing_good_is_new() -> None:
    great = candidate(1, 99, (60.0, 61.0, 62.0, 70.0), (0.9, 0.9, 0.9, 0.9))
    good = [candidate(number, 50, (40.0,), (0.5,)) for number in range(2, TOP + 3)]
    minor = candidate(99, 49, (1.0,), (0.5,))
    assert order(great, minor) == [1, 99]
    assert order(great, good[0], minor) == [99, 2, 1]
    assert order(great, *good).index(1) == TOP
    assert order(replace(great, boosted=True), *good)[0] == 1


def test_equal_stories_are_ordered_oldest_first() -> None:
    assert order(candidate(2), candidate(1)) == [1, 2]


def test_a_breaking_story_of_low_score_may_stand_above_a_strong_one_and_says_why() -> None:
    strong = candidate(1, 77, (20.0,), (0.1,))
    calm = candidate(2, 5, (0.9, 0.5), (0.9, 0.9))
    assert order(strong, calm) == [1, 2]

    rushing = candidate(2, 5, (0.9, 0.5, 0.2, 0.1), (0.9, 0.9, 0.9, 0.9))
    assert order(strong, rushing) == [2, 1]
    assert breaking(rushing.joined, NOW) == 4


def test_a_single_source_stands_by_worth_and_not_by_the_clock_alone() -> None:
    deal = candidate(1, 10, (0.1,), (0.02,))
    launch = candidate(2, 60, (8.0,), (0.7,))
    assert order(deal, launch) == [2, 1]


def test_a_quiet_sunday_shows_the_best_of_saturday_before_the_noise_of_today() -> None:
    noise = [candidate(number, 8, (number / 10,), (0.02,)) for number in range(1, 11)]
    yesterday = candidate(99, 70, (30.0, 28.0), (0.6, 0.6))
    assert order(*noise, yesterday)[0] == 99


def test_on_a_quiet_sunday_fridays_news_stands_above_todays_noise() -> None:
    noise = [candidate(number, 12, (number / 10,), (0.05,)) for number in range(1, 11)]
    friday = candidate(99, 70, (60.0, 58.0), (0.6, 0.6))
    assert order(*noise, friday)[0] == 99


def test_of_two_old_stories_the_older_one_ranks_lower() -> None:
    assert order(candidate(1, 60, (66.0,)), candidate(2, 60, (44.0,))) == [2, 1]


def test_on_a_busy_day_yesterdays_story_ranks_lower() -> None:
    today = [candidate(number, 60, (float(number),), (0.5,)) for number in range(1, 11)]
    yesterday = candidate(99, 60, (40.0,), (0.5,))
    assert order(*today, yesterday)[-1] == 99


def test_no_publisher_fills_the_top_when_others_are_about_as_good() -> None:
    flood = [candidate(number, 60, (2.0 + number / 100,), (0.5,), source="one") for number in range(1, 11)]
    others = [candidate(number, 58, (2.5,), (0.48,)) for number in range(20, 25)]
    top = order(*flood, *others)[:6]
    assert sum(number < 20 for number in top) <= 4


@pytest.mark.parametrize(("worth", "gap", "expected"), [(0.28, 0.15, [1, 3, 2]), (0.267, 0.25, [1, 2, 3])])
def test_a_second_story_of_one_source_loses_a_fifth_in_log_odds(worth: float, gap: float, expected: list[int]) -> None:
    first, second = candidate(1, worths=(0.6,), source="a"), candidate(2, worths=(0.3,), source="a")
    other = candidate(3, worths=(worth,))
    assert place(second, NOW) - place(other, NOW) == pytest.approx(gap, abs=0.04)

    assert order(first, second, other) == expected


def test_no_subject_fills_the_top_when_others_are_about_as_good() -> None:
    same = [candidate(number, 60, (2.0,), (0.5,), topics=f"acme word{number} other{number}") for number in range(1, 11)]
    others = [candidate(number, 58, (2.0,), (0.49,)) for number in range(20, 25)]
    top = order(*same, *others)[:6]
    assert sum(number < 20 for number in top) <= 4


def test_a_story_with_the_same_news_as_the_one_above_moves_down() -> None:
    first = candidate(1, worths=(0.6,), topics="anthropic talk raise $30bn $900bn valuation")
    again = candidate(2, worths=(0.55,), topics="anthropic talk raise funding $950bn valuation")
    other = candidate(3, worths=(0.5,), topics="anthropic business customers ramp data")
    assert order(first, again, other) == [1, 3, 2]
    assert order(first, replace(again, worths=(0.95,)), other) == [2, 3, 1], (
        "the better one of the two is the one shown"
    )


def test_a_story_of_the_same_meaning_as_the_one_above_moves_down_whatever_its_words() -> None:
    first = replace(candidate(1, worths=(0.6,)), embedding=toward(0))
    again = replace(candidate(2, worths=(0.58,)), embedding=toward(20))
    other = replace(candidate(3, worths=(0.2,)), embedding=toward(80))
    assert order(first, again, other) == [1, 3, 2]
    assert order(first, replace(again, embedding=toward(61)), other) == [1, 2, 3], (
        "a cosine below a half counts nothing"
    )
    assert order(first, replace(again, embedding=Embedding("f", toward(20).values)), other) == [1, 2, 3]
    assert order(first, replace(again, embedding=None), other) == [1, 2, 3]


def test_a_story_is_compared_with_the_ten_above_it_alone() -> None:
    first = replace(candidate(1, worths=(0.9,)), embedding=toward(0))
    between = [candidate(number, worths=(0.6,)) for number in range(2, 13)]
    again = replace(candidate(20, worths=(0.5,)), embedding=toward(0))
    last = candidate(30, worths=(0.45,))
    assert order(first, *between, again, last)[-2:] == [20, 30]
    assert order(first, *between[:9], again, last)[-2:] == [30, 20]


def test_a_second_story_with_the_same_headline_is_left_out() -> None:
    same = "apple unveil thin tablet"
    assert order(candidate(1, 60, topics=same), candidate(2, 50, topics=f"{same} today")) == [1]


# Edges


def test_no_stories_make_an_empty_list() -> None:
    assert ranked([], NOW) == []


def test_a_site_whose_words_the_prior_does_not_know_is_ordered_by_score_sources_and_age() -> None:
    unknown = (0.14,)
    listed = order(
        candidate(1, 30, (3.0,), unknown),
        candidate(2, 80, (3.0,), unknown),
        candidate(3, 30, (3.0, 4.0, 5.0), unknown * 3),
    )
    assert listed == [3, 2, 1]


def test_a_story_from_the_future_is_as_fresh_as_can_be_and_no_more() -> None:
    assert place(candidate(1, hours=(-5.0,)), NOW) == place(candidate(1, hours=(-1.0,)), NOW)


def test_what_sets_a_story_apart_comes_first() -> None:
    covered = parts(candidate(1, 88, (6.0, 5.0, 4.0), (0.8, 0.5, 0.5)), NOW)
    assert [part.name for part in distinctive(covered)][:2] == ["coverage", "worth"]
    old = parts(candidate(1, 30, (60.0,), (0.1,)), NOW)
    assert (distinctive(old)[0].name, distinctive(old)[0].amount) == ("age", 60.0)
