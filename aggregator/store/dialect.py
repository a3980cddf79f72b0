"""The few expressions that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import Protocol


class Dialect(Protocol):
    """Makes pieces of SQL."""

    def integers(self, parameter: str) -> str:
        """Return what stands behind `from`: the numbers in the JSON list `:parameter`, as a column `value`."""

    def texts(self, parameter: str) -> str:
        """Return what stands behind `from`: the strings in the JSON list `:parameter`, as a column `value`."""

    def integers_of(self, column: str) -> str:
        """Return what stands behind `from`: the numbers in the JSON list of a column, as a column `value`."""

    def least(self, one: str, other: str) -> str:
        """Return the lesser of two values that are not null."""

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a text column holds `:parameter`, which is case-folded, in any case."""

    def shard(self, column: str) -> str:
        """Return in which of 256 shards the host in a column is (`cluster.leases`)."""

    def for_update(self) -> str:
        """Return what a query of one row ends with that is changed next, where several processes write."""

    def json_text(self, column: str, name: str) -> str:
        """Return the string *name* of the JSON object in a column, null where it has none."""
