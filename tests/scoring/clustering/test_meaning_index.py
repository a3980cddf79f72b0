"""The index of embeddings returns the same as comparing with each of them, after any additions and removals."""

from __future__ import annotations

import random

import numpy as np
import pytest

from aggregator.model import Embedding
from scoring.clustering import meaning_index as module
from scoring.clustering.meaning_index import MeaningIndex
from scoring.meaning.embeddings import cosines


def embedding(rng: np.random.Generator, encoder: str = "a", size: int = 16) -> Embedding:
    return Embedding(encoder, rng.integers(-127, 128, size).astype(np.int8).tobytes())


def by_comparing(stories: dict[int, list[Embedding | None]], own: Embedding, number: int) -> list[tuple[int, float]]:
    best = {
        story_id: max(cosines(own, encoded))
        for story_id, members in stories.items()
        if (encoded := [member for member in members if member and member.encoder == own.encoder])
    }
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:number]


@pytest.mark.parametrize("seed", range(5))
def test_it_gives_the_nearest_of_all_after_any_history(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_ROWS", 4)
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    index = MeaningIndex()
    stories: dict[int, list[Embedding | None]] = {}
    for _ in range(300):
        story_id = choose.randrange(40)
        if choose.random() < 0.2 and story_id in stories:
            del stories[story_id]
            index.remove(story_id)
        else:
            new = None if choose.random() < 0.1 else embedding(rng, choose.choice("ab"))
            stories[story_id] = [*stories.get(story_id, []), new][-3:]
            index.set_embeddings(story_id, stories[story_id])
    fresh = MeaningIndex()
    for story_id in sorted(stories, reverse=True):
        fresh.set_embeddings(story_id, stories[story_id])

    for encoder in "ab":
        for _ in range(20):
            own = embedding(rng, encoder)
            expected = by_comparing(stories, own, 5)
            assert index.nearest(own, 5) == expected
            assert fresh.nearest(own, 5) == expected


def test_of_many_equal_ones_the_oldest_stories_come_first() -> None:
    rng = np.random.default_rng(1)
    same = embedding(rng)
    index = MeaningIndex()
    for story_id in random.Random(1).sample(range(1_000), 500):
        index.set_embeddings(story_id, [Embedding(same.encoder, same.values)])
    index.set_embeddings(0, [same])
    index.set_embeddings(1, [same, embedding(rng)])

    assert [story_id for story_id, _ in index.nearest(same, 2)] == [0, 1]


def test_without_an_embedding_or_with_those_of_another_encoder_there_is_none() -> None:
    rng = np.random.default_rng(1)
    index = MeaningIndex()
    index.set_embeddings(1, [embedding(rng), None])

    assert index.nearest(None, 3) == []
    assert index.nearest(embedding(rng, "b", 24), 3) == []
    index.remove(1)
    index.remove(1)
    assert index.nearest(embedding(rng), 3) == []


def test_embeddings_of_two_lengths_under_one_name_are_not_compared() -> None:
    rng = np.random.default_rng(1)
    short, long = embedding(rng), embedding(rng, size=24)
    index = MeaningIndex()
    index.set_embeddings(1, [short, long])
    index.set_embeddings(2, [long])

    assert index.nearest(short, 3) == [(1, 1.0)]
    assert [story_id for story_id, _ in index.nearest(long, 3)] == [1, 2]
