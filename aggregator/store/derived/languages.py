"""The language of entries whose feed does not state one, as `aggregator.text.language_detection` detects it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aggregator.store.connection import Connection, upsert

NEWEST = 50_000
"""Only so many of the newest entries are checked, so that nothing is read if feeds state every language."""


@dataclass(frozen=True, slots=True)
class UnknownLanguage:
    """An entry without a stated language."""

    entry_id: int
    title: str
    summary: str


class EntryLanguages:
    """`entry_languages`. Entries are processed in the order of their IDs, so the last row marks the progress."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, entry_id: int) -> str:
        """Return the detected language of an entry, "" for none."""
        return str(self._db.value("select language from entry_languages where entry_id = :id", {"id": entry_id}) or "")

    def pending(self, limit: int) -> list[UnknownLanguage]:
        """Return the next entries to process, the oldest first."""
        rows = self._db.rows(
            """select entry_id, title, summary from entries where language = ''
            and entry_id > (select coalesce(max(entry_id), 0) from entry_languages)
            and entry_id > (select max(entry_id) from entries) - :newest
            order by entry_id limit :limit""",
            {"limit": limit, "newest": NEWEST},
        )
        return [UnknownLanguage(row["entry_id"], row["title"], row["summary"]) for row in rows]

    def record(self, languages: Iterable[tuple[int, str]]) -> None:
        """Store the detected languages, and delete those of pruned entries."""
        with self._db.transaction():
            self._db.run_many(
                upsert("entry_languages", ("entry_id",), ("language",)),
                [{"entry_id": entry_id, "language": language} for entry_id, language in languages],
            )
            self._db.run(
                """delete from entry_languages where entry_id < (select coalesce(min(entry_id), 0) from entries)
                and entry_id < (select max(entry_id) from entry_languages)"""
            )
