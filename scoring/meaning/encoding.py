"""Choose which entries are encoded, and when.

Arrivals are encoded before clustering, up to a limit in a burst such as the first poll of a new site. The rest, and
entries from before an encoder was configured, follow a few at a time for search and related stories. Clustering never
uses those: a replay could not know when they were made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aggregator.model import Embedding, Entry, Event
from scoring.language.terms import terms
from scoring.meaning.encoder import Encoder, text_of

MAX_ARRIVALS = 3_000
"""Entries of one update that are encoded before clustering: 15 CPU seconds at 200 per second.

A first poll of 90 feeds brings 2,000 to 3,000. More would delay the first front page."""

MAX_LATER = 16
"""Entries that are encoded at a time afterwards: a fifth of a second without updates."""

COMMON = 20
"""Terms in more titles than this do not count as shared."""


def encode(encoder: Encoder, entries: Sequence[Entry]) -> dict[int, bytes]:
    """Return the values of embeddings by entry; b"" for an entry without one. MeaningError as `Encoder.encode`."""
    embeddings = encoder.encode([text_of(entry.title, entry.summary) for entry in entries])
    return {
        entry.entry_id: b"" if embedding is None else embedding.values
        for entry, embedding in zip(entries, embeddings, strict=True)
    }


def first_choice(entries: Sequence[Entry], limit: int, headlines: Iterable[str]) -> list[Entry]:
    """Return at most *limit* entries, those first that share the most uncommon terms with another title.

    headlines: of stories that an entry can join

    An embedding is only useful if there is something to compare it with.
    """
    if len(entries) <= limit:
        return list(entries)
    own = [frozenset(terms(entry.title)) for entry in entries]
    spread = Counter(term for title in own for term in title)
    spread.update(term for headline in headlines for term in set(terms(headline)))
    shared = [sum(1 < spread[term] <= COMMON for term in title) for title in own]
    order = sorted(range(len(entries)), key=lambda place: (-shared[place], place))
    return [entries[place] for place in sorted(order[:limit])]


def with_embeddings(
    groups: Sequence[tuple[datetime, Sequence[Event]]], encoder: str, values: Mapping[int, bytes]
) -> list[tuple[datetime, list[Event]]]:
    """Return *groups* with the embeddings *values* of *encoder* in their entries, by entry."""

    def embedded(event: Event) -> Event:
        value = values.get(event.entry_id) if isinstance(event, Entry) else None
        return replace(event, embedding=Embedding(encoder, value)) if isinstance(event, Entry) and value else event

    return [(moment, [embedded(event) for event in events]) for moment, events in groups]
