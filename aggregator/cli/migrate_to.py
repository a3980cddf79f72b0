"""`groundswell migrate-to`: copy a site from SQLite to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.options import db_option, progress_bar
from aggregator.cli.source_tables import count
from aggregator.errors import StoreError, StoreFault
from aggregator.store.lock import WorkerLock

_AGAIN = "run the same command again: it continues where it stopped"


@click.command("migrate-to")
@click.argument("url", metavar="[URL]", envvar="DATABASE_URL")
@db_option
def migrate_to(url: str, db: Path) -> None:
    """Copy the SQLite database into the PostgreSQL database at URL, and compare every row.

    URL names an empty database; without it, DATABASE_URL does. A password may come
    from PGPASSWORD or ~/.pgpass. Stop worker and site first.
    If interrupted, run the same command again to continue. The SQLite database
    is not changed.

    Entries, stories, scores, decisions, votes, sessions, model files and pictures
    are copied. The operator's token stays valid. feeds.yaml stays a file.

    \b
    Example:
      groundswell migrate-to postgresql://groundswell@localhost/news
      DATABASE_URL=postgresql://groundswell@localhost/news groundswell migrate-to
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise click.BadParameter("write postgresql://USER@HOST/DATABASE", param_hint="URL")
    if not db.exists():
        raise StoreError(f"there is no SQLite database {db}; name the one to copy with --db")
    # Imported here: psycopg is an extra.
    try:
        from aggregator.store.transfer.to_postgres import transfer
    except ImportError as error:
        raise StoreError(
            f"psycopg is not installed ({error}); `pip install 'groundswell[postgres]'` installs it"
        ) from None
    try:
        with WorkerLock(db), progress_bar("") as bar:
            task = bar.add_task("rows", total=None)

            def progress(name: str, done: int, total: int) -> None:
                bar.update(task, completed=done, total=total, description=f"rows, {name.lower()}")

            done = transfer(db, url, progress)
    except StoreFault as error:
        raise StoreError(f"the transfer stopped: {error}; {_AGAIN}") from error
    except KeyboardInterrupt:
        raise StoreError(f"the transfer was interrupted; {_AGAIN}") from None
    parts = [
        count(done.rows["entries"], "entry", "entries"),
        count(done.rows["stories"], "story", "stories"),
        count(sum(done.rows.values()), "row") + f" of {len(done.rows)} tables",
    ]
    click.echo(f"{db} is in {done.target}, every row compared: {', '.join(parts)}")
    click.echo(f"{count(done.models, 'model file')} and {count(done.pictures, 'picture')} were copied")
    if done.replaced:
        click.echo(
            f"{count(done.replaced, 'row')} contained NUL, which PostgreSQL does not store; it was replaced with U+FFFD"
        )
    click.echo("Start worker and site with DATABASE_URL set to that address. Keep this file until you are sure.")
