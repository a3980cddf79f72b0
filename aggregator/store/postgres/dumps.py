"""Dumps of a PostgreSQL database, written and read by PostgreSQL's own `pg_dump` and `pg_restore`.

    write     one snapshot of a database -> a file in the custom format of pg_dump, read back before it gets its name
    read      every row of such a file, counted: a file that is cut off or damaged does not get through
    load      such a file -> an empty database, all or nothing

These programs get the password from the environment: a command line is visible to every user of the machine. They end
with the process that started them, so a backup that is killed leaves no `pg_dump` and no open transaction behind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aggregator.errors import NewerDatabaseError, StoreError, StoreFault
from aggregator.process import die_with_parent
from aggregator.store.postgres import migrations
from aggregator.store.postgres.address import VARIABLE, shown
from aggregator.store.postgres.connection import PostgresConnection, connection_arguments

MAGIC = b"PGDMP"
"""First bytes of a dump in the custom format."""

RowCounts = Mapping[str, int]
"""Rows by table, such as "public.entries"."""

_LEFT_OUT = ("pictures", "sessions", "pollers", "poll_shards")
"""Tables that are dumped without their rows: a cache, and what is valid for running processes and browsers only."""
_OURS = ("migrations", "entries", "sources")
_PACKAGE = "PostgreSQL's client programs (Debian: `apt-get install postgresql-client`)"


def problem(url: str) -> str:
    """Return why the database at *url* cannot be dumped on this machine, "" if it can."""
    try:
        dumper = _program("pg_dump")
        _program("pg_restore")
        _address(url)
        output = subprocess.run([dumper, "--version"], capture_output=True, text=True, check=False).stdout
        with psycopg.connect(url, **connection_arguments("groundswell")) as raw:
            server = raw.info.server_version // 10_000
    except StoreError as error:
        return str(error)
    except psycopg.Error:
        return ""  # it cannot be reached now; whoever uses it says so
    version = re.search(r"\d+", output)
    if version is not None and int(version[0]) < server:
        return f"pg_dump {version[0]} is older than the server, which is PostgreSQL {server}; install version {server}"
    return ""


def write(url: str, target: Path) -> RowCounts:
    """Dump the database at *url* to *target* while others use it; return how many rows it has.

    *target* appears when every row of the snapshot was read back from it, readable by its owner only. StoreError where
    it exists, cannot be written, or lacks a row.
    """
    if target.exists():
        raise StoreError(f"{target} exists; choose another name, or remove it first")
    dumper = _program("pg_dump")
    _program("pg_restore")
    part = target.with_name(f".{target.name}.part")
    try:
        expected = _write(url, dumper, part, target)
        rows = read(part, name=target)
        for table, count in expected.items():
            if rows.get(table) != count:
                raise StoreError(f"the dump {target} has {rows.get(table, 0)} of {count} rows of {table}")
        os.replace(part, target)
    except StoreFault as error:
        raise StoreError(f"cannot write the dump {target}: {error}") from error
    except OSError as error:
        raise StoreError(f"cannot write the dump {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def _write(url: str, dumper: str, part: Path, target: Path) -> RowCounts:
    """Dump to *part*, and return how many rows the snapshot has."""
    database = PostgresConnection.open(url)
    try:
        with database.transaction():
            database.run("set transaction isolation level repeatable read, read only")
            # This session only keeps its snapshot while pg_dump, which shares it, is at work.
            database.run("set local idle_in_transaction_session_timeout = 0")
            schema = database.value("select format('%I', current_schema())")
            left_out = [f"{schema}.{table}" for table in _LEFT_OUT]
            counts = _rows_of(database, left_out)
            options = [f"--exclude-table-data={table}" for table in left_out]
            snapshot = database.value("select pg_export_snapshot()")
            _run(
                url, dumper, "--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=10s",
                f"--snapshot={snapshot}", f"--file={part}", *options, f"--dbname={_address(url)}",
                failed=f"cannot write the dump {target}",
            )  # fmt: skip
    finally:
        database.close()
    return counts


def read(dump: Path, name: Path | None = None) -> RowCounts:
    """Read every row of *dump* and count them.

    name: what errors call the file, if it is to be renamed
    StoreError if it is damaged, or a dump of something else; NewerDatabaseError if this version cannot use it.
    """
    restorer, name = _program("pg_restore"), name or dump
    with dump.open("rb") as file:
        beginning = file.read(16)
    if beginning.startswith(b"SQLite"):
        raise StoreError(
            f"{name} is a backup of a SQLite site; restore it without DATABASE_URL, then copy it here with "
            "`groundswell migrate-to`"
        )
    if not beginning.startswith(MAGIC):
        raise StoreError(f"{name} is not a dump of PostgreSQL in the custom format (`pg_dump --format=custom`)")
    counts: Counter[str] = Counter()
    steps: dict[str, bool] = {}
    table = ""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [restorer, "--data-only", "--file=-", str(dump.absolute())], stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None
        with process.stdout as lines:
            # One row is one line: COPY escapes line breaks within values.
            for line in lines:
                if not table:
                    if line.startswith(b"COPY "):
                        table = line.split(b" ", 2)[1].decode("utf-8", "replace")
                        counts[table] += 0
                elif line == b"\\.\n":
                    table = ""
                else:
                    counts[table] += 1
                    if table.rpartition(".")[2] == "migrations":
                        step, _, only_expands = line.decode("utf-8", "replace").rstrip("\n").split("\t")
                        steps[step] = only_expands == "1"
        if process.wait() or table:
            errors.seek(0)
            raise StoreError(f"{name} is damaged: {_reason(errors.read()) or 'it ends within a table'}")
    if any(rows_of(counts, table) is None for table in _OURS):
        raise StoreError(f"{name} is a dump of another program's database")
    if unknown := migrations.unknown(steps):
        raise NewerDatabaseError(
            f"{name} was written by a newer version of Groundswell (it knows {unknown[-1]}); upgrade the program"
        )
    return counts


def load(url: str, dump: Path) -> None:
    """Load *dump*, which `read` has checked, into the empty database at *url*.

    StoreError if the database is not empty or refuses something: then nothing was changed.
    """
    restorer = _program("pg_restore")
    try:
        with psycopg.connect(url, **connection_arguments("groundswell")) as raw:
            row = raw.execute(
                """select min(schemaname || '.' || tablename) from pg_tables
                where schemaname not in ('pg_catalog', 'information_schema')"""
            ).fetchone()
    except psycopg.ProgrammingError:
        raise StoreError("DATABASE_URL cannot be read") from None
    except psycopg.Error as error:
        raise StoreError(f"cannot use the database at {shown(url)}: {_reason(str(error).encode())}") from error
    if row is not None and row[0] is not None:
        raise StoreError(
            f"the database {shown(url)} is not empty (it has the table {row[0]}), and nothing was changed; make an "
            "empty one with `createdb`, set DATABASE_URL to it, and keep this one until the new one runs"
        )
    _run(
        url, restorer, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
        f"--dbname={_address(url)}", str(dump.absolute()), failed=f"{dump} was not restored",
    )  # fmt: skip
    database = PostgresConnection.open(url)
    try:
        with database.transaction():
            for table in _LEFT_OUT:  # a dump that was made by hand has them
                database.run(f"delete from {table}")
        database.run("analyze")
    finally:
        database.close()


def rows_of(counts: RowCounts, table: str) -> int | None:
    """Return how many rows of *table* a dump has, in whichever schema; None without such a table."""
    return next((rows for name, rows in counts.items() if name.rpartition(".")[2] == table), None)


def _rows_of(database: PostgresConnection, left_out: Collection[str]) -> RowCounts:
    rows = database.rows(
        """select format('%I.%I', schemaname, tablename) from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')"""
    )
    tables = [row[0] for row in rows if row[0] not in left_out]
    return {table: int(database.value(f"select count(*) from {table}")) for table in tables}


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise StoreError(f"{name} is not installed on this machine; install {_PACKAGE}")
    return path


def _address(url: str) -> str:
    """Return *url* without its password, for a command line; StoreError if it contains another secret."""
    parts = conninfo_to_dict(url)
    parts.pop("password", None)
    secrets = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.dispchar == b"*"}
    if hidden := sorted(secrets & parts.keys()):
        raise StoreError(
            f"{VARIABLE} holds `{hidden[0]}`, which pg_dump would show to every user of this machine; put it into "
            f"~/.pg_service.conf, and name that service: {VARIABLE}=postgresql:///?service=NAME"
        )
    same = connection_arguments("groundswell backup")
    options = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    return make_conninfo(**{**{name: same[name] for name in options}, **parts})


def _run(url: str, *command: str, failed: str) -> None:
    environment = dict(os.environ)
    if password := conninfo_to_dict(url).get("password"):
        environment["PGPASSWORD"] = str(password)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        umask=0o077, preexec_fn=die_with_parent, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StoreError(f"{failed}: {_reason(done.stderr) or f'exit code {done.returncode}'}")


def _reason(output: bytes) -> str:
    """Return the first error that a program reported, without its own name."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    errors = [line for line in lines if ": error: " in line] or lines
    return re.sub(r"^pg_\w+: (error: )?", "", errors[0]) if errors else ""
