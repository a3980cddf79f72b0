"""Find the open stories nearest by embedding, by comparing the embeddings of all their latest entries at once.

A dot product with 10,000 embeddings of 384 components takes a millisecond. The result does not depend on the order of
changes: cosines are exact (`meaning.embeddings`), and among equals the older story comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Embedding

_FIRST_ROWS = 256


class MeaningIndex:
    """The embeddings of open stories, by encoder and length."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, int], _Table] = {}

    def set_embeddings(self, story_id: int, embeddings: Sequence[Embedding | None]) -> None:
        """Replace the embeddings of a story."""
        by_space: dict[tuple[str, int], list[Embedding]] = {}
        for embedding in embeddings:
            if embedding is not None:
                by_space.setdefault(embedding.space, []).append(embedding)
        for space in by_space.keys() - self._tables.keys():
            self._tables[space] = _Table(space[1])
        for space, table in list(self._tables.items()):
            table.set_embeddings(story_id, by_space.get(space, []))
            if not len(table):
                del self._tables[space]

    def remove(self, story_id: int) -> None:
        """Remove a story."""
        self.set_embeddings(story_id, ())

    def nearest(self, embedding: Embedding | None, number: int) -> list[tuple[int, float]]:
        """Return the *number* stories nearest to an embedding, the nearest first, each with its largest cosine."""
        table = None if embedding is None else self._tables.get(embedding.space)
        return [] if embedding is None or table is None else table.nearest(embedding, number)


class _Table:
    """Embeddings of one encoder as rows of a matrix."""

    def __init__(self, components: int) -> None:
        self._vectors = np.zeros((_FIRST_ROWS, components), np.float32)
        self._norms = np.ones(_FIRST_ROWS)
        self._stories = np.full(_FIRST_ROWS, -1)
        """By row; -1: free."""
        self._free = list(range(_FIRST_ROWS))
        self._rows: dict[int, list[tuple[Embedding, int]]] = {}
        """By story."""
        self._most = 1
        """The most rows of any story."""

    def __len__(self) -> int:
        return len(self._rows)

    def set_embeddings(self, story_id: int, embeddings: Sequence[Embedding]) -> None:
        # By identity: most of a story's embeddings stay when it grows, and their rows with them.
        before = {id(embedding): (embedding, row) for embedding, row in self._rows.pop(story_id, ())}
        rows: list[tuple[Embedding, int]] = []
        for embedding in embeddings:
            stored = before.pop(id(embedding), None)
            rows.append((embedding, self._add(embedding, story_id) if stored is None else stored[1]))
        for _, row in before.values():
            self._stories[row] = -1
            self._free.append(row)
        if rows:
            self._rows[story_id] = rows
            self._most = max(self._most, len(rows))

    def nearest(self, embedding: Embedding, number: int) -> list[tuple[int, float]]:
        own = np.frombuffer(embedding.values, np.int8).astype(np.float32)
        norm = float(own @ own)
        dots = (self._vectors @ own).astype(np.float64)
        cosines: NDArray[np.float64] = np.where(self._stories < 0, -2.0, dots / np.sqrt(self._norms * norm))
        # This many rows contain enough stories; rows equal to the last of them are included.
        rows = min(number * self._most, len(cosines))
        least = max(float(np.partition(cosines, -rows)[-rows]), -1.5)
        best: dict[int, float] = {}
        for row in np.flatnonzero(cosines >= least).tolist():
            story_id, cosine = int(self._stories[row]), float(cosines[row])
            best[story_id] = max(cosine, best.get(story_id, -2.0))
        return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:number]

    def _add(self, embedding: Embedding, story_id: int) -> int:
        if not self._free:
            size = len(self._stories)
            # Doubled, so that growing costs a constant share of adding; rows that were freed are used first.
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._norms = np.concatenate([self._norms, np.ones(size)])
            self._stories = np.concatenate([self._stories, np.full(size, -1)])
            self._free = list(range(size, 2 * size))
        row = self._free.pop()
        vector = np.frombuffer(embedding.values, np.int8).astype(np.float32)
        self._vectors[row] = vector
        self._norms[row] = float(vector @ vector)
        self._stories[row] = story_id
        return row
