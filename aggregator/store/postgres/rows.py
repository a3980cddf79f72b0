"""Rows and values as the store's topics expect them: by position and name; whole numbers, never decimals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from psycopg import Connection, Cursor
from psycopg.adapt import Buffer, Dumper, Loader


class NamedRow(tuple[Any, ...]):
    """A row whose values have names; where two have one name, it is that of the first."""

    __slots__ = ()
    positions: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.positions[key] if type(key) is str else key)

    def keys(self) -> list[str]:
        """Return the names."""
        return list(self.positions)


@lru_cache(maxsize=1024)
def _row_type(names: tuple[str, ...]) -> type[NamedRow]:
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions.setdefault(name, position)
    return type("Row", (NamedRow,), {"positions": positions, "__slots__": ()})


def named_rows(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], NamedRow]:
    """Make rows of a result; psycopg's `row_factory`."""
    return _row_type(tuple(column.name for column in cursor.description or ()))


class _TruthDumper(Dumper):
    """Truth is 0 or 1 in a column of integers."""

    oid = 20  # bigint

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _NumberLoader(Loader):
    """Sums of integers are `numeric`."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text or "N" in text else int(text)


def register(connection: Connection[Any]) -> None:
    """Adapt values on a connection."""
    connection.adapters.register_dumper(bool, _TruthDumper)
    connection.adapters.register_loader("numeric", _NumberLoader)
