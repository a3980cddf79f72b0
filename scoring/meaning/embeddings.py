"""Store embeddings in one byte per component, and compare them with the same result on every machine.

A model's output differs in the last digits between processors. So an entry is encoded once, its embedding is stored as
a fact, and all computation with stored embeddings is exact. Sums of products of signed bytes are whole numbers below
2**24 for up to 1,024 components, which single precision represents exactly in whatever order they are added.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Embedding

MAX_COMPONENTS = 1_024


def quantize(components: NDArray[np.float32]) -> bytes:
    """Return an embedding as signed bytes: its largest component becomes 127 or -127.

    Only the direction counts, so the scale is not kept. With 384 components a cosine changes by less than 0.005.
    ValueError if it is zero, or has more than `MAX_COMPONENTS` components.
    """
    largest = float(np.abs(components).max(initial=0.0))
    if not 0.0 < largest < math.inf or components.size > MAX_COMPONENTS:
        raise ValueError("an embedding needs a direction and at most 1,024 components")
    values: bytes = np.rint(components * (127.0 / largest)).astype(np.int8).tobytes()
    return values


def cosines(own: Embedding, others: Sequence[Embedding]) -> list[float]:
    """Return the cosine of *own* with each of *others*, in [-1, 1]; all are of one encoder."""
    if not others:
        return []
    ours = _components([own])[0]
    theirs = _components(others)
    dots = theirs @ ours
    norms = np.einsum("ij,ij->i", theirs, theirs)
    norm = float(ours @ ours)
    return [dot / math.sqrt(norm * other) for dot, other in zip(dots.tolist(), norms.tolist(), strict=True)]


def mean_cosines(embeddings: Sequence[Embedding]) -> list[float]:
    """Return, for each of two or more embeddings of one encoder, its mean cosine with the others, in [-1, 1]."""
    components = _components(embeddings)
    dots = (components @ components.T).astype(np.float64)
    norms = np.sqrt(np.diagonal(dots))
    cosines_of_all = dots / norms[:, None] / norms[None, :]
    np.fill_diagonal(cosines_of_all, 0.0)
    return [math.fsum(row) / (len(embeddings) - 1) for row in cosines_of_all.tolist()]


class EmbeddingTable:
    """The embeddings of many texts, each with an id, for comparing one of them with all others."""

    def __init__(self, embeddings: Mapping[int, Embedding]) -> None:
        self._space_of = {text_id: embedding.space for text_id, embedding in embeddings.items()}
        self._rows: dict[tuple[str, int], dict[int, int]] = {}
        self._components: dict[tuple[str, int], NDArray[np.float32]] = {}
        self._squares: dict[tuple[str, int], NDArray[np.float64]] = {}
        for space in set(self._space_of.values()):
            text_ids = [text_id for text_id, other in self._space_of.items() if other == space]
            components = _components([embeddings[text_id] for text_id in text_ids])
            self._rows[space] = {text_id: row for row, text_id in enumerate(text_ids)}
            self._components[space] = components
            self._squares[space] = np.einsum("ij,ij->i", components, components).astype(np.float64)

    def cosines(self, text_id: int) -> dict[int, float]:
        """Return the cosine, in [-1, 1], of a text with each text of the same encoder, itself included.

        Empty if the text has no embedding.
        """
        space = self._space_of.get(text_id)
        if space is None:
            return {}
        rows, components, squares = self._rows[space], self._components[space], self._squares[space]
        own = rows[text_id]
        dots = (components @ components[own]).astype(np.float64)
        return dict(zip(rows, (dots / np.sqrt(squares * squares[own])).tolist(), strict=True))


def _components(embeddings: Sequence[Embedding]) -> NDArray[np.float32]:
    joined = b"".join([embedding.values for embedding in embeddings])
    return np.frombuffer(joined, np.int8).reshape(len(embeddings), -1).astype(np.float32)
