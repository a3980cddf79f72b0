"""Tables as a transfer sees them: rows in the order of their primary key, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Values = tuple[Any, ...]
"""The values of a row, in the order of `Table.columns`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns; *key* are those of its primary key, in their order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: Values) -> Values:
        """Return the primary key of *row*."""
        return tuple(row[self.columns.index(column)] for column in self.key)


class Source(Protocol):
    """The database that rows are copied from. Others may write to it meanwhile."""

    def tables(self) -> list[Table]:
        """Return all tables that hold something of the site, each after those that it refers to."""

    def count(self, table: Table) -> int:
        """Return how many rows *table* has."""

    def chunk(self, table: Table, after: Values | None, limit: int) -> list[Values]:
        """Return up to *limit* rows whose key is greater than *after*, in order of the key; None: from the first."""

    def last_number(self, table: Table) -> int:
        """Return the greatest number that the database ever gave to a row of *table*, 0 where it gives none."""

    def version(self) -> int:
        """Return a number that differs where anybody else committed a change since it was last returned."""
