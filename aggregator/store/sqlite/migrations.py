"""Migrate a SQLite database to the current schema, step by step.

Each file in `steps/` is one step, applied in the order of their names and only once.
They are only added to: a step is frozen once released. What all of them together
give is in `schema`, as a document.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

from aggregator.errors import NewerDatabaseError

if TYPE_CHECKING:
    from sqlite_utils import Database

_SET = "groundswell"

STEPS = {
    path.name.removesuffix(".sql"): path.read_text("utf-8")
    for path in sorted(files("aggregator.store").joinpath("steps").iterdir(), key=lambda path: path.name)
    if path.name.endswith(".sql")
}
"""The script of each step, by its name, in their order."""


def statements(script: str) -> list[str]:
    """Split *script* into its statements; `executescript` would commit the transaction around it."""
    results: list[str] = []
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            results.append(buffer.strip())
            buffer = ""
    return results


def pending(raw: sqlite3.Connection) -> bool:
    """Whether a database lacks steps; NewerDatabaseError when it knows steps that we do not."""
    table = raw.execute("select 1 from sqlite_master where name = '_sqlite_migrations'").fetchone()
    query = "select name from _sqlite_migrations where migration_set = ?"
    applied = {row[0] for row in raw.execute(query, (_SET,))} if table else set()
    if unknown := sorted(applied - STEPS.keys()):
        raise NewerDatabaseError(
            f"written by a newer version of Groundswell (it knows {unknown[-1]}); "
            "upgrade the program, or start with another --db"
        )
    return bool(STEPS.keys() - applied)


def apply(raw: sqlite3.Connection) -> None:
    """Apply what is pending; call it inside a transaction that holds the write lock."""
    # Imported here: it brings numpy along where that is installed, a quarter of a second at each start.
    from sqlite_utils import Database, Migrations

    migrations = Migrations(_SET)
    for name, script in STEPS.items():
        migrations(name=name)(_step(script))
    migrations.apply(Database(raw, execute_plugins=False))


def _step(script: str) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        for statement in statements(script):
            db.execute(statement)

    return run
