from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Embedding
from scoring.meaning.embeddings import MAX_COMPONENTS, EmbeddingTable, cosines, mean_cosines, quantize


@given(st.integers(0, 10_000))
def test_a_cosine_of_bytes_is_close_to_that_of_the_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=384)
    first, second = (base + rng.normal(size=384) * rng.uniform(0, 3) for _ in range(2))
    exact = float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    (measured,) = cosines(embedding(first), [embedding(second)])

    assert measured == pytest.approx(exact, abs=0.01)


def test_a_cosine_is_exact_arithmetic_on_the_bytes() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.integers(-127, 128, size=(40, MAX_COMPONENTS)).astype(np.int8)
    own, others = vectors[0], vectors[1:]

    measured = cosines(Embedding("x", own.tobytes()), [Embedding("x", right.tobytes()) for right in others])

    def dot(left: list[int], right: list[int]) -> int:
        return sum(a * b for a, b in zip(left, right, strict=True))

    ours = own.tolist()
    assert measured == [
        dot(ours, right) / math.sqrt(dot(ours, ours) * dot(right, right)) for right in map(list, others.tolist())
    ]


def test_an_embedding_is_as_similar_to_itself_as_can_be() -> None:
    single = embedding(np.arange(1, 385))

    assert cosines(single, [single]) == [1.0]
    assert cosines(single, []) == []


def test_the_mean_cosine_leaves_out_the_embedding_itself() -> None:
    rng = np.random.default_rng(3)
    several = [embedding(rng.normal(size=384) + 0.5) for _ in range(5)]

    expected = [
        math.fsum(cosines(own, several[:number] + several[number + 1 :])) / 4 for number, own in enumerate(several)
    ]
    assert mean_cosines(several) == pytest.approx(expected, abs=1e-12)
    assert mean_cosines([several[0], several[0]]) == pytest.approx([1.0, 1.0])


def test_a_table_compares_each_text_with_all_of_its_encoder() -> None:
    rng = np.random.default_rng(5)
    several = {number: embedding(rng.normal(size=384)) for number in range(10, 15)}
    other = {20: Embedding("other", several[10].values), 21: Embedding("x", several[10].values[:-1])}
    table = EmbeddingTable(several | other)

    measured = table.cosines(12)

    assert measured == dict(zip(several, cosines(several[12], list(several.values())), strict=True))
    assert table.cosines(20) == {20: 1.0}
    assert table.cosines(99) == {}
    assert EmbeddingTable({}).cosines(12) == {}


@pytest.mark.parametrize("components", [np.zeros(384), np.full(384, np.nan), np.full(3, np.inf), np.ones(1_025)])
def test_a_zero_vector_is_not_an_embedding(components: np.ndarray) -> None:
    with pytest.raises(ValueError, match="needs a direction"):
        quantize(components.astype(np.float32))


def embedding(components: np.ndarray) -> Embedding:
    return Embedding("x", quantize(components.astype(np.float32)))
