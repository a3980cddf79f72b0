"""The text index in SQLite: FTS5 over `entries_words`, with the words between spaces.

Words are text, never a query language: each is quoted, so whatever FTS5 would read as an operator is inert.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection
from aggregator.store.text_index import TITLE_WEIGHT, Hits, IndexedText
from aggregator.text.search_words import indexed, wanted

_RANK = f"bm25(entries_fts, {TITLE_WEIGHT}, 1.0)"


class SqliteTextIndex:
    """`entries_fts` and `entries_vocabulary`; see `aggregator.store.text_index.TextIndex`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, entries: Sequence[IndexedText]) -> None:
        """Index new entries."""
        # Rows with values keep the index in memory until the commit; an insert-select would write it out each time.
        self._db.run_many(
            "insert into entries_fts (rowid, title, summary) values (?, ?, ?)",
            [(entry_id, indexed(title), indexed(summary)) for entry_id, title, summary in entries],
        )

    def replace(self, before: IndexedText, after: IndexedText) -> None:
        """Reindex an entry."""
        entry_id, title, summary = before
        self._db.run(
            """insert into entries_fts (entries_fts, rowid, title, summary)
            values ('delete', :id, :title, :summary)""",
            {"id": entry_id, "title": indexed(title), "summary": indexed(summary)},
        )
        self.add([after])

    def remove(self, before: datetime) -> None:
        """Remove the entries first seen before a moment."""
        self._db.run(
            """insert into entries_fts (entries_fts, rowid, title, summary)
            select 'delete', entry_id, title, summary from entries_words
            where entry_id in (select entry_id from entries where first_seen_at < :before)""",
            {"before": stamp(before)},
        )

    def rebuild(self) -> None:
        """Rebuild the index."""
        self._db.run("insert into entries_fts (entries_fts) values ('rebuild')")

    def count_words(self) -> None:
        """Do nothing: the index counts its words itself."""

    def newest(self, terms: Iterable[str], limit: int, source_condition: str = "") -> Hits | None:
        """Return the query for the newest entries that contain every term."""
        match = expression(terms)
        if not match:
            return None
        source = f"join entries e on e.entry_id = entries_fts.rowid and {source_condition}" if source_condition else ""
        return Hits(
            f"""select * from (select entries_fts.rowid as entry_id, {_RANK} as text from entries_fts {source}
            where entries_fts match :match order by entries_fts.rowid desc limit :most)""",
            {"match": match, "most": limit},
        )

    def best(self, words: Sequence[str], limit: int) -> Hits:
        """Return the query for the best entries with any of *words*."""
        return Hits(
            f"""select rowid as entry_id, {_RANK} as text from entries_fts
            where entries_fts match :match order by text limit :most""",
            {"match": " OR ".join(f'"{word}"' for word in words), "most": limit},
        )

    def holding(self, terms: Iterable[str], first: int, last: int) -> set[int]:
        """Return the entries of a range that contain any of *terms*."""
        match = " OR ".join(f"({excluded})" for term in terms if (excluded := expression([term])))
        if not match:
            return set()
        rows = self._db.each(
            "select rowid from entries_fts where entries_fts match :match and rowid between :first and :last",
            {"match": match, "first": first, "last": last},
        )
        return {row[0] for row in rows}

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return how many entries contain each word."""
        rows = self._db.rows(
            "select term, doc from entries_vocabulary where term in (select value from json_each(:words))",
            {"words": json.dumps(list(words))},
        )
        return {row["term"]: row["doc"] for row in rows}

    def beginning_with(self, letter: str, shortest: int, longest: int) -> Iterator[tuple[str, int]]:
        """Return words of the index with their counts."""
        for row in self._db.each(
            """select term, doc from entries_vocabulary
            where term >= :first and term < :next and length(term) between :least and :most""",
            {"first": letter, "next": chr(min(ord(letter) + 1, 0x10FFFF)), "least": shortest, "most": longest},
        ):
            yield row["term"], row["doc"]


def expression(terms: Iterable[str]) -> str:
    """Return what *terms* are as an FTS5 expression: every one of them must occur; "" if none contains a word.

    `gpus "data center"` is `("gpu" OR "gpus") AND "data center"`; `英伟达` is `"英伟 伟达"`.
    """
    parts: list[str] = []
    for term in terms:
        if (wanted_term := wanted(term)) is None:
            continue
        phrase = f'"{" ".join(wanted_term.phrase)}"' + (" *" if wanted_term.is_prefix else "")
        others = [f'"{word}"' for word in sorted(wanted_term.others)]
        parts.append(f"({' OR '.join([phrase, *others])})" if others else phrase)
    return " AND ".join(parts)
