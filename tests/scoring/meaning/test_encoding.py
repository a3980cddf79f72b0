from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.model import Embedding
from aggregator.store import Store
from scoring.meaning.encoding import encode, first_choice
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from scoring.updater import updater as module
from tests.scoring.meaning.concepts import ConceptEncoder, FailingEncoder
from tests.scoring.world import CONFIG, HOUR, NOON, arrival, entry, newsroom, publish

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store() -> Store:
    store = Store.open(":memory:")
    store.feeds.sync(CONFIG.sources, NOON)
    return store


def updater(store: Store, encoder: ConceptEncoder | None) -> Updater:
    return Updater(store, CONFIG, load_prior(), encoder=encoder)


def placed_with(store: Store) -> dict[int, Embedding | None]:
    return {entry.entry_id: entry.embedding for entry in store.entries.as_arrived(list(range(1, 200)))}


def derived(store: Store) -> list[object]:
    stories = [replace(story, trend=0.0) for story in store.stories.each()]
    return [
        (story, store.memberships.of_story(story.story_id), store.stories.ledger(story.story_id)) for story in stories
    ]


def test_arrivals_are_encoded_before_they_are_placed(store: Store) -> None:
    encoder = ConceptEncoder()
    for poll in newsroom(1, polls=4):
        publish(store, poll)
    updater(store, encoder).run(NOON + HOUR)

    assert None not in placed_with(store).values()
    assert len(encoder.texts) == store.entries.count()
    assert updater(store, encoder).encode_later() == 0


def test_what_was_placed_without_is_encoded_later_for_search_alone(store: Store) -> None:
    polls = newsroom(1, polls=6)
    for poll in polls[:3]:
        publish(store, poll)
    updater(store, None).run(NOON + HOUR)
    without = set(placed_with(store))
    for poll in polls[3:]:
        publish(store, poll)
    worker = updater(store, ConceptEncoder())
    worker.run(NOON + 20 * HOUR)
    while worker.encode_later():
        pass

    assert {key for key, embedding in placed_with(store).items() if embedding is None} == without
    stories = [story.story_id for story in store.stories.each()]
    assert len(store.embeddings.of_stories("concepts", stories)) == store.entries.count()


def test_a_rebuild_has_the_embeddings_of_then_and_gives_the_same_stories(store: Store) -> None:
    polls = newsroom(3, polls=12)
    for number, poll in enumerate(polls):
        publish(store, poll)
        # Off, on, and off again.
        worker = updater(store, ConceptEncoder() if 4 <= number < 9 else None)
        worker.run(poll[0])
        worker.encode_later()
    before, placed = derived(store), placed_with(store)
    other = ConceptEncoder("another")
    updater(store, other).rebuild(polls[-1][0])

    assert other.texts == []
    assert placed_with(store) == placed
    assert derived(store) == before
    assert len({embedding is None for embedding in placed.values()}) == 2


def test_a_restart_continues_with_the_embeddings_of_the_snapshot(store: Store) -> None:
    polls = newsroom(5, polls=10)
    steady = Store.open(":memory:")
    steady.feeds.sync(CONFIG.sources, NOON)
    worker = updater(steady, ConceptEncoder())
    for poll in polls:
        publish(store, poll)
        publish(steady, poll)
        updater(store, ConceptEncoder()).run(poll[0])
        worker.run(poll[0])

    assert derived(store) == derived(steady)


def test_a_burst_is_encoded_up_to_a_limit_and_the_rest_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ARRIVALS", 3)
    encoder = ConceptEncoder()
    publish(
        store,
        (NOON, [arrival(f"Quake {number} in Chile", "", "lantern", None) for number in range(5)], "lantern"),
    )
    worker = updater(store, encoder)
    worker.run(NOON)
    assert sum(embedding is not None for embedding in placed_with(store).values()) == 3

    assert worker.encode_later() == 2
    assert worker.encode_later() == 0
    publish(store, (NOON + MINUTE, [arrival("Ferry", "", "quill", None)], "quill"))
    worker.run(NOON + MINUTE)
    assert placed_with(store)[6] is not None


def test_an_entry_keeps_its_embedding_of_one_encoder_and_gets_one_of_the_next(store: Store) -> None:
    publish(store, (NOON, [arrival("Quake in Chile", "", "lantern", None)], "lantern"))
    updater(store, ConceptEncoder()).run(NOON)
    worker = updater(store, ConceptEncoder("next"))
    assert worker.encode_later() == 1

    for encoder in ("concepts", "next"):
        (stored,) = store.embeddings.newest(encoder, 10)
        assert (stored.entry_id, stored.story_id, stored.embedding.encoder) == (1, 1, encoder)
    embedding = placed_with(store)[1]
    assert embedding is not None
    assert embedding.encoder == "concepts"


def test_pruned_entries_take_their_embeddings_along(store: Store) -> None:
    publish(store, (NOON, [arrival("Quake in Chile", "", "lantern", None)], "lantern"))
    updater(store, ConceptEncoder()).run(NOON)
    store.entries.prune(NOON + HOUR)

    assert store.faults() == []
    assert store.embeddings.of_stories("concepts", [1]) == []


def test_where_not_all_can_be_encoded_those_with_a_candidate_come_first() -> None:
    lone = [entry(number, title) for number, title in enumerate(("Ferry docks", "Opera opens", "Bread recipe"), 1)]
    pair = [entry(4, "Heron tops the maths benchmark"), entry(5, "Benchmark in maths won by Heron")]
    follow = entry(6, "Plover lays off staff")

    chosen = first_choice([*lone, *pair, follow], 3, ["Plover raises 90 million, staff says"])

    assert chosen == [*pair, follow]
    assert first_choice(lone, 3, []) == lone


def test_entries_without_text_have_no_embedding() -> None:
    values = encode(ConceptEncoder(), [entry(1, ""), entry(2, "Quake")])

    assert values[1] == b"" != values[2]


def test_while_the_encoder_fails_the_words_decide_and_search_catches_up_later(store: Store) -> None:
    encoder = FailingEncoder()
    polls = newsroom(1, polls=4)
    for poll in polls[:2]:
        publish(store, poll)
    worker = updater(store, encoder)
    assert worker.run(NOON + HOUR) > 0
    assert worker.encode_later() == 0
    failed = set(placed_with(store))
    assert set(placed_with(store).values()) == {None}

    encoder.broken = False
    for poll in polls[2:]:
        publish(store, poll)
    worker.run(NOON + 2 * HOUR)
    while worker.encode_later():
        pass

    assert {key for key, embedding in placed_with(store).items() if embedding is None} == failed
    assert len(store.embeddings.newest("concepts", 1_000)) == store.entries.count()
