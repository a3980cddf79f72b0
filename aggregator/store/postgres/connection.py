"""A connection of PostgreSQL. A connection that was lost is made again by the next statement outside a transaction.

Each statement is a transaction of its own unless it is inside `transaction()`. Statements that are lost with the
connection raise a StoreFault: whether they were committed is not known, so they are never repeated here.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg

from aggregator.errors import ReadOnlyFault, StoreError, StoreFault
from aggregator.store import connection
from aggregator.store.connection import Params, Row
from aggregator.store.postgres import migrations
from aggregator.store.postgres.address import EXAMPLE, VARIABLE, shown
from aggregator.store.postgres.dialect import PostgresDialect
from aggregator.store.postgres.files import ModelTable, PictureTable
from aggregator.store.postgres.maintenance import PostgresMaintenance
from aggregator.store.postgres.placeholders import adapted
from aggregator.store.postgres.rows import NamedRow, named_rows, register
from aggregator.store.postgres.text_index import PostgresTextIndex

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 5
COPIED_FROM = 8
"""From this many rows on, they are copied in; fewer are inserted one by one in a pipeline."""
EACH_ROWS = 500

TCP_TIMEOUT_MS = 25_000
"""Where the other machine is gone, or the network drops what is sent, client and server give up after so long."""

# A process that was paused, or whose machine is gone, must not hold a transaction or a lock for hours.
_SESSION = (
    "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    f"-c tcp_user_timeout={TCP_TIMEOUT_MS}"
)


def connection_arguments(name: str) -> dict[str, Any]:
    """Return what each connection to the server is made with; *name* is what the server calls its session."""
    return {
        "connect_timeout": CONNECT_WITHIN_S,
        "options": _SESSION,
        "application_name": name,
        "client_encoding": "UTF8",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": TCP_TIMEOUT_MS,
    }


class PostgresConnection(connection.Connection):
    """A connection of PostgreSQL.

    prepare: called with each new connection before it is used, also after one was lost; raises where it may not be
    """

    has_several_writers = True

    def __init__(self, url: str, prepare: Callable[[psycopg.Connection[NamedRow]], None] | None = None) -> None:
        self.url = url
        self._prepare = prepare
        self._in_transaction = False
        # Jobs of one process share a connection between threads; a transaction is one thread's at a time.
        self._lock = threading.RLock()
        self.dialect = PostgresDialect()
        self.text_index = PostgresTextIndex(self)
        self.maintenance = PostgresMaintenance(self)
        self.models = ModelTable(self)
        self.pictures = PictureTable(self)
        self._raw: psycopg.Connection[NamedRow] | None = None

    @classmethod
    def open(
        cls,
        url: str,
        prepare: Callable[[psycopg.Connection[NamedRow]], None] | None = None,
        *,
        is_transfer: bool = False,
    ) -> PostgresConnection:
        """Connect, and bring the database to the present schema.

        is_transfer: opened by a transfer; for others a database whose transfer is not finished is an error

        StoreError (NewerDatabaseError for a newer version) with a way out.
        """
        opened = cls(url, prepare)
        try:
            raw = opened.raw()
            migrations.apply(raw)
            if not is_transfer:
                migrations.require_all_steps(raw)
        except StoreError:
            opened.close()
            raise
        except (psycopg.Error, StoreFault) as error:
            opened.close()
            message = _message(error)
            raise StoreError(f"cannot use the database at {shown(url)}: {message}{_way_out(message)}") from error
        return opened

    def raw(self) -> psycopg.Connection[NamedRow]:
        """Return the connection of psycopg, a new one where the last was lost."""
        if self._raw is not None and not self._raw.closed:
            return self._raw
        if self._in_transaction:
            raise StoreFault("the connection to the database was lost within a transaction")
        try:
            raw: psycopg.Connection[NamedRow] = psycopg.Connection.connect(
                self.url, autocommit=True, row_factory=named_rows, **connection_arguments("groundswell")
            )
        except psycopg.ProgrammingError:
            # Its text quotes the address, and so perhaps the password.
            raise StoreFault(f"{VARIABLE} cannot be read: it must look like {EXAMPLE}") from None
        except psycopg.Error as error:
            raise _fault(error) from error
        register(raw)
        if self._prepare is not None:
            try:
                self._prepare(raw)
            except BaseException:
                raw.close()
                raise
        self._raw = raw
        return raw

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing; nested in another transaction, become a part of it."""
        with self._lock:
            if self._in_transaction:
                yield
                return
            self._execute("begin")
            self._in_transaction = True
            try:
                yield
                self._execute("commit")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._in_transaction = False

    def _roll_back(self) -> None:
        if self._raw is not None and not self._raw.closed:
            with suppress(psycopg.Error):
                self._raw.execute("rollback")

    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """Return all rows of a query."""
        with self._lock:
            cursor = self._execute(sql, params)
            return cast(list[Row], cursor.fetchall()) if cursor.description else []

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Yield the rows of a query one by one, for results too large to hold."""
        # A connection of its own: others use this one while the caller takes its time.
        if self._in_transaction:
            yield from self.rows(sql, params)
            return
        reader = PostgresConnection(self.url)
        try:
            with reader.transaction(), reader.raw().cursor(name="each") as cursor:
                cursor.itersize = EACH_ROWS
                cursor.execute(adapted(sql), params)
                yield from cast(Iterator[Row], cursor)
        except psycopg.Error as error:
            raise _fault(error) from error
        finally:
            reader.close()

    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            cursor = self._execute(sql, params)
            return cast("Row | None", cursor.fetchone()) if cursor.description else None

    def run_counted(self, sql: str, params: Params | tuple[object, ...] | None = None) -> int:
        """Execute a write and return how many rows it changed."""
        with self._lock:
            return max(self._execute(sql, params).rowcount, 0)

    def run_many(self, sql: str, params: Sequence[Params | tuple[object, ...]]) -> None:
        """Execute a write once for each of *params*, all or nothing, without waiting for each answer."""
        if not params:
            return
        with self.transaction():
            try:
                self.raw().cursor().executemany(adapted(sql), params)
            except psycopg.Error as error:
                raise _fault(error) from error

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], key: str
    ) -> list[int]:
        """Insert many rows and return their IDs; many are copied in."""
        if not rows:
            return []
        ids = [
            int(row[0])
            for row in self.rows(
                f"""select nextval(pg_get_serial_sequence('{table}', '{key}')) as id
                from generate_series(1, :count) order by 1""",
                {"count": len(rows)},
            )
        ]
        numbered = [(number, *row) for number, row in zip(ids, rows, strict=True)]
        names = (key, *columns)
        if len(rows) < COPIED_FROM:
            values = ", ".join("?" * len(names))
            self.run_many(f"insert into {table} ({', '.join(names)}) values ({values})", numbered)
        else:
            self.copy_in(table, names, numbered)
        return ids

    def copy_in(self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        """Copy rows in, all or nothing."""
        statement = f"copy {table} ({', '.join(columns)}) from stdin"
        with self._lock:
            try:
                with self.raw().cursor() as cursor, cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
            except psycopg.Error as error:
                raise _fault(error) from error

    def close(self) -> None:
        """Close; further use is an error."""
        if self._raw is not None:
            self._raw.close()

    def _execute(self, sql: str, params: Any = None) -> psycopg.Cursor[NamedRow]:
        raw = self.raw()
        try:
            return raw.execute(adapted(sql), params or ())
        except psycopg.Error as error:
            raise _fault(error) from error


def _fault(error: psycopg.Error) -> StoreFault:
    kind = ReadOnlyFault if isinstance(error, psycopg.errors.ReadOnlySqlTransaction) else StoreFault
    return kind(_message(error))


def _message(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# What the server or libpq says, and what to do. Where their messages are translated, nothing is added.
_WAYS_OUT = (
    (re.compile(r'database "([^"]+)" does not exist'), r"; create it with `createdb \1`"),
    (
        re.compile(r"permission denied for (schema|database)"),
        "; make the user the owner of the database (`alter database ... owner to ...`)",
    ),
    (
        re.compile(r"password authentication failed|role .* does not exist|no password supplied|no pg_hba.conf entry"),
        f"; check user and password in {VARIABLE}",
    ),
    (
        re.compile(r"refused|timeout|timed out|could not translate|not known|No such file|unreachable"),
        f"; is the server running, and does {VARIABLE} name its host and port?",
    ),
)


def _way_out(message: str) -> str:
    """Return what to do about an error at the start, "" if that is not known."""
    for pattern, advice in _WAYS_OUT:
        if match := pattern.search(message):
            return match.expand(advice)
    return ""
