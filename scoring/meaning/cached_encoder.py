"""Cache embeddings in a file, so that a recorded stream is encoded once, however often it is replayed."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.model import Embedding
from aggregator.store.sqlite.embedding_cache import EmbeddingCache
from scoring.meaning.encoder import Encoder


class CachedEncoder:
    """An encoder with a cache."""

    def __init__(self, encoder: Encoder, cache: EmbeddingCache) -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._cache = cache

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embeddings of *texts*, as `Encoder.encode`."""
        vectors = self._cache.get(self.name, texts)
        missing = list(dict.fromkeys(text for text in texts if text not in vectors))
        if missing:
            encoded = {
                text: b"" if embedding is None else embedding.values
                for text, embedding in zip(missing, self._encoder.encode(missing), strict=True)
            }
            self._cache.add(self.name, encoded)
            vectors |= encoded
        return [Embedding(self.name, value) if (value := vectors[text]) else None for text in texts]

    def encode_query(self, text: str) -> Embedding | None:
        """Return the embedding of a query, which is not cached."""
        return self._encoder.encode_query(text)
