from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from aggregator.model import DecisionKind
from aggregator.store import Store
from aggregator.store.derived.scorecards import Measure, PastStory
from scoring.evaluation.site.scorecard import CASES, Past, Scorecard, lines, measure, scorecard
from scoring.evaluation.site.scorecard import _Story as Told
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, SOURCES, arrival, newsroom, publish

NOW = datetime(2026, 11, 17, 3, tzinfo=UTC)
DAYS = 12


def past(*, honest: bool = True, corrections: Sequence[tuple[datetime, str, str]] = ()) -> Past:
    """Return twelve days of forty stories; every tenth has many voices, and scores predict that or not."""
    rng = random.Random(0)
    stories: dict[int, Told] = {}
    scores: dict[int, Sequence[tuple[datetime, int]]] = {}
    first = NOW.replace(hour=0) - timedelta(days=DAYS)
    for number in range(DAYS * 40):
        begun = first + number * timedelta(hours=24) / 40
        grows = number % 10 == 0
        voices = {f"voice{i}": begun + i * HOUR for i in range(18 if grows else 1)}
        stories[number] = Told(begun, voices)
        score = (85 if grows else 8) if honest else rng.randint(0, 100)
        # Much later the score follows the outcome, however wrong it was at first; that must not count.
        scores[number] = [(begun, score), (begun + 5 * HOUR, 99 if grows else 1)]
    pages = []
    for hour in range(24, DAYS * 24):
        at = first + hour * HOUR
        live = [i for i, s in stories.items() if timedelta() <= at - s.first_seen_at < timedelta(hours=20)]
        pages.append((at, sorted(live, key=lambda i: (-scores[i][0][1], i))[:10]))
    kinds: Mapping[int, PastStory] = {i: PastStory("models", None) for i in stories}
    return Past(stories, kinds, scores, pages, {}, corrections, top_share=0.1)


def value(card: Scorecard, name: str, method: str = "site", window: int = 30, category: str = "") -> Measure:
    (results,) = [
        m for m in card.measures if (m.name, m.method, m.window_days, m.category_id) == (name, method, window, category)
    ]
    return results


def number(measure: Measure) -> float:
    assert measure.value is not None
    return measure.value


def test_a_good_score_is_distinguished_from_a_random_one() -> None:
    good, lot = scorecard(past(), NOW), scorecard(past(honest=False), NOW)

    assert number(value(good, "auc")) == 1.0
    assert number(value(good, "brier")) < 0.05
    assert 0.3 < number(value(lot, "auc")) < 0.7
    assert number(value(lot, "brier")) > 0.2
    assert number(value(good, "auc", category="models")) == 1.0
    assert (30, "reliability") in good.tables


def test_a_score_counts_as_it_stood_an_hour_after_first_sight_and_not_as_it_became() -> None:
    assert number(value(scorecard(past(honest=False), NOW), "auc")) < 0.7


def test_a_page_with_the_stories_that_grew_beats_newest_first() -> None:
    card = scorecard(past(), NOW)
    assert number(value(card, "precision_at_10")) > number(value(card, "precision_at_10", "newest first"))
    assert number(value(card, "hours_to_page")) < 2
    assert number(value(card, "duplicates")) == 0.0


def test_two_shown_stories_that_became_one_are_a_duplicate() -> None:
    history = past()
    merged = {i: PastStory("models", i - 1 if i % 10 == 1 else None) for i in history.stories}
    doubled = Past(history.stories, merged, history.scores, history.pages, {}, (), 0.1)
    assert number(value(scorecard(doubled, NOW), "duplicates")) > 0.0


def test_an_interval_holds_its_value_and_the_same_past_gives_the_same_card() -> None:
    card = scorecard(past(honest=False), NOW)
    auc = value(card, "auc")
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low <= number(auc) <= auc.high
    assert scorecard(past(honest=False), NOW) == card


def test_a_scorecard_with_too_few_stories_says_how_many_are_missing() -> None:
    history = past()
    some = {i: story for i, story in history.stories.items() if i < 90}
    card = scorecard(Past(some, history.kinds, history.scores, history.pages[:5], {}, (), 0.1), NOW)
    auc = value(card, "auc")
    assert auc.value is None
    assert auc.cases < auc.needed == CASES
    assert f"not yet: {auc.cases} of 200 cases" in "\n".join(lines(card))
    assert value(card, "precision_at_10").value is None


def test_an_empty_site_has_an_empty_card() -> None:
    card = scorecard(Past({}, {}, {}, [], {}, (), 0.1), NOW)
    assert all(m.value is None for m in card.measures)


def test_corrections_make_the_confusion() -> None:
    shown = [(NOW - HOUR, "models", "policy")] * 5 + [(NOW - HOUR, "policy", "policy")] * 20
    card = scorecard(past(corrections=shown), NOW)
    assert number(value(card, "category_accuracy")) == 0.8
    assert card.tables[7, "confusion"] == [["models", "policy", 5], ["policy", "policy", 20]]


def test_the_scorecard_of_a_real_database_is_stored_and_read_back() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        polls = newsroom(3, polls=30)
        for poll in polls:
            publish(store, poll)
        now = polls[-1][0] + timedelta(days=2)
        Updater(store, CONFIG, load_prior()).run(now)
        edition = store.state.edition()
        voted = [story.story_id for story in store.stories.each() if story.merged_into is None][-2:]
        for story_id in voted:
            store.feedback.vote(story_id, True, now)

        card = measure(store, CONFIG, now)

        assert store.scorecards.latest() == now.date()
        assert len(store.scorecards.of(now.date())) == len(card.measures)
        assert store.scorecards.tables(now.date()) == dict(card.tables)
        assert store.state.edition() > edition
        assert measure(store, CONFIG, now) == card
        assert value(card, "auc").cases >= 2


def test_corrections_in_a_database_make_the_confusion() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(SOURCES, NOON)
        titles = ("Senate votes on a copyright bill", "Amazon opens a warehouse in Leipzig", "Choir sings again")
        for hour, title in enumerate(titles):
            publish(store, (NOON + hour * HOUR, [arrival(title, "", SOURCES[hour].id, None)], SOURCES[hour].id))
        now = NOON + timedelta(days=1)
        updater = Updater(store, CONFIG, load_prior())
        updater.run(now)
        site = {story.story_id: story.category_id for story in store.stories.each()}
        for story_id in site:
            store.decisions.decide(DecisionKind.CATEGORY, story_id=story_id, category_id="models", now=now)
        updater.run(now)

        table = measure(store, CONFIG, now + HOUR).tables[7, "confusion"]

        assert sum(count for _, _, count in table) == len(site) == 3
        assert sorted(shown for shown, _, count in table for _ in range(count)) == sorted(site.values())
        assert {right for _, right, _ in table} == {"models"}
