"""Search by meaning and find related stories, both by the stored embeddings of their entries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Lock

from aggregator.errors import MeaningError
from aggregator.model import Embedding, MeaningSettings, RuleEffect
from aggregator.store import SearchResult, Store
from aggregator.store.meaning.embeddings import EmbeddedEntry
from aggregator.text.search_query import Query
from scoring.meaning.embeddings import cosines
from scoring.meaning.encoder import Encoder
from scoring.meaning.encoder_process import EncoderProcess, open_encoder

log = logging.getLogger(__name__)

MIN_COSINE = 0.35
"""One in a hundred random pairs of English headlines has a larger cosine."""

MATCHING_WORDS = 0.15
"""Bonus, as a cosine, for a story that also contains all words of the query."""

MIN_RELATED = 0.45
"""Chosen by hand: above unrelated stories, below reports of one event (.7 on average)."""

RELATED_AMONG = 3_000
"""Newest entries among which related stories are searched: a few milliseconds."""


class QueryEncoder:
    """Encodes search queries in a child process, which the first search by meaning starts."""

    def __init__(self, open_encoder: Callable[[MeaningSettings], Encoder | None] = open_encoder) -> None:
        self._open = open_encoder
        self._lock = Lock()
        self._settings: MeaningSettings | None = None
        self._encoder: Encoder | None = None

    def embedding(self, text: str, settings: MeaningSettings) -> Embedding | None:
        """Return the embedding of a query; None if the encoder does not work, or does not know the script."""
        with self._lock:
            if settings != self._settings:
                self._release()
                self._settings = settings
                try:
                    self._encoder = self._open(settings)
                except MeaningError as error:
                    log.error("%s", error)
            encoder = self._encoder
        if encoder is None:
            return None
        try:
            return encoder.encode_query(text)
        except MeaningError:  # the encoder has logged it
            return None

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        if isinstance(self._encoder, EncoderProcess):
            self._encoder.close()
        self._encoder = self._settings = None


def by_meaning(store: Store, query: Query, embedding: Embedding, limit: int, offset: int) -> SearchResult:
    """Return the stories nearest to *embedding* among the newest that match the filters of *query* or its words."""
    if query.empty:
        return SearchResult([], 0)
    fitting = store.search.fitting(query)
    nearest = _nearest(embedding, store.embeddings.of_stories(embedding.encoder, list(fitting)))
    strength = {
        story_id: (cosine + MATCHING_WORDS * fitting[story_id], entry_id)
        for story_id, (cosine, entry_id) in nearest.items()
        if cosine >= MIN_COSINE or fitting[story_id]
    }
    order = sorted(strength, key=lambda story_id: (-strength[story_id][0], -story_id))
    page = order[offset : offset + limit]
    listed = [story for story_id in page if (story := store.story_lists.listed(story_id)) is not None]
    entries = {story_id: store.entries.get(strength[story_id][1]) for story_id in page}
    return SearchResult(listed, len(order), {key: entry for key, entry in entries.items() if entry is not None})


def related(store: Store, story_id: int, limit: int) -> list[int]:
    """Return the recent stories nearest to a story by embedding, the nearest first; none if it was not encoded.

    Muted stories are left out.
    """
    own = store.embeddings.of_stories("", [story_id])
    if not own:
        return []
    # Of several encoders, that of the newest entry.
    first = next(embedded for embedded in own if embedded.embedding.space == own[-1].embedding.space)
    nearest = _nearest(first.embedding, store.embeddings.newest(first.embedding.encoder, RELATED_AMONG))
    left_out = {story_id, *store.story_rules.story_ids(RuleEffect.MUTE)}
    near = [key for key, (cosine, _) in nearest.items() if cosine >= MIN_RELATED and key not in left_out]
    return sorted(near, key=lambda key: (-nearest[key][0], -key))[:limit]


def _nearest(embedding: Embedding, entries: Iterable[EmbeddedEntry]) -> dict[int, tuple[float, int]]:
    """Return, by story, the largest cosine to one of its entries, and that entry."""
    entries = [embedded for embedded in entries if embedded.embedding.space == embedding.space]
    nearest: dict[int, tuple[float, int]] = {}
    for embedded, cosine in zip(entries, cosines(embedding, [embedded.embedding for embedded in entries]), strict=True):
        if cosine > nearest.get(embedded.story_id, (-2.0, 0))[0]:
            nearest[embedded.story_id] = (cosine, embedded.entry_id)
    return nearest
