"""Search by meaning, and the stories nearest to one: both by the stored embeddings of their entries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Lock

from aggregator.errors import MeaningError
from aggregator.model import Embedding, MeaningSettings
from aggregator.store import SearchResult, Store
from aggregator.store.meaning.embeddings import EmbeddedEntry
from aggregator.text.search_query import Query
from scoring.language.analysed_text import script
from scoring.meaning.embeddings import cosines
from scoring.meaning.encoder import Encoder, load_encoder

log = logging.getLogger(__name__)

MIN_COSINE = 0.35
"""Of random pairs of English headlines one in a hundred is nearer."""

MATCHING_WORDS = 0.15
"""What it is worth, as a cosine, that a story also has all the words of the query."""

MIN_RELATED = 0.45
"""Judgement: nearer than strangers, farther than one event (.7 on average)."""

RELATED_AMONG = 3_000
"""Newest entries that related stories are looked for in: a few milliseconds."""


class QueryEncoder:
    """Encodes what readers search for; loads the model at the first search by meaning."""

    def __init__(self, load: Callable[[MeaningSettings], Encoder | None] = load_encoder) -> None:
        self._load = load
        self._lock = Lock()
        self._settings = MeaningSettings()
        self._encoder: Encoder | None = None

    def embedding(self, text: str, settings: MeaningSettings) -> Embedding | None:
        """Return the embedding of a query; None without an encoder, or in writing that it does not understand."""
        with self._lock:
            if settings != self._settings:
                self._settings, self._encoder = settings, None
                try:
                    self._encoder = self._load(settings)
                except MeaningError as error:
                    log.error("%s", error)
            encoder = self._encoder
        # Two or three words are too few to tell a language by, but not to tell its writing.
        if encoder is None or (encoder.languages and script(text) != "latin"):
            return None
        return encoder.encode([text])[0]


def by_meaning(store: Store, query: Query, embedding: Embedding, limit: int, offset: int) -> SearchResult:
    """Return the stories nearest to *embedding* among the newest that fit the filters of *query*, or have its words."""
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
    listed = [story for story_id in page if (story := store.stories.listed(story_id)) is not None]
    entries = {story_id: store.entries.get(strength[story_id][1]) for story_id in page}
    return SearchResult(listed, len(order), {key: entry for key, entry in entries.items() if entry is not None})


def related(store: Store, story_id: int, limit: int) -> list[int]:
    """Return the recent stories nearest to a story in meaning, the nearest first; none where it was not encoded."""
    own = store.embeddings.of_stories("", [story_id])
    if not own:
        return []
    # Of several encoders the one that has the newest entry.
    first = next(embedded for embedded in own if embedded.embedding.encoder == own[-1].embedding.encoder)
    nearest = _nearest(first.embedding, store.embeddings.newest(first.embedding.encoder, RELATED_AMONG))
    near = [key for key, (cosine, _) in nearest.items() if cosine >= MIN_RELATED and key != story_id]
    return sorted(near, key=lambda key: (-nearest[key][0], -key))[:limit]


def _nearest(embedding: Embedding, entries: Iterable[EmbeddedEntry]) -> dict[int, tuple[float, int]]:
    """Return by story the largest cosine to one of its entries, and which entry that is."""
    entries = list(entries)
    nearest: dict[int, tuple[float, int]] = {}
    for embedded, cosine in zip(entries, cosines(embedding, [embedded.embedding for embedded in entries]), strict=True):
        if cosine > nearest.get(embedded.story_id, (-2.0, 0))[0]:
            nearest[embedded.story_id] = (cosine, embedded.entry_id)
    return nearest
