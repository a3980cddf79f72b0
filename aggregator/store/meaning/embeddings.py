"""Embeddings of entries: computed from text, but stored as facts, since no other machine gets the same digits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aggregator.model import Embedding, Entry
from aggregator.store.codec import ENTRY, entry
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class EmbeddedEntry:
    """An entry by its embedding, and the story that it is in."""

    entry_id: int
    story_id: int
    embedding: Embedding


class Embeddings:
    """`entry_embeddings`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, encoder: str, values: Mapping[int, bytes], *, placed: bool) -> None:
        """Store the embeddings of entries, b"" for none; an existing one of the same encoder is kept.

        placed: the entries were not in a story before, so clustering and a replay use the embeddings
        """
        self._db.run_many(
            """insert into entry_embeddings (entry_id, encoder, placed, embedding) values (?, ?, ?, ?)
            on conflict do nothing""",
            [(entry_id, encoder, int(placed), value) for entry_id, value in values.items()],
        )

    def missing(self, encoder: str, limit: int) -> list[Entry]:
        """Return the newest entries in stories that an encoder has not encoded, with their current text."""
        rows = self._db.rows(
            f"""select {ENTRY} from memberships m join entries e using (entry_id)
            where not exists (
                select 1 from entry_embeddings x where x.entry_id = m.entry_id and x.encoder = :encoder)
            order by m.entry_id desc limit :limit""",
            {"encoder": encoder, "limit": limit},
        )
        return [entry(row) for row in rows]

    def of_stories(self, encoder: str, story_ids: Sequence[int]) -> list[EmbeddedEntry]:
        """Return the embedded entries of some stories, oldest first; "" means any encoder."""
        return self._embedded(
            f"""select x.entry_id, m.story_id, x.encoder, x.embedding
            from memberships m join entry_embeddings x using (entry_id)
            where m.story_id in (select value from {self._db.dialect.integers("ids")}) and :encoder in (x.encoder, '')
            and length(x.embedding) > 0 order by x.entry_id""",
            {"encoder": encoder, "ids": json.dumps(list(story_ids))},
        )

    def newest(self, encoder: str, limit: int) -> list[EmbeddedEntry]:
        """Return the newest embedded entries of visible stories, newest first."""
        return self._embedded(
            """select x.entry_id, m.story_id, x.encoder, x.embedding from entry_embeddings x
            join memberships m on m.entry_id = x.entry_id join stories s on s.story_id = m.story_id
            where x.encoder = :encoder and length(x.embedding) > 0 and s.merged_into is null and s.hidden = 0
            order by x.entry_id desc limit :limit""",
            {"encoder": encoder, "limit": limit},
        )

    def _embedded(self, query: str, params: Mapping[str, str | int]) -> list[EmbeddedEntry]:
        return [EmbeddedEntry(row[0], row[1], Embedding(row[2], row[3])) for row in self._db.each(query, dict(params))]


def with_embeddings(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Return entries, each with the embedding that clustering used, if any."""
    rows = connection.rows(
        f"""select entry_id, encoder, embedding from entry_embeddings
        where placed = 1 and length(embedding) > 0
        and entry_id in (select value from {connection.dialect.integers("ids")})""",
        {"ids": json.dumps([item.entry_id for item in entries])},
    )
    if not rows:
        return list(entries)
    embedding_of = {row["entry_id"]: Embedding(row["encoder"], row["embedding"]) for row in rows}
    return [replace(item, embedding=embedding_of.get(item.entry_id)) for item in entries]
