"""The text index in PostgreSQL: a `tsvector` of our own words, so that it finds what SQLite's index finds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection
from aggregator.store.text_index import TITLE_WEIGHT, Hits, IndexedText
from aggregator.text.search_words import indexed, wanted

_RANK = f"-ts_rank('{{0, 0, {1 / TITLE_WEIGHT:.3f}, 1}}', w.words, cast(:match as tsquery))"
_MAX_POSITION = 16_383
"""PostgreSQL's: words further back are found, and count as standing there."""
_MAX_WORD_BYTES = 2_000
_BATCH = 1_000
COUNTED_ENTRIES = 200_000
"""Bounds the time of a count. A word that only older entries contain is no longer suggested for a misspelled one."""


class PostgresTextIndex:
    """`entry_words` and `vocabulary`; see `aggregator.store.text_index.TextIndex`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, entries: Sequence[IndexedText]) -> None:
        """Index new entries."""
        self._db.run_many(
            """insert into entry_words (entry_id, words) values (?, cast(? as tsvector))
            on conflict (entry_id) do update set words = excluded.words""",
            [(entry_id, vector(title, summary)) for entry_id, title, summary in entries],
        )

    def replace(self, before: IndexedText, after: IndexedText) -> None:
        """Reindex an entry."""
        self.add([after])

    def remove(self, before: datetime) -> None:
        """Remove the entries first seen before a moment."""
        self._db.run(
            "delete from entry_words where entry_id in (select entry_id from entries where first_seen_at < :before)",
            {"before": stamp(before)},
        )

    def rebuild(self) -> None:
        """Rebuild the index, and count its words."""
        self._db.run("delete from entry_words")
        last = 0
        while rows := self._db.rows(
            "select entry_id, title, summary from entries where entry_id > :last order by entry_id limit :batch",
            {"last": last, "batch": _BATCH},
        ):
            self.add([(row["entry_id"], row["title"], row["summary"]) for row in rows])
            last = rows[-1]["entry_id"]
        self.count_words()

    def count_words(self) -> None:
        """Recount how many entries contain each word.

        With more than `COUNTED_ENTRIES`, only the newest are counted.
        """
        total = int(self._db.value("select count(*) from entry_words"))
        with self._db.transaction():
            self._db.run("delete from vocabulary")
            self._db.run(
                f"""insert into vocabulary (term, entries)
                select word, cast(round(ndoc * cast(:scale as double precision)) as bigint) from ts_stat(
                    'select words from entry_words order by entry_id desc limit {COUNTED_ENTRIES}')""",
                {"scale": max(total / COUNTED_ENTRIES, 1.0)},
            )

    def newest(self, terms: Iterable[str], limit: int, source_condition: str = "") -> Hits | None:
        """Return the query for the newest entries that contain every term."""
        match = expression(terms)
        if not match:
            return None
        source = f"join entries e on e.entry_id = w.entry_id and {source_condition}" if source_condition else ""
        return Hits(
            f"""select w.entry_id, {_RANK} as text from entry_words w {source}
            where w.words @@ cast(:match as tsquery) order by w.entry_id desc limit :most""",
            {"match": match, "most": limit},
        )

    def best(self, words: Sequence[str], limit: int) -> Hits:
        """Return the query for the best entries with any of *words*."""
        return Hits(
            f"""select w.entry_id, {_RANK} as text from entry_words w
            where w.words @@ cast(:match as tsquery) order by text limit :most""",
            {"match": " | ".join(map(_lexeme, words)), "most": limit},
        )

    def holding(self, terms: Iterable[str], first: int, last: int) -> set[int]:
        """Return the entries of a range that contain any of *terms*."""
        match = " | ".join(f"({excluded})" for term in terms if (excluded := expression([term])))
        if not match:
            return set()
        rows = self._db.rows(
            """select entry_id from entry_words
            where words @@ cast(:match as tsquery) and entry_id between :first and :last""",
            {"match": match, "first": first, "last": last},
        )
        return {row[0] for row in rows}

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return how many entries contain each word, as last counted."""
        rows = self._db.rows(
            f"select term, entries from vocabulary where term in (select value from {self._db.dialect.texts('words')})",
            {"words": json.dumps(list(words))},
        )
        return {row["term"]: row["entries"] for row in rows}

    def beginning_with(self, letter: str, shortest: int, longest: int) -> Iterator[tuple[str, int]]:
        """Return words of the index with their counts."""
        for row in self._db.rows(
            """select term, entries from vocabulary
            where term >= :first and term < :next and length(term) between :least and :most""",
            {"first": letter, "next": chr(min(ord(letter) + 1, 0x10FFFF)), "least": shortest, "most": longest},
        ):
            yield row["term"], row["entries"]


def vector(title: str, summary: str) -> str:
    """Return a title and a summary as a `tsvector`; no phrase goes from the one into the other."""
    places: dict[str, list[str]] = {}
    position = 0
    for text, weight in ((title, "A"), (summary, "B")):
        for word in indexed(text).split(" "):
            if word and len(word.encode()) <= _MAX_WORD_BYTES:
                position += 1
                places.setdefault(word, []).append(f"{min(position, _MAX_POSITION)}{weight}")
        position += 1
    return " ".join(f"{_lexeme(word)}:{','.join(at)}" for word, at in places.items())


def expression(terms: Iterable[str]) -> str:
    """Return what *terms* are as a `tsquery`: every one of them must occur; "" if none contains a word."""
    parts: list[str] = []
    for term in terms:
        if (wanted_term := wanted(term)) is None:
            continue
        phrase = " <-> ".join(map(_lexeme, wanted_term.phrase)) + (":*" if wanted_term.is_prefix else "")
        parts.append(f"({' | '.join([f'({phrase})', *map(_lexeme, sorted(wanted_term.others))])})")
    return " & ".join(parts)


def _lexeme(word: str) -> str:
    """Return a word as a quoted lexeme: whatever PostgreSQL would read as an operator is inert."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
