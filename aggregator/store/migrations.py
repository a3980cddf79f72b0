"""Bring a database to the present schema, step by step.

Steps are numbered and only added to. A step is frozen once released: when
`schema` changes, the text that an old step executes moves here as it was.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

from aggregator.errors import NewerDatabaseError
from aggregator.store import schema

migrations = Migrations("groundswell")


@migrations(name="0001_facts_and_stories")
def _facts_and_stories(db: Database) -> None:
    for statement in statements(schema.SCHEMA):
        db.execute(statement)


def statements(script: str) -> list[str]:
    """Split *script* into its statements; `executescript` would commit the transaction around it."""
    found: list[str] = []
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            found.append(buffer.strip())
            buffer = ""
    return found


def pending(db: Database) -> bool:
    """Whether *db* lacks steps; NewerDatabaseError when it knows steps that we do not."""
    with Database(memory=True) as empty:
        ours = {migration.name for migration in migrations.pending(empty)}
    applied = {migration.name for migration in migrations.applied(db)}
    if unknown := sorted(applied - ours):
        raise NewerDatabaseError(
            f"written by a newer version of Groundswell (it knows {unknown[-1]}); "
            "upgrade the program, or start with another --db"
        )
    return bool(ours - applied)


def apply(db: Database) -> None:
    """Apply what is pending; call it inside a transaction that holds the write lock."""
    migrations.apply(db)
