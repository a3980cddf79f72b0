"""A PostgreSQL database as the target of a transfer; see `aggregator.store.transfer`."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from aggregator.errors import DatabaseInUseError, StoreError
from aggregator.store.connection import Params, Table, Values
from aggregator.store.postgres.connection import PostgresConnection
from aggregator.store.postgres.rows import NamedRow

LOCK = 0x67726F756E65
"""Key of the advisory lock of a transfer."""


class PostgresTables:
    """Compares and writes the rows of every table, a chunk at a time.

    Until `finish`, the database says that a transfer is under way, and nothing else opens it.
    """

    def __init__(self, connection: PostgresConnection) -> None:
        self._db = connection

    @staticmethod
    def prepare(raw: psycopg.Connection[NamedRow]) -> None:
        """Prepare a connection for a transfer; DatabaseInUseError if another transfer runs into the database.

        Commits do not wait for the disk: after a power cut the transfer is run again and compares every row.
        """
        row = raw.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row is None or not row[0]:
            raise DatabaseInUseError("another transfer into this database is running; wait for it, or stop it")
        raw.execute("set synchronous_commit = off")

    def begin(self, source: str, tables: Sequence[Table]) -> None:
        """Mark the database as the target of *source*, which has these *tables*.

        StoreError if it contains anything else than an unfinished transfer of the same source.
        """
        unfinished = self._db.row("select source, finished_at from transfers order by transfer_id desc limit 1")
        if unfinished is not None and unfinished["finished_at"] is None:
            if unfinished["source"] != source:
                raise StoreError(
                    f"the database holds an unfinished transfer of {unfinished['source']}; finish that one, "
                    "or drop the database and create it again"
                )
            return
        if filled := next((table.name for table in tables if self._has_rows(table)), ""):
            raise StoreError(
                f"the database already holds a site (its table {filled} has rows), and nothing was changed; "
                "name a new, empty database"
            )
        self._db.run("insert into transfers (source, began_at) values (:source, now())", {"source": source})

    def finish(self) -> None:
        """Let the database be opened, once all that was written is on the disk."""
        with self._db.transaction():
            self._db.run("set local synchronous_commit = on")
            self._db.run("update transfers set finished_at = now() where finished_at is null")

    def differences(self, table: Table, after: Values | None, rows: Sequence[Values], *, is_last: bool) -> int:
        """Make the rows of *table* that follow *after* equal to *rows*; return how many had to be changed.

        after:   the key before the first of *rows*; None: they are the first ones
        is_last: whether *rows* are the last ones of the table; else only keys up to that of the last row are looked at
        """
        upto = None if is_last else table.key_of(rows[-1])
        stored = self._between(table, after, upto)
        if stored == list(rows):
            return 0
        wanted, present = set(rows), set(stored)
        outdated = [table.key_of(row) for row in stored if row not in wanted]
        missing = [row for row in rows if row not in present]
        with self._db.transaction():
            rewritten = {table.key_of(row) for row in missing}
            self._remove(table, [key for key in outdated if key not in rewritten])
            if outdated:
                self._merge(table, missing)
            else:
                self._db.copy_in(table.name, table.columns, missing)
            if table.name == "entries":
                self._index(table, missing)
        return len(missing) + sum(key not in rewritten for key in outdated)

    def set_last_number(self, table: Table, number: int) -> None:
        """Let the next row that the database numbers have a greater number than *number* and than every row."""
        (column,) = table.key[:1]
        sequence = self._db.value(
            "select pg_get_serial_sequence(:table, :column)", {"table": table.name, "column": column}
        )
        if sequence is None:
            return
        highest = max(number, int(self._db.value(f"select coalesce(max({column}), 0) from {table.name}")))
        self._db.run(f"select setval('{sequence}', {max(highest, 1)}, {'true' if highest else 'false'})")

    def complete_text_index(self) -> None:
        """Count how many entries contain each word, and prepare the tables for readers.

        StoreError if an entry is not in the text index.
        """
        if errors := self._db.maintenance.errors():
            raise StoreError(errors[0])
        self._db.text_index.count_words()
        # Without it, new rows of the text index stay in a list that each search reads: 17 ms instead of 1 for a word of
        # 19,000 entries.
        self._db.run("vacuum (analyze)")

    def _between(self, table: Table, after: Values | None, upto: Values | None) -> list[Values]:
        key = ", ".join(table.key)
        conditions: list[str] = []
        parameters: Params = {}
        for name, sign, bound in (("after", ">", after), ("upto", "<=", upto)):
            if bound is not None:
                names = [f"{name}{number}" for number in range(len(bound))]
                parameters |= dict(zip(names, bound, strict=True))
                conditions.append(f"({key}) {sign} ({', '.join(f':{each}' for each in names)})")
        where = f"where {' and '.join(conditions)}" if conditions else ""
        rows = self._db.rows(f"select {', '.join(table.columns)} from {table.name} {where} order by {key}", parameters)
        return [tuple(row) for row in rows]

    def _merge(self, table: Table, rows: Sequence[Values]) -> None:
        names, places = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        changes = ", ".join(f"{column} = excluded.{column}" for column in table.columns if column not in table.key)
        self._db.run_many(
            f"""insert into {table.name} ({names}) values ({places})
            on conflict ({", ".join(table.key)}) do {f"update set {changes}" if changes else "nothing"}""",
            rows,
        )

    def _remove(self, table: Table, keys: Sequence[Values]) -> None:
        """Remove rows, and what refers to them: their tables follow and are completed then."""
        if not keys:
            return
        for row in self._db.rows(
            """select cl.relname as child, a.attname as field from pg_constraint c
            join pg_class cl on cl.oid = c.conrelid
            join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
            where c.contype = 'f' and c.confrelid = cast(cast(:table as text) as regclass)""",
            {"table": table.name},
        ):
            self._db.run_many(f"delete from {row['child']} where {row['field']} = ?", keys)
        if table.name == "entries":
            self._db.run_many("delete from entry_words where entry_id = ?", keys)
        condition = " and ".join(f"{column} = ?" for column in table.key)
        self._db.run_many(f"delete from {table.name} where {condition}", keys)

    def _index(self, table: Table, rows: Sequence[Values]) -> None:
        entry_id, title, summary = (table.columns.index(column) for column in ("entry_id", "title", "summary"))
        self._db.text_index.add([(row[entry_id], row[title], row[summary]) for row in rows])

    def _has_rows(self, table: Table) -> bool:
        return bool(self._db.value(f"select 1 from {table.name} limit 1"))
