"""The SQL expressions of PostgreSQL that differ from SQLite's."""

from __future__ import annotations


class PostgresDialect:
    """See `aggregator.store.dialect.Dialect`."""

    def integers(self, parameter: str) -> str:
        """Return the numbers of a JSON parameter as a table."""
        return self.integers_of(f":{parameter}")

    def texts(self, parameter: str) -> str:
        """Return the strings of a JSON parameter as a table."""
        return f"jsonb_array_elements_text(cast(:{parameter} as jsonb)) as {parameter}_list (value)"

    def integers_of(self, column: str) -> str:
        """Return the numbers of a JSON column as a table."""
        return f"""(select cast(item as bigint) as value
            from jsonb_array_elements_text(cast({column} as jsonb)) as items (item)) as numbers"""

    def least(self, a: str, b: str) -> str:
        """Return the lesser of two values."""
        return f"least({a}, {b})"

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a column contains a text in any case; in collation C, `lower` knows only ASCII."""
        return f"""strpos(lower({column} collate "und-x-icu"), :{parameter}) > 0"""

    def shard(self, column: str) -> str:
        """Return the shard of a host; `cluster.leases.shard_of` says the same."""
        return f"get_byte(decode(md5({column}), 'hex'), 0)"

    def for_update(self) -> str:
        """Return what locks the row until the transaction ends."""
        return "for update"

    def json_text(self, column: str, name: str) -> str:
        """Return a member of a JSON object."""
        return f"cast({column} as jsonb) ->> '{name}'"
