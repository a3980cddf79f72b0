"""The SQL expressions of SQLite that differ from PostgreSQL's."""

from __future__ import annotations


class SqliteDialect:
    """See `aggregator.store.dialect.Dialect`."""

    def integers(self, parameter: str) -> str:
        """Return the numbers of a JSON parameter as a table."""
        return f"json_each(:{parameter})"

    texts = integers

    def integers_of(self, column: str) -> str:
        """Return the numbers of a JSON column as a table."""
        return f"json_each({column})"

    def least(self, a: str, b: str) -> str:
        """Return the lesser of two values; spelled as in the index `stories_newest`."""
        return f"min({a}, {b})"

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a column contains a text in any case; SQLite's own `lower` knows ASCII alone."""
        return f"instr(casefolded({column}), :{parameter}) > 0"

    def shard(self, column: str) -> str:
        """Return the one shard that there is: one process polls."""
        return "0"

    def for_update(self) -> str:
        """Return nothing: a transaction that writes is alone."""
        return ""

    def json_text(self, column: str, name: str) -> str:
        """Return a member of a JSON object."""
        return f"{column} ->> '{name}'"
