"""Kill the migration of an older database at every step: the database is as before or as after, and no row is lost."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path
from unittest.mock import patch

from aggregator.store import Store
from aggregator.store.sqlite import migrations
from aggregator.text.search_words import indexed
from bench._kill_points import NO_KILL, KillableProcess, KillPoint, Steps, steps_of
from bench._tally import Tally, opened

MAX_LIFE_S = 0.06
Rows = dict[str, tuple[list[str], list[tuple[object, ...]]]]


def run(folder: Path, filled: Path, kills: int, seed: int = 1) -> Tally:
    """Migrate from each older version in turn, with kills on the way, using the rows of *filled*.

    filled: a database of the current version; each older one gets the rows that its tables could hold
    """
    rng, tally = random.Random(seed), Tally()
    with sqlite3.connect(filled) as present:
        shape = _shape(present)
    present.close()
    versions = list(range(1, len(migrations.STEPS)))
    older = {version: _older(folder / f"version{version}.db", filled, version) for version in versions}
    steps = {version: _migrated(folder / "undisturbed", older[version], NO_KILL, tally, shape) for version in versions}
    while tally.killed < kills:
        for version in versions:
            if tally.killed < kills:
                kill = steps[version].draw_kill(rng, MAX_LIFE_S)
                _migrated(folder / f"life{tally.killed}", older[version], kill, tally, shape)
    return tally


def migrate(db: Path) -> None:
    """Open a database, which migrates it to the current version."""
    Store.open(db).close()


def _migrated(place: Path, older: Path, kill: KillPoint, tally: Tally, shape: dict[str, object]) -> Steps:
    """Migrate a copy of *older* in *place*, check the result, and return how many steps a full migration takes."""
    place.mkdir(parents=True, exist_ok=True)
    db = place / "news.db"
    for ending in ("", "-wal", "-shm"):
        Path(f"{db}{ending}").unlink(missing_ok=True)
    shutil.copy(older, db)
    before = {table: rows for table, rows in _rows(db).items() if f"table {table}" in shape}
    killed = KillableProcess(kill, place, migrate, db).wait()
    tally.killed += killed
    with opened(db, tally) as store:
        tally.findings += store.faults()
    raw = sqlite3.connect(db)
    if _shape(raw) != shape:
        tally.findings.append(f"{older.stem}: the schema is not that of a new database")
    raw.close()
    after = _rows(db, before)
    tally.findings += [f"{older.stem}: rows of {t} are not what they were" for t in before if before[t] != after[t]]
    return Steps(0, 0) if killed else steps_of(place)


def _older(db: Path, filled: Path, version: int) -> Path:
    """Create a database of an older version: its tables, with the matching rows of *filled*."""
    with patch.object(migrations, "STEPS", dict(list(migrations.STEPS.items())[:version])):
        Store.open(db).close()
    raw = sqlite3.connect(db)
    raw.create_function("search_words", 1, indexed)
    raw.execute("attach ? as filled", (str(filled),))
    present = {name for (name,) in raw.execute("select name from filled.sqlite_master where type = 'table'")}
    for table, columns in _columns(raw).items():
        if table not in present:  # dropped in a later version
            continue
        column_list = ", ".join(columns)
        raw.execute(f"delete from main.{table}")
        raw.execute(f"insert into main.{table} ({column_list}) select {column_list} from filled.{table}")
    raw.execute("insert into entries_fts (entries_fts) values ('rebuild')")
    raw.commit()
    raw.close()
    return db


def _columns(raw: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each table that stores rows of its own."""
    tables = raw.execute(
        "select name from pragma_table_list where schema = 'main' and name not like '%sqlite_%' and type = 'table'"
    )
    return {name: [row[1] for row in raw.execute(f"pragma main.table_info({name})")] for (name,) in tables.fetchall()}


def _rows(db: Path, like: Rows | None = None) -> Rows:
    """Return the columns and all rows of each table; if *like* is given, only its tables and columns."""
    raw = sqlite3.connect(db)
    columns = _columns(raw) if like is None else {table: names for table, (names, _) in like.items()}
    result: Rows = {
        table: (names, raw.execute(f"select {', '.join(names)} from {table} order by 1, 2").fetchall())
        for table, names in columns.items()
    }
    raw.close()
    return result


def _shape(raw: sqlite3.Connection) -> dict[str, object]:
    """Return every table and index with its columns, in a fixed order."""
    named = raw.execute("select type, name, tbl_name from sqlite_master where name not like 'sqlite_%'").fetchall()
    return {
        f"{kind} {name}": sorted(str(row[1:]) for row in raw.execute(f"pragma {kind}_xinfo('{name}')"))
        for kind, name, _ in named
        if kind in ("table", "index")
    }
