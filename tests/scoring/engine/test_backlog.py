"""A new or repaired feed with many old entries does not flood the front page."""

from __future__ import annotations

from datetime import timedelta

from aggregator.store import ListQuery, Store
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, EVENTS, HOUR, NOON, arrival, publish

THINGS = ("ferry", "library", "quarry", "orchard", "harbour", "tunnel", "bakery", "museum", "glacier", "observatory")
OLD = 200


def test_a_backlog_is_stored_and_becomes_stories_but_neither_trends_nor_counts_as_new() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        updater = Updater(store, CONFIG, load_prior())
        for number, source in enumerate(("herald", "lantern", "courier")):
            title, summary = EVENTS[0][number]
            now = NOON + number * HOUR
            publish(store, (now, [arrival(title, summary, source, now)], source))
        title, summary = EVENTS[3][0]
        publish(store, (NOON + 3 * HOUR, [arrival(title, summary, "beacon", NOON + 3 * HOUR)], "beacon"))
        updater.run(NOON + 4 * HOUR)
        news = {listed.story.story_id for listed in store.story_lists.ranked()}
        assert news

        backlog = [
            arrival(
                f"The {THINGS[number % 10]} of {number} years and the {THINGS[number // 10 % 10]} beside it",
                f"Report {number} on the {THINGS[number // 10 % 10]}, its {number} visitors and their hats.",
                "quill",
                NOON - timedelta(days=20 + number),
            )
            for number in range(OLD)
        ]
        publish(store, (NOON + 5 * HOUR, backlog, "quill"))
        updater.run(NOON + 5 * HOUR + timedelta(minutes=1))

        assert store.entries.count() == 4 + OLD
        shown = [listed.story.story_id for listed in store.story_lists.ranked()]
        assert set(shown[: len(news)]) == news
        newest = [listed.story.story_id for listed in store.story_lists.select(ListQuery(limit=len(news)))]
        assert set(newest) == news
        results = [listed.story.story_id for listed in store.story_lists.select(ListQuery(limit=300))]
        # How many depends on how similar these headlines are; that they are there does not.
        assert len(results) > 10 * len(news)


def test_an_undated_backlog_is_in_a_list_only_where_nothing_else_is() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        updater = Updater(store, CONFIG, load_prior())
        notes = [arrival(f"Note on {thing}", f"What we know of {thing}.", "quill", None) for thing in THINGS]
        with store.transaction():
            store.entries.add("quill", notes, NOON, first_document=True)
        updater.run(NOON + HOUR)
        assert len(store.story_lists.ranked()) == len(THINGS)

        title, summary = EVENTS[0][0]
        publish(store, (NOON + 2 * HOUR, [arrival(title, summary, "herald", NOON + 2 * HOUR)], "herald"))
        updater.run(NOON + 3 * HOUR)
        assert [listed.story.headline for listed in store.story_lists.ranked()] == [title]
