"""PostgreSQL's tables are those of SQLite."""

from __future__ import annotations

import psycopg
import pytest

from aggregator.errors import NewerDatabaseError, StoreError
from aggregator.store import Store
from aggregator.store.sqlite.connection import SqliteConnection
from tests.postgres.cluster import Cluster

ONLY_HERE = {"migrations", "entry_words", "vocabulary", "model_files", "pictures"}
TYPES = {"integer": "bigint", "real": "double precision", "text": "text", "blob": "bytea"}


def of_sqlite() -> dict[str, dict[str, tuple[str, bool]]]:
    """Return type and whether it may be null of each column, by table."""
    with Store.open(":memory:") as store:
        connection = store._connection
        assert isinstance(connection, SqliteConnection)
        tables = connection.rows(
            """select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'
            and name not like '%_fts%' and name not like '%_vocabulary' and name != '_sqlite_migrations'"""
        )
        return {
            table["name"]: {
                column["name"]: (TYPES[column["type"].lower()], not column["notnull"] and not column["pk"])
                for column in connection.rows(f"pragma table_info({table['name']})")
            }
            for table in tables
        }


def test_every_table_and_column_of_sqlite_is_there(postgres: Cluster) -> None:
    with Store.connect(postgres.emptied_database()) as store:
        of_postgres: dict[str, dict[str, tuple[str, bool]]] = {}
        for row in store._connection.rows(
            """select table_name, column_name, data_type, is_nullable = 'YES' as may_be_null
            from information_schema.columns where table_schema = 'public'"""
        ):
            of_postgres.setdefault(row["table_name"], {})[row["column_name"]] = (row["data_type"], row["may_be_null"])
    for name in ONLY_HERE:
        del of_postgres[name]
    assert of_postgres == of_sqlite()


def test_text_sorts_by_its_bytes(postgres: Cluster) -> None:
    with Store.connect(postgres.emptied_database()) as store:
        other = store._connection.rows(
            """select table_name, column_name from information_schema.columns where table_schema = 'public'
            and data_type = 'text' and collation_name is distinct from 'C' and table_name != 'migrations'"""
        )
    assert [tuple(row) for row in other] == []


def test_a_database_of_a_newer_version_is_refused(postgres: Cluster) -> None:
    url = postgres.new_database()
    Store.connect(url).close()
    with psycopg.connect(url) as raw:
        raw.execute("insert into migrations (name, applied_at) values ('9999_later', now())")
    with pytest.raises(NewerDatabaseError, match="9999_later"):
        Store.connect(url)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"cannot use the database at 127\.0\.0\.1:1/news") as raised:
        Store.connect("postgresql://someone:secret@127.0.0.1:1/news")
    assert "secret" not in str(raised.value)
