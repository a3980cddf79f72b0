"""PostgreSQL's tables match those of SQLite."""

from __future__ import annotations

import re

import psycopg
import pytest

from aggregator.errors import NewerDatabaseError, StoreError
from aggregator.store import Store
from aggregator.store.postgres.migrations import STEPS, complete, expands
from aggregator.store.sqlite.connection import SqliteConnection
from tests.aggregator.store.test_store import NOON, SOURCE
from tests.postgres.cluster import Cluster

ONLY_HERE = {
    "pollers",
    "poll_shards",
    "migrations",
    "entry_words",
    "vocabulary",
    "model_files",
    "pictures",
    "transfers",
}
TYPES = {"integer": "bigint", "real": "double precision", "text": "text", "blob": "bytea"}


def of_sqlite() -> dict[str, dict[str, tuple[str, bool]]]:
    """Return the type and nullability of each column, by table."""
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
        raw.execute("insert into migrations (name, applied_at, expands) values ('9999_later', now(), 0)")
    with pytest.raises(NewerDatabaseError, match="9999_later"):
        Store.connect(url)


def test_a_database_that_a_newer_version_only_expanded_can_still_be_used(postgres: Cluster) -> None:
    url = postgres.new_database()
    Store.connect(url).close()
    with psycopg.connect(url) as raw:
        raw.execute("alter table sources add column later text default 'x'")
        raw.execute("insert into migrations (name, applied_at, expands) values ('9999_later', now(), 1)")
    with Store.connect(url) as store:
        store.feeds.sync([SOURCE], NOON)
        assert store.faults() == []


OF_THE_QUEUE = re.compile(r"create schema jobs;\nset local search_path to jobs;.*search_path to default;", re.S)
EXPANDING = re.compile(
    r"create (unique )?(table|index) |insert into |alter table \w+ add column |alter index \w+ set \("
    r"|alter table \w+ alter column \w+ set storage ",
    re.I,
)


def is_expanding(statement: str) -> bool:
    """Return whether a version that does not know *statement* keeps working after it."""
    if "add column" in statement.lower() and "not null" in statement.lower() and "default" not in statement.lower():
        return False
    return EXPANDING.match(statement) is not None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("create table a (b bigint)", True),
        ("alter table a add column c text not null default ''", True),
        ("alter table a add column c text not null", False),
        ("alter table a drop column c", False),
        ("alter table a rename to b", False),
        ("alter table a alter column c type bigint", False),
        ("drop table a", False),
        ("update a set b = 1", False),
        ("create index a_by_b on a (b)", True),
    ],
)
def test_what_an_older_version_can_bear(statement: str, expected: bool) -> None:
    assert is_expanding(statement) is expected


@pytest.mark.parametrize("name", STEPS)
def test_each_step_says_whether_an_older_version_can_go_on_with_it(name: str) -> None:
    # The queue's namespace contains nothing that an older version reads.
    script = OF_THE_QUEUE.sub("", STEPS[name])
    assert script.startswith(("-- expand\n", "-- contract\n"))
    statements = [" ".join(re.sub(r"--.*", "", part).split()) for part in re.sub(r"--.*", "", script).split(";")]
    if expands(script):
        assert [statement for statement in statements if statement and not is_expanding(statement)] == []


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"cannot use the database at 127\.0\.0\.1:1/news") as raised:
        Store.connect("postgresql://someone:secret@127.0.0.1:1/news")
    assert "secret" not in str(raised.value)


def test_a_step_that_needs_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(StoreError, match=r"no_such_package.*pip install 'groundswell\[postgres\]'"):
        complete("-- expand\n-- include no_such_package schema.sql\n")
