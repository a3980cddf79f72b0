"""A small encoder for tests: words with the same meaning have the same direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aggregator.errors import MeaningError
from aggregator.model import Embedding
from aggregator.text.tokens import words
from scoring.meaning.embeddings import quantize

CONCEPTS = (
    {"quake", "earthquake", "tremor"},
    {"chile", "chilean"},
    {"buys", "acquires", "acquisition", "takeover"},
    {"chip", "chips", "semiconductor", "semiconductors"},
    {"ferry", "boat", "ship"},
    {"court", "judges", "ruling"},
)


class ConceptEncoder:
    """Counts the concepts of a text; `texts` records its inputs."""

    def __init__(self, name: str = "concepts") -> None:
        self.name = name
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        self.texts += texts
        return [self._embedding(text) for text in texts]

    def encode_query(self, text: str) -> Embedding | None:
        return self._embedding(text)

    def _embedding(self, text: str) -> Embedding | None:
        if not text.strip():
            return None
        counts = [sum(word in concept for word in words(text)) for concept in CONCEPTS]
        return Embedding(self.name, quantize(np.array([*counts, 0.1], np.float32)))


class FailingEncoder(ConceptEncoder):
    """Fails while `broken` is set."""

    broken = True

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        if self.broken:
            raise MeaningError("the encoder's process ended")
        return super().encode(texts)

    def encode_query(self, text: str) -> Embedding | None:
        if self.broken:
            raise MeaningError("the encoder's process ended")
        return super().encode_query(text)
