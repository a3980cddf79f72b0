from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from aggregator.model import Changes, Story
from aggregator.store import Store
from aggregator.store.derived.front_pages import EVERY
from aggregator.store.derived.summaries import Summary
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.aggregator.store.conftest import OpenStore
from tests.scoring.world import CONFIG, NOON, newsroom, publish

AT = datetime(2026, 11, 17, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    return new_store()


def make_story(story_id: int, headline: str, score: int = 50) -> Story:
    return Story(
        story_id=story_id,
        headline=headline,
        summary="",
        lead_entry_id=story_id,
        category_id="chips",
        first_seen_at=AT,
        last_source_at=AT,
        updated_at=AT,
        entries=2,
        sources=2,
        independent_sources=2,
        score=score,
        relevance=score / 100,
        provisional=False,
        trend=1.0,
    )


def rank(store: Store, *order: int) -> None:
    store.stories.rank({"": [(i, 1.0) for i in order], "chips": [(i, 1.0) for i in order]})


def test_the_scorecard_reads_the_last_page_of_each_hour(store: Store) -> None:
    store.stories.save(Changes(stories=(make_story(1, "Fab opens"), make_story(2, "Fab closes"))))
    for minutes, order in ((0, (1, 2)), (40, (2, 1)), (60, (1,)), (100, (1, 2)), (120, (2,))):
        rank(store, *order)
        assert store.front_pages.keep(AT + timedelta(minutes=minutes))

    pages = list(store.scorecards.front_pages(AT - HOUR, AT + timedelta(minutes=110)))

    assert pages == [(AT + timedelta(minutes=40), [2, 1]), (AT + timedelta(minutes=100), [1, 2])]


def test_a_front_page_is_stored_with_the_headlines_and_scores_of_that_time(store: Store) -> None:
    first, second = make_story(1, "Fab opens"), make_story(2, "Fab closes")
    store.stories.save(Changes(stories=(first, second)))
    rank(store, 1, 2)
    assert store.front_pages.keep(AT)

    store.stories.save(Changes(stories=(replace(first, headline="Fab opens late", score=90),)))
    rank(store, 2, 1)
    assert store.front_pages.keep(AT + HOUR)

    then, later = store.front_pages.at(AT + HOUR / 2), store.front_pages.at(AT + 2 * HOUR)
    assert then is not None
    assert later is not None
    assert [(item.headline, item.score) for item in then.lists[""]] == [("Fab opens", 50), ("Fab closes", 50)]
    assert [(item.headline, item.score) for item in later.lists["chips"]] == [
        ("Fab closes", 50),
        ("Fab opens late", 90),
    ]
    assert store.front_pages.at(AT - HOUR) is None
    assert (store.front_pages.before(AT + HOUR), store.front_pages.after(AT)) == (AT, AT + HOUR)


def test_the_same_order_is_stored_once_and_a_new_one_after_the_interval(store: Store) -> None:
    store.stories.save(Changes(stories=(make_story(1, "a"), make_story(2, "b"))))
    rank(store, 1, 2)
    assert store.front_pages.keep(AT)
    assert not store.front_pages.keep(AT + 2 * EVERY)
    rank(store, 2, 1)
    assert not store.front_pages.keep(AT + EVERY / 2)
    assert store.front_pages.keep(AT + EVERY)
    assert store.front_pages.count() == 2


def test_pages_from_before_a_moment_are_deleted_and_one_at_it_stays(store: Store) -> None:
    store.stories.save(Changes(stories=(make_story(1, "a"), make_story(2, "b"))))
    for day, order in enumerate(((1, 2), (2, 1), (1, 2))):
        rank(store, *order)
        store.front_pages.keep(AT + day * 24 * HOUR)

    assert store.front_pages.thin(AT + 3 * 24 * HOUR, AT + 24 * HOUR) == 1

    assert store.front_pages.at(AT + 23 * HOUR) is None
    assert store.front_pages.at(AT + 24 * HOUR) is not None


def test_an_empty_page_is_not_stored(store: Store) -> None:
    assert not store.front_pages.keep(AT)


def test_older_pages_become_one_an_hour_and_then_one_a_day(store: Store) -> None:
    store.stories.save(Changes(stories=(make_story(1, "a"), make_story(2, "b"))))
    now = AT + timedelta(days=100)
    with store.transaction():
        for i in range(100 * 24 * 2):
            moment = AT + i * HOUR / 2
            # Nothing changes in the middle of the span, so only the days next to its ends are stored.
            if timedelta(days=10) < now - moment < timedelta(days=85):
                continue
            rank(store, *((1, 2) if i % 2 else (2, 1)))
            store.front_pages.keep(moment)
    store.front_pages.thin(now)

    stored, moment = [], now
    while (before := store.front_pages.before(moment)) is not None:
        stored.append(before)
        moment = before
    gaps = [(now - later, later - earlier) for later, earlier in pairwise(stored)]
    assert all(gap == HOUR / 2 for age, gap in gaps if age < timedelta(days=6))
    hourly = [
        gap
        for age, gap in gaps
        if timedelta(days=8) < age < timedelta(days=9) or timedelta(days=86) < age < timedelta(days=89)
    ]
    assert hourly
    assert set(hourly) == {HOUR}
    assert all(gap == timedelta(days=1) for age, gap in gaps if timedelta(days=92) < age < timedelta(days=99))
    assert store.front_pages.thin(now) == 0
    store.front_pages.thin(now, now - timedelta(days=3))
    assert store.front_pages.at(now - timedelta(days=4)) is None


def test_the_worker_keeps_the_page_and_a_rebuild_leaves_it(store: Store) -> None:
    store.feeds.sync(CONFIG.sources, NOON)
    for poll in newsroom(1):
        publish(store, poll)
    updater = Updater(store, CONFIG, load_prior())
    updater.run(NOON + HOUR)
    shown = store.front_pages.at(NOON + HOUR)
    assert shown is not None
    assert [item.story_id for item in shown.lists[""]] == [
        item.story.story_id for item in store.story_lists.ranked("", 20)
    ]

    updater.rebuild(NOON + HOUR)

    assert store.front_pages.at(NOON + HOUR) == shown


def test_summaries_are_stored_by_story(store: Store) -> None:
    written = Summary(1, AT, "small-model", ("The fab opens in May.",), 2, "abc")
    store.summaries.save(replace(written, sentences=()))
    store.summaries.save(written)
    assert store.summaries.of(1) == written
    assert store.summaries.of(2) is None
    store.summaries.forget()
    assert store.summaries.of(1) is None
