"""Migrate a PostgreSQL database to the current schema, step by step, each in a transaction.

Each file in `steps/` is one step, applied once, in the order of their names; a step is frozen once released. Several
processes may start at once: an advisory lock lets one of them migrate.

While a site is upgraded, processes of two versions use one database. The first line of a step says whether the version
before can go on with it:

    -- expand      adds tables, indexes, and columns that are nullable or have a default: older versions ignore them
    -- contract    removes or changes something: stop older versions first

So a change that an older version cannot bear takes two releases: expand and write both, then contract.

A line `-- include PACKAGE FILE` stands for a script that an installed package ships.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

_INCLUDE = re.compile(r"^-- include (\S+) (\S+)$", re.MULTILINE)


def apply(raw: psycopg.Connection[Any]) -> None:
    """Apply what is pending; NewerDatabaseError when the database knows steps that this version does not."""
    applied = _applied(raw)
    if applied.keys() >= STEPS.keys() and not unknown(applied):
        return
    with raw.transaction():
        raw.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        applied = _applied(raw)
        if not applied:
            _require_empty(raw)
        if newer := unknown(applied):
            raise NewerDatabaseError(
                f"written by a newer version of Groundswell (it knows {newer[-1]}); upgrade the program"
            )
        raw.execute(
            """create table if not exists migrations (
                name text primary key, applied_at timestamptz not null, expands bigint not null)"""
        )
        for name, script in STEPS.items():
            if name not in applied:
                raw.execute(complete(script))
                raw.execute(
                    "insert into migrations (name, applied_at, expands) values (%s, now(), %s)", (name, expands(script))
                )


def complete(script: str) -> str:
    """Return *script* with the scripts that it includes; StoreError if a package is not installed."""

    def included(line: re.Match[str]) -> str:
        package, name = line.groups()
        try:
            return files(package).joinpath(name).read_text("utf-8")
        except ImportError as error:
            raise StoreError(
                f"PostgreSQL needs a package that is not installed ({error}); `pip install 'groundswell[postgres]'` "
                "installs it"
            ) from None

    return _INCLUDE.sub(included, script)


def require_all_steps(raw: psycopg.Connection[Any]) -> None:
    """Raise StoreError if the database contains only a part of the site that is being copied into it."""
    row = raw.execute("select source from transfers where finished_at is null").fetchone()
    if row is not None:
        raise StoreError(f"the database holds only a part of {row[0]}; run `groundswell migrate-to` again to continue")


def _require_empty(raw: psycopg.Connection[Any]) -> None:
    row = raw.execute("select min(tablename) from pg_tables where schemaname = current_schema()").fetchone()
    if row is not None and row[0] is not None:
        raise StoreError(f"the database holds tables of another program ({row[0]}); name a new, empty database")


def expands(script: str) -> bool:
    """Return whether the version before can go on with the database after a step."""
    return script.startswith("-- expand")


def unknown(applied: Mapping[str, bool]) -> list[str]:
    """Return the steps of a newer version with which this one cannot go on.

    applied: the steps of a database, and whether each only expanded the schema
    """
    return sorted(name for name, only_expands in applied.items() if name not in STEPS and not only_expands)


def _applied(raw: psycopg.Connection[Any]) -> dict[str, bool]:
    """Return the steps that were applied, and whether each only expanded the schema."""
    table = raw.execute("select to_regclass('migrations')").fetchone()
    if table is None or table[0] is None:
        return {}
    return {row[0]: bool(row[1]) for row in raw.execute("select name, expands from migrations")}
