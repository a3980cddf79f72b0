"""Back up a site whose database is in PostgreSQL into one file, and restore it.

    back_up   database -> one dump, every row of it read back, then by rename
    restore   that dump -> an empty database, which then has the current schema; and feeds.yaml

The last applied feeds.yaml and the models are in the database. `aggregator.site.backup` does the same for SQLite.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from aggregator.errors import StoreError, StoreFault
from aggregator.model import Backups
from aggregator.site.backup import (
    Contents,
    Restored,
    folder_of,
    place_config,
    remove_leftovers,
    rotate,
    scheduled_name,
)
from aggregator.store import Store

ENDING = "dump"


def problem(url: str) -> str:
    """Return why no backup of the database at *url* can be made on this machine, "" if one can."""
    # Imported here, as below: psycopg is an extra.
    from aggregator.store.postgres import dumps

    return dumps.problem(url)


def back_up(url: str, target: Path) -> Contents:
    """Write a backup of the site at *url* to *target* while the site runs, and read it back.

    StoreError if it cannot be written, or lacks a row of the database: then there is no *target*.
    """
    from aggregator.store.postgres import dumps

    return _contents(dumps.write(url, target), target)


def back_up_on_schedule(url: str, feeds: Path, settings: Backups, at: datetime) -> tuple[Path, Contents]:
    """Make a scheduled backup, and remove old ones of this machine; return it.

    StoreError if that fails, or if no folder is set; every older one stays.
    """
    folder = folder_of(feeds, settings)
    remove_leftovers(folder, at)
    target = folder / scheduled_name(at, ENDING)
    contents = back_up(url, target)
    rotate(folder, settings.keep, ENDING)
    return target, contents


def restore(url: str, copy: Path, feeds: Path | None, at: datetime) -> Restored:
    """Put the site in *copy* into the empty database at *url*.

    feeds: where the configuration goes; None leaves it alone
    at:    names what is kept of the feeds.yaml that was there

    StoreError if *copy* is no backup, is damaged or is of a newer version, or if the database is not empty: then
    nothing has changed.
    """
    from aggregator.store.postgres import dumps

    contents = dumps.read(copy)
    dumps.load(url, copy)
    try:
        with Store.connect(url) as store:
            if errors := store.faults():
                raise StoreError(errors[0])
            config = store.config_edits.valid_text()
            has_token = store.sessions.token_digest() is not None
    except StoreFault as error:
        raise StoreError(f"{copy} was restored, and then the connection was lost: {error}") from error
    replaced = [] if feeds is None or config is None else place_config(feeds, config.encode(), at)
    token = (
        "the operator's token is that of the copy; GROUNDSWELL_ADMIN_TOKEN in the environment replaces it, and "
        "`groundswell rotate-token` makes another; whoever was signed in is signed out"
        if has_token
        else "there is no operator's token yet; the first start makes one"
    )
    return Restored(tuple(replaced), _contents(contents, copy).models, feeds is not None and config is not None, token)


def _contents(rows: Mapping[str, int], copy: Path) -> Contents:
    from aggregator.store.postgres.dumps import rows_of

    entries, stories, models, configs = (
        rows_of(rows, table) or 0 for table in ("entries", "stories", "model_files", "config_edits")
    )
    return Contents(entries, stories, models, configs > 0, copy.stat().st_size)
