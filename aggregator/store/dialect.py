"""The few expressions that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import Protocol


class Dialect(Protocol):
    """Makes fragments of SQL."""

    def integers(self, parameter: str) -> str:
        """Return a `from` item: the numbers in the JSON list `:parameter`, as a column `value`."""

    def texts(self, parameter: str) -> str:
        """Return a `from` item: the strings in the JSON list `:parameter`, as a column `value`."""

    def integers_of(self, column: str) -> str:
        """Return a `from` item: the numbers in the JSON list of a column, as a column `value`."""

    def least(self, a: str, b: str) -> str:
        """Return the smaller of two values that are not null."""

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a text column contains `:parameter`, which is case-folded, ignoring case."""

    def shard(self, column: str) -> str:
        """Return the shard, 0 to 255, of the host in a column (`cluster.leases`)."""

    def for_update(self) -> str:
        """Return the row lock at the end of a query whose row is changed next, if several processes write."""

    def json_text(self, column: str, name: str) -> str:
        """Return the string *name* of the JSON object in a column, null without one."""
