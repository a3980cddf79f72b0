"""Clicks only teach what the position in lists does not explain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.model import PLACES, Impression, place_of
from aggregator.store import Store
from scoring.learning.click_feedback import MAX_INTEREST, interest, opened_by_place
from scoring.learning.train import past
from scoring.learning.trial import attempt
from scoring.relevance.weights import Weights
from tests.scoring.press import CONFIG, DAY, MONDAY, THINGS, model, publish

NOW = MONDAY + 32 * DAY
OPENED = (0.30, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02)
"""Which share is opened of each place, by people who do not look at what stands there."""


def stream(stories: dict[int, float], rng: random.Random, lists: int = 400, people: int = 40) -> list[Impression]:
    """Return impressions and clicks of lists of 20; *stories* says how much more popular each story is than others."""
    shown: dict[tuple[int, int], list[int]] = {}
    for _ in range(lists):
        for position, story_id in enumerate(rng.sample(sorted(stories), 20), start=1):
            place = place_of(position)
            chance = min(1.0, OPENED[place] * stories[story_id])
            seen = shown.setdefault((story_id, place), [0, 0])
            seen[0] += people
            seen[1] += sum(rng.random() < chance for _ in range(people))
    return [Impression(story, place, *counts) for (story, place), counts in sorted(shown.items())]


def test_a_position_is_one_of_seven_places() -> None:
    assert [place_of(position) for position in (1, 2, 3, 4, 5, 6, 10, 11, 20, 21, 99)] == [
        0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6,
    ]  # fmt: skip
    assert len(PLACES) == 6


def test_clicks_that_follow_the_order_alone_say_next_to_nothing() -> None:
    interests = interest(stream(dict.fromkeys(range(100), 1.0), random.Random(0)))

    # At two standard deviations, 5 in 100 lie outside; their effect is small.
    assert len(interests) <= 10
    assert max(map(abs, interests.values()), default=0.0) < 0.1


def test_a_popular_story_is_distinguished_from_one_in_a_high_position() -> None:
    wanted = dict.fromkeys(range(100), 1.0) | {7: 2.0, 8: 0.4}

    interests = interest(stream(wanted, random.Random(0)))

    assert interests[7] == max(interests.values()) > 0.2
    assert interests[8] == min(interests.values()) < -0.1


def test_one_story_always_on_top_is_not_wanted_for_that() -> None:
    shown = [Impression(1, 0, 2_000, 600), Impression(2, 5, 2_000, 60)]

    assert not interest(shown)
    assert opened_by_place(shown)[0] > 5 * opened_by_place(shown)[5]


@pytest.mark.parametrize("shown", [[], [Impression(1, 0, 1, 1)], [Impression(1, 6, 5, 1)], [Impression(1, 0, 0, 0)]])
def test_a_click_or_two_say_nothing(shown: list[Impression]) -> None:
    assert not interest(shown)


def test_no_number_of_clicks_says_more_than_the_most() -> None:
    interests = interest([Impression(1, 0, 10**6, 10**6), *(Impression(i, 0, 10**6, 0) for i in range(2, 50))])

    assert 0 < interests[1] <= MAX_INTEREST
    assert all(-MAX_INTEREST <= value < 0 for i, value in interests.items() if i > 1)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Return a site of a month on which stories differ only in coverage."""
    with Store.open(":memory:") as opened:
        publish(opened, 30)
        yield opened


def learned(store: Store, shown: list[Impression]) -> Weights:
    """Return the result of training after these impressions and clicks."""
    examples, _ = past(store, CONFIG, NOW, None, interest(shown))
    trial = attempt(examples, NOW, model())
    assert trial.local is not None
    return trial.local


def test_training_follows_a_true_preference_and_not_the_order(store: Store) -> None:
    story_ids = [
        story_id for story_id in range(1, store.entries.count()) if store.memberships.story_of(story_id) == story_id
    ]
    titles = {story_id: entry.title for story_id in story_ids if (entry := store.entries.get(story_id)) is not None}
    assert len(titles) > 500
    thing = THINGS[0]
    even = dict.fromkeys(titles, 1.0)
    liking = {story_id: 3.0 if thing in title else 1.0 for story_id, title in titles.items()}

    plain = learned(store, [])
    ordered = learned(store, stream(even, random.Random(1), lists=1_500))
    liked = learned(store, stream(liking, random.Random(1), lists=1_500))

    def moved(weights: Weights) -> dict[str, float]:
        return {word: weights.title.get(word, 0.0) - plain.title.get(word, 0.0) for word in THINGS}

    assert max(map(abs, moved(ordered).values())) < 0.1
    assert moved(liked)[thing] > 0.3
    assert moved(liked)[thing] > 3 * max(abs(value) for word, value in moved(liked).items() if word != thing)


def test_interest_is_not_a_label(store: Store) -> None:
    examples, _ = past(store, CONFIG, NOW, None, dict.fromkeys(range(1, 2_000), 0.5))
    plain, _ = past(store, CONFIG, NOW)

    assert [replace(example, interest=0.0) for example in examples] == plain
    assert {example.taught for example in examples if example.relevant == 0} == {0.5}
    assert {example.taught for example in examples if example.relevant == 1} == {1.0}


def test_an_editors_vote_is_not_outvoted_by_readers(store: Store) -> None:
    examples, _ = past(store, CONFIG, NOW, {1: False}, {1: 0.5})

    voted = [example for example in examples if example.story_id == 1]
    assert all(example.taught == 0.0 for example in voted)
    assert store.feedback.impressions(MONDAY.date(), (MONDAY + timedelta(days=40)).date()) == []
