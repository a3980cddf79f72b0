"""Bring a database of PostgreSQL to the present schema, step by step, each in a transaction.

Each file in `steps/` is one step, applied once, in the order of their names; a step is frozen once released. Several
processes may start at once: an advisory lock lets one of them migrate.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import psycopg

from aggregator.errors import NewerDatabaseError, StoreError

LOCK = 0x67726F756E64
"""Key of the advisory lock of migrations."""

STEPS = {
    path.name.removesuffix(".sql"): path.read_text("utf-8")
    for path in sorted(files("aggregator.store.postgres").joinpath("steps").iterdir(), key=lambda path: path.name)
    if path.name.endswith(".sql")
}
"""The script of each step, by its name, in their order."""


def apply(raw: psycopg.Connection[Any]) -> None:
    """Apply what is pending; NewerDatabaseError when the database knows steps that this version does not."""
    if _applied(raw) == STEPS.keys():
        return
    with raw.transaction():
        raw.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        applied = _applied(raw)
        if not applied:
            _require_empty(raw)
        if unknown := sorted(applied - STEPS.keys()):
            raise NewerDatabaseError(
                f"written by a newer version of Groundswell (it knows {unknown[-1]}); upgrade the program"
            )
        raw.execute("create table if not exists migrations (name text primary key, applied_at timestamptz not null)")
        for name, script in STEPS.items():
            if name not in applied:
                raw.execute(script)
                raw.execute("insert into migrations (name, applied_at) values (%s, now())", (name,))


def require_whole(raw: psycopg.Connection[Any]) -> None:
    """Raise StoreError where the database holds only a part of the site that is being copied into it."""
    row = raw.execute("select source from transfers where finished_at is null").fetchone()
    if row is not None:
        raise StoreError(
            f"the database holds a part of {row[0]} only; run `groundswell migrate-to` again, which goes on where it "
            "stopped"
        )


def _require_empty(raw: psycopg.Connection[Any]) -> None:
    row = raw.execute("select min(tablename) from pg_tables where schemaname = current_schema()").fetchone()
    if row is not None and row[0] is not None:
        raise StoreError(f"the database holds tables of another program ({row[0]}); name a new, empty database")


def _applied(raw: psycopg.Connection[Any]) -> set[str]:
    known = raw.execute("select to_regclass('migrations')").fetchone()
    if known is None or known[0] is None:
        return set()
    return {row[0] for row in raw.execute("select name from migrations")}
