"""The full-text index of entries.

`aggregator.text.search_words` splits texts into words, so each database finds the same entries. The match score is the
database's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

IndexedText = tuple[int, str, str]
"""An entry by its ID, title and summary."""

TITLE_WEIGHT = 3.0
"""Weight of a word in the title, relative to the summary."""


@dataclass(frozen=True, slots=True)
class Hits:
    """A query for entries that match, with its parameters."""

    sql: str
    """Selects `entry_id`, and `text`, the match score: below 0, smaller is better."""
    params: dict[str, Any]


class TextIndex(Protocol):
    """Words by entry, and entries by word."""

    def add(self, entries: Sequence[IndexedText]) -> None:
        """Index new entries; part of the transaction that stores them."""

    def replace(self, before: IndexedText, after: IndexedText) -> None:
        """Update an entry whose text changed."""

    def remove(self, before: datetime) -> None:
        """Remove the entries first seen before a moment; called before they are deleted."""

    def rebuild(self) -> None:
        """Rebuild the index from the entries."""

    def count_words(self) -> None:
        """Update the word counts, if the database does not maintain them with each entry."""

    def newest(self, terms: Iterable[str], limit: int, source_condition: str = "") -> Hits | None:
        """Return the query for the newest entries that contain every term; None if a term has no word.

        source_condition: on an entry `e`; the caller adds its parameters
        """

    def best(self, words: Sequence[str], limit: int) -> Hits:
        """Return the query for the entries that contain any of *words*, the best first."""

    def holding(self, terms: Iterable[str], first: int, last: int) -> set[int]:
        """Return the entries from *first* to *last* that contain any of *terms*."""

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return the number of entries that contain each of *words*; words without entries may be left out."""

    def beginning_with(self, letter: str, shortest: int, longest: int) -> Iterable[tuple[str, int]]:
        """Return the words of the index that begin with *letter*, with the number of entries of each."""
