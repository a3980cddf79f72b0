"""The index of the words of entries. Which words a text has is for `aggregator.text.search_words` to say.

So each database finds the same entries. How well an entry fits is the database's own measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

IndexedText = tuple[int, str, str]
"""An entry by its ID, title and summary."""

TITLE_WEIGHT = 3.0
"""What a word of the title counts, against one of the summary."""


@dataclass(frozen=True, slots=True)
class Hits:
    """A query for entries that match, with its parameters."""

    sql: str
    """Selects `entry_id`, and `text`: how well it matches, smaller is better, below 0."""
    params: dict[str, Any]


class TextIndex(Protocol):
    """Words of entries by the entries' IDs, and entries by words."""

    def add(self, entries: Sequence[IndexedText]) -> None:
        """Index new entries; part of the transaction that stores them."""

    def replace(self, before: IndexedText, after: IndexedText) -> None:
        """Index an entry anew whose text changed."""

    def remove(self, before: datetime) -> None:
        """Remove the entries first seen before a moment; called before they are deleted."""

    def rebuild(self) -> None:
        """Make the index anew from the entries."""

    def count_words(self) -> None:
        """Bring the counts of words up to date, where they are not kept as entries come."""

    def newest(self, terms: Iterable[str], limit: int, source_condition: str = "") -> Hits | None:
        """Return the query for the newest entries that hold every term; None where a term holds no word.

        source_condition: on an entry `e`; its parameters are the caller's
        """

    def best(self, words: Sequence[str], limit: int) -> Hits:
        """Return the query for the entries that hold any of *words*, the best first."""

    def holding(self, terms: Iterable[str], first: int, last: int) -> set[int]:
        """Return the entries from *first* to *last* that hold any of *terms*."""

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return how many entries hold each of *words*; a word that none holds may be left out."""

    def beginning_with(self, letter: str, shortest: int, longest: int) -> Iterable[tuple[str, int]]:
        """Return the words of the index that begin with *letter*, and how many entries hold each."""
