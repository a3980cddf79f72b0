"""A PostgreSQL cluster for tests: created by `initdb` as an ordinary user, on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from aggregator.store import Store

_ADMIN, _USER = "postgres", "groundswell"
"""The site's user owns its databases and may do no more, as docs/postgresql.md says."""
_MEMORY = Path("/dev/shm")
_MIN_FREE_BYTES = 4_000_000_000
"""A cluster of the whole suite has less than a gigabyte; Docker gives 64 MB by default."""
_EMPTY = """
    set session_replication_role = replica;
    do $$ declare item record; begin
        for item in select schemaname, tablename from pg_tables
            where schemaname in ('public', 'jobs') and tablename != 'migrations' loop
            execute format('delete from %I.%I', item.schemaname, item.tablename);
        end loop;
        for item in select schemaname, sequencename from pg_sequences where last_value is not null loop
            perform setval(format('%I.%I', item.schemaname, item.sequencename)::regclass, 1, false);
        end loop;
    end $$
"""
"""Far cheaper than `truncate`, which makes every file of every table and index anew."""


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None if it is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    # Other installations than Debian's packages.
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Cluster:
    """A running server; `url` names a new, empty database on it."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._folder = folder
        self._bin = bin_folder
        self._data = folder / "data"
        self._count = 0
        self._emptied: set[int] = set()
        self._server: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make the cluster."""
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", _ADMIN, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def make_user(self) -> None:
        """Make the user of the site, once the cluster is started."""
        self._run("createuser", "-h", str(self._folder), "-U", _ADMIN, _USER)

    def make_replica(self, of: Cluster) -> None:
        """Copy a running cluster; once started, the copy follows it and is read-only."""
        self._user = of._user
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        of_cluster = ("-h", str(of._folder), "-U", _ADMIN)
        self._run("pg_basebackup", *of_cluster, "-D", str(self._data), "-R", "-c", "fast", "--no-sync")

    def same_database(self, url: str, of: Cluster) -> str:
        """Return the URL on this cluster for a database URL of another cluster."""
        return url.replace(quote(str(of._folder), safe=""), quote(str(self._folder), safe=""))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",  # the machine keeps running when a test kills the server
            "max_connections": "60",
            "shared_buffers": "64MB",
            "full_page_writes": "off",
            "max_wal_size": "256MB",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            # The server ends with the tests, however they end.
            self._command("postgres", "-D", str(self._data), *settings, ends_with_us=True),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while subprocess.run(
            [self._bin / "pg_isready", "-q", "-h", str(self._folder), "-U", _ADMIN], check=False
        ).returncode:
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)

    @property
    def process(self) -> int:
        """The PostgreSQL process that starts the others."""
        assert self._server is not None
        return self._server.pid

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server immediately, rolling back open transactions; *crash*: as after a power cut."""
        if self._server is None:
            return
        # The postmaster's own process: under root it is a child of setpriv, which became it.
        self._server.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        self._server.wait(timeout=60)
        self._server = None

    def restart(self, *, crash: bool = False) -> None:
        """Stop and start again."""
        self.stop(crash=crash)
        self.start()

    def new_database(self, name: str = "") -> str:
        """Create an empty database with a unique name, and return its URL."""
        self._count += 1
        name = name or f"site{self._count}"
        self._create(name)
        return self._url(name)

    def emptied_database(self, number: int = 0) -> str:
        """Return the URL of a database with empty tables: always the same one, so that many tests can use it."""
        url = self._url(f"emptied{number}")
        if number not in self._emptied:
            self._emptied.add(number)
            self._create(f"emptied{number}")
            Store.connect(url).close()
        import psycopg

        with psycopg.connect(self._url(f"emptied{number}", _ADMIN)) as raw:
            raw.execute(_EMPTY)
        return url

    def _create(self, name: str) -> None:
        self._run("createdb", "-h", str(self._folder), "-U", _ADMIN, "--owner", _USER, name)

    def _url(self, name: str, user: str = _USER) -> str:
        return f"postgresql://{user}@/{name}?host={quote(str(self._folder), safe='')}"

    def _command(self, program: str, *arguments: str, ends_with_us: bool = False) -> list[str]:
        command = [str(self._bin / program), *arguments]
        options = ["--pdeathsig=INT"] if ends_with_us else []
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            options += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        return ["setpriv", *options, "--", *command] if options else command

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), cwd=self._folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


@contextmanager
def running_cluster(bin_folder: Path, replica_of: Cluster | None = None) -> Iterator[Cluster]:
    """Run a cluster, or a replica of another one, for the duration of the block."""
    # A short path, because it becomes that of a socket. In memory, creating and removing files costs almost nothing.
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MIN_FREE_BYTES
    place = _MEMORY if in_memory else Path("/tmp")
    _remove_leftovers(place)
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=place))
    cluster = Cluster(folder, bin_folder)
    try:
        if replica_of is None:
            cluster.make()
        else:
            cluster.make_replica(replica_of)
        cluster.start()
        if replica_of is None:
            cluster.make_user()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(place: Path) -> None:
    """Remove the clusters of tests that were killed an hour or longer ago: their servers ended, their files stayed."""
    for folder in place.glob("pg-*"):
        with suppress(OSError, ValueError):
            if time.time() - folder.stat().st_mtime < 3600:
                continue
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), 0)
                continue
            shutil.rmtree(folder, ignore_errors=True)


def why_not() -> str:
    """Return why no cluster can be created on this machine, or ""."""
    if binaries() is None:
        return "PostgreSQL is not installed"
    if shutil.which("setpriv") is None:
        return "setpriv (util-linux) is not installed"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return ""


__all__: Sequence[str] = ("Cluster", "binaries", "running_cluster", "why_not")
