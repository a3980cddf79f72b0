"""The interface between the topics of the store and a database: statements, transactions, and differences.

    rows, row, value, each         read
    run, run_counted, run_many     write
    insert, insert_rows            write rows, and return the IDs that the database assigned
    transaction                    all or nothing
    dialect, text_index            what differs between databases
    maintenance                    the database as a whole
    models, pictures               files that are not rows

Statements are SQL that both SQLite and PostgreSQL understand, with parameters as `:name`, or `?` for tuples. Truth is 0
or 1 in a column of integers, times are text of a fixed width, lists are JSON. Any error of the database is a
`StoreFault`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aggregator.store.dialect import Dialect
    from aggregator.store.files.models import ModelFiles
    from aggregator.store.files.pictures import KeptPictures
    from aggregator.store.text_index import TextIndex

Params = dict[str, Any]
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


class Row(Protocol):
    """A row of a result: its values by position or name, in order when iterated."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class Connection(ABC):
    """A connection to the database; knows no table."""

    dialect: Dialect
    text_index: TextIndex
    maintenance: Maintenance
    models: ModelFiles
    pictures: KeptPictures
    has_several_writers: bool
    """Whether several processes store entries."""

    @abstractmethod
    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows of a query."""

    @abstractmethod
    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Yield the rows of a query one by one, for results too large to hold."""

    @abstractmethod
    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row of a query, or None."""

    def value(self, sql: str, params: Params | None = None) -> Any:
        """Return the first column of the first row, or None."""
        first = self.row(sql, params)
        return None if first is None else first[0]

    def run(self, sql: str, params: Params | tuple[object, ...] | None = None) -> None:
        """Execute a write."""
        self.run_counted(sql, params)

    @abstractmethod
    def run_counted(self, sql: str, params: Params | tuple[object, ...] | None = None) -> int:
        """Execute a write and return how many rows it changed."""

    @abstractmethod
    def run_many(self, sql: str, params: Sequence[Params | tuple[object, ...]]) -> None:
        """Execute a write once for each of *params*."""

    def insert(self, table: str, values: Mapping[str, object], key: str) -> int:
        """Insert a row and return its ID, the column *key*."""
        rows = self.rows(_insert(table, tuple(values), key), dict(values))
        return int(rows[0][0])

    @abstractmethod
    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], key: str
    ) -> list[int]:
        """Insert many rows and return their IDs, the column *key*, in order; they ascend."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commit all or nothing; nested in another transaction, become a part of it."""

    @abstractmethod
    def close(self) -> None:
        """Close; further use is an error."""


class Maintenance(ABC):
    """The database as a whole."""

    @abstractmethod
    def errors(self) -> list[str]:
        """Return the errors in the database; empty if it is healthy."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Return the size of the database in bytes, and how many of them are free."""

    @abstractmethod
    def compact(self) -> None:
        """Release unused space; not inside a transaction."""

    @abstractmethod
    def copy_to(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Copy the database with *files* to the file *path*, while others use it."""

    @abstractmethod
    def displacement(self) -> str:
        """Return "deleted" or "replaced" if the database's path no longer leads to the open file, else ""."""

    @abstractmethod
    def limit_cache(self, size_bytes: int) -> None:
        """Limit the cache of this connection, in bytes."""

    @abstractmethod
    def release(self) -> None:
        """Prepare the database for being moved; no other process may use it."""


@cache
def _insert(table: str, columns: tuple[str, ...], key: str) -> str:
    names = ", ".join(columns)
    values = ", ".join(f":{column}" for column in columns)
    return f"insert into {table} ({names}) values ({values}) returning {key}"


@cache
def upsert(table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Return a statement that inserts a row, or replaces the *columns* of the row with the same *keys*.

    Its parameters have the names of the columns.
    """
    names = ", ".join((*keys, *columns))
    values = ", ".join(f":{column}" for column in (*keys, *columns))
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return f"insert into {table} ({names}) values ({values}) on conflict ({', '.join(keys)}) do update set {changes}"
