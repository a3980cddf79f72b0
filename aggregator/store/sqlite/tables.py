"""A SQLite database as the source of a transfer; see `aggregator.store.transfer`."""

from __future__ import annotations

from graphlib import TopologicalSorter

from aggregator.store.connection import Connection, Table, Values

_ELSEWHERE = ("_sqlite_migrations", "sqlar")
"""Tables that say something of the file rather than of the site."""


class SqliteTables:
    """Reads every table of a database, a chunk at a time."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def tables(self) -> list[Table]:
        """Return all tables, each after those that it refers to; the text index and its parts are none."""
        rows = self._db.rows("select name, type from pragma_table_list where schema = 'main' order by name")
        names = [
            row["name"]
            for row in rows
            if row["type"] == "table" and not row["name"].startswith("sqlite_") and row["name"] not in _ELSEWHERE
        ]
        parents = {
            name: {row["table"] for row in self._db.rows(f"pragma foreign_key_list({name})")} - {name} for name in names
        }
        return [self._table(name) for name in TopologicalSorter(parents).static_order()]

    def count(self, table: Table) -> int:
        """Return how many rows *table* has."""
        return int(self._db.value(f"select count(*) from {table.name}"))

    def chunk(self, table: Table, after: Values | None, limit: int) -> list[Values]:
        """Return rows after a key, in order of the key."""
        key = ", ".join(table.key)
        parameters = {f"key{number}": value for number, value in enumerate(after or ())}
        condition = f"where ({key}) > ({', '.join(f':{name}' for name in parameters)})" if after is not None else ""
        rows = self._db.rows(
            f"select {', '.join(table.columns)} from {table.name} {condition} order by {key} limit :limit",
            {**parameters, "limit": limit},
        )
        return [tuple(row) for row in rows]

    def last_number(self, table: Table) -> int:
        """Return the last number that `autoincrement` gave."""
        if not self._db.value("select 1 from sqlite_schema where name = 'sqlite_sequence'"):
            return 0
        return int(self._db.value("select seq from sqlite_sequence where name = :name", {"name": table.name}) or 0)

    def version(self) -> int:
        """Return a number that changes with each commit of another connection."""
        return int(self._db.value("pragma data_version"))

    def _table(self, name: str) -> Table:
        columns = self._db.rows(f"pragma table_info({name})")
        key = sorted((row["pk"], row["name"]) for row in columns if row["pk"])
        return Table(name, tuple(row["name"] for row in columns), tuple(column for _, column in key))
