from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.model import NO_REASON, Changes, Membership, Topic
from aggregator.store import Store
from tests.aggregator.store.conftest import OpenStore
from tests.aggregator.store.test_store import HOUR, NOON, OTHER, SOURCE, add, arrival, story_of

HERON = Topic("heron", "Heron", None, 0.6, 4.2, 12, 8, 1.5, NOON)


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    opened = new_store()
    opened.feeds.sync([SOURCE, OTHER], NOON)
    return opened


def test_topics_keep_their_order_and_one_that_fell_away_keeps_its_address(store: Store) -> None:
    ids = add(store, arrival("a"), arrival("b"))
    levy = replace(HERON, slug="server-levy", name="server levy")

    changed = store.topics.replace([(HERON, ids), (levy, ids[:1])], NOON)
    assert changed
    assert [(t.slug, t.position) for t in store.topics.rising()] == [("heron", 1), ("server-levy", 2)]

    assert not store.topics.replace([(replace(HERON, entries=13), ids), (levy, ids[:1])], NOON + HOUR)
    assert store.topics.replace([(levy, ids[:1])], NOON + 2 * HOUR)

    assert [t.name for t in store.topics.rising()] == ["server levy"]
    gone = store.topics.get("heron")
    assert gone is not None
    assert (gone.position, gone.entries, gone.updated_at) == (None, 13, NOON + HOUR)
    assert store.topics.get("nothing") is None


def test_a_topic_has_its_stories_entries_and_history(store: Store) -> None:
    first, second = add(store, arrival("a"), arrival("b"))
    (third,) = add(store, arrival("c"), source=OTHER, now=NOON + 7 * HOUR)
    with store.transaction():
        story_ids = {first: first, second: first, third: third}
        store.stories.save(
            Changes(
                memberships=tuple(Membership(e, s, NOON, 1.0, 1.0, NO_REASON, "wire") for e, s in story_ids.items()),
                stories=(story_of(first, NOON), story_of(third, NOON)),
            )
        )
        store.topics.replace([(HERON, [first, second, third])], NOON + 8 * HOUR)

    assert [story.story.story_id for story in store.topics.stories("heron")] == [first, third]
    assert [entry.entry_id for entry in store.topics.entries("heron")] == [third, second, first]
    scores = [(story.score, story.provisional) for story in (story_of(first, NOON), story_of(third, NOON))]
    assert store.topics.scores([first, second, third]) == scores
    assert store.topics.scores([second]) == scores[:1]
    assert store.topics.scores([]) == []
    with store.transaction():
        store.stories.save(Changes(stories=(replace(story_of(first, NOON), hidden=True),)))
    assert [story.story.story_id for story in store.topics.stories("heron")] == [third]
    history = store.topics.history("heron", NOON + 8 * HOUR, step=timedelta(hours=4), steps=4)
    assert [(count, sources) for _, count, sources in history] == [(0, 0), (0, 0), (2, 1), (1, 1)]
    assert history[0][0] == NOON - 8 * HOUR


def test_old_topics_and_pruned_entries_are_forgotten(store: Store) -> None:
    ids = add(store, arrival("a"))
    store.topics.replace([(HERON, ids)], NOON)
    store.topics.replace([], NOON + HOUR)

    store.topics.forget(NOON)
    assert store.topics.get("heron") is not None
    store.topics.forget(NOON + HOUR)
    assert store.topics.get("heron") is None
    assert store.topics.entries("heron") == []
