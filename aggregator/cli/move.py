"""`groundswell move`: a whole site to another machine, over ssh."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from aggregator.cli.options import db_option, existing, feeds_option, progress_bar
from aggregator.cli.source_tables import count
from aggregator.errors import StoreError
from aggregator.site.backup import back_up, token_file, verify
from aggregator.site.database import require_file
from aggregator.store.lock import WorkerLock

_CHUNK_BYTES = 1_000_000
_FILE = "groundswell-move.db"


@click.command()
@click.argument("target")
@click.option("--program", default="groundswell", show_default=True, help="The command that starts the program there.")
@feeds_option
@db_option
def move(target: str, program: str, feeds: Path, db: Path) -> None:
    """Move this site to TARGET (HOST:FOLDER) over ssh.

    Copies database, feeds.yaml, models and the operator's token. Stop the site
    first; the program must be installed on the other machine. Nothing is removed
    from this machine; files that FOLDER already has are kept under other names.

    \b
    Example:
      groundswell move maria@new.example.org:/srv/groundswell
      groundswell move new:site --program /opt/groundswell/.venv/bin/groundswell
    """
    require_file("`groundswell move`", "every machine that DATABASE_URL is set on uses the same database")
    host, folder = _parts(target)
    with (
        WorkerLock(existing(db)),
        tempfile.TemporaryDirectory(prefix=".groundswell-move-", dir=db.absolute().parent) as at,
    ):
        copy = Path(at) / _FILE
        back_up(db, feeds, copy)
        contents = verify(copy)
        prefix = f"cd {shlex.quote(folder)} && umask 077"
        _send(host, f"mkdir -p {shlex.quote(folder)} && {prefix} && cat > {_FILE}", copy)
        output = _ssh(host, f"{prefix} && {shlex.quote(program)} restore {_FILE} && rm {_FILE}")
    click.echo(output.rstrip())
    sizes = [count(contents.entries, "entry", "entries"), count(contents.stories, "story", "stories")]
    click.echo(
        f"moved to {target}: {', '.join(sizes)}; start it there with `{program} run`, and leave this one stopped"
    )
    if (secret := token_file(db)).exists():
        click.echo(f"the operator's token stays the same; only this machine has it in a file: {secret}")


def _parts(target: str) -> tuple[str, str]:
    host, colon, folder = target.partition(":")
    if not colon or not host or not folder or host.startswith("-"):
        raise click.BadParameter(
            "write HOST:FOLDER, such as maria@new.example.org:/srv/groundswell", param_hint="TARGET"
        )
    if shutil.which("ssh") is None:
        raise StoreError(
            "there is no ssh on this machine; use `groundswell backup FILE`, copy it, and `groundswell restore`"
        )
    # Quoted, the other machine's shell leaves a tilde as it is; ssh begins in the home folder anyway.
    return host, folder.removeprefix("~/") or "."


def _ssh(host: str, command: str) -> str:
    done = subprocess.run(["ssh", "--", host, command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StoreError(f"`{command}` failed on {host} (exit code {done.returncode}); nothing has changed here")
    return done.stdout


def _send(host: str, command: str, file: Path) -> None:
    """Run *command* on *host* with *file* as its input."""
    process = subprocess.Popen(["ssh", "--", host, command], stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        with progress_bar("sending, MB") as bar, file.open("rb") as data, process.stdin:
            task = bar.add_task("", total=max(1, file.stat().st_size // _CHUNK_BYTES))
            while chunk := data.read(_CHUNK_BYTES):
                process.stdin.write(chunk)
                bar.advance(task)
    except BrokenPipeError:
        pass  # the exit code says why
    finally:
        code = process.wait()
    if code:
        raise StoreError(f"{host} could not receive the site (exit code {code}); nothing has changed here")
