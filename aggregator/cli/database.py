"""Commands on the database: check, export, back up, restore, prune."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from aggregator.cli.options import Front, db_option, existing, feeds_option, open_output
from aggregator.cli.source_tables import (
    count,
    iso,
)
from aggregator.config import load_config
from aggregator.errors import ConfigError, StoreError
from aggregator.model import Config, Entry
from aggregator.site import database as site_database
from aggregator.site import last_backup, server_backup
from aggregator.site.backup import back_up, back_up_on_schedule
from aggregator.site.backup import restore as restore_backup
from aggregator.site.backup import verify as verify_backup
from aggregator.site.database import open_as_only_writer, open_store
from aggregator.site.disk_use import disk_use
from aggregator.site.disk_use import summary as disk_summary
from aggregator.store import Store, StoreFault
from aggregator.store.lock import WorkerLock
from aggregator.store.postgres.address import database_url
from aggregator.text.wording import size

_CLOCK_TOLERANCE = timedelta(minutes=5)


@click.command()
@feeds_option
@db_option
@click.pass_obj
def check(front: Front, feeds: Path, db: Path) -> None:
    """Check feeds.yaml and the database; exit with code 1 if something needs fixing.

    \b
    Example:
      groundswell check
    """
    errors: list[str] = []
    keep: timedelta | None = None
    try:
        config = load_config(feeds, env=front.env)
        keep = config.retention.entries
        sizes = count(len(config.sources), "source"), count(len(config.categories), "category", "categories")
        click.echo(f"{feeds}: {sizes[0]} in {sizes[1]}, no errors")
        url = database_url()
        if config.backup.folder and url and (lacking := server_backup.problem(url)):
            errors.append(f"{feeds}: `backup`: {lacking}")
    except ConfigError as error:
        errors += str(error).splitlines()
    name = site_database.shown_name(db)
    if site_database.exists(db):
        try:
            with open_store(db) as store:
                damage = store.faults()
                errors += [f"{name}: {problem}" for problem in damage]
                watermark = store.progress.watermark()
                if watermark is not None and watermark > front.clock() + _CLOCK_TOLERANCE:
                    errors.append(
                        f"{name}: entries arrived up to {watermark:%Y-%m-%d %H:%M} UTC, later than now by this"
                        " machine's clock; if it is right, stop the site and run `groundswell update --date-back`"
                    )
                if last := last_backup.last_backup(store):
                    click.echo(f"last backup: {last_backup.summary(last)}")
                if meaning := store.state.get("meaning_message"):
                    click.echo(f"meaning: {meaning}")
                if not damage:
                    click.echo(f"{name}: {store.entries.count()} entries, {store.stories.count()} stories, no errors")
                    click.echo(f"disk: {disk_summary(disk_use(store, db, keep, front.clock()))}")
        except (StoreError, StoreFault) as error:
            errors.append(str(error))
    else:
        click.echo(f"{db}: does not exist yet; the first run creates it")
    for line in errors:
        click.echo(line, err=True)
    if errors:
        raise SystemExit(1)


@click.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--embeddings/--no-embeddings", default=True, help="Whether to include the embedding of each entry.")
@db_option
def export(target: Path | None, embeddings: bool, db: Path) -> None:
    """Write every entry as JSON Lines in order of arrival, to TARGET or stdout.

    `groundswell replay` reads what this writes. With embeddings it gives the stories of this site; without, it
    encodes the entries itself.

    \b
    Example:
      groundswell export entries.jsonl
    """
    with open_store(existing(db)) as store, open_output(target, like=db) as out:
        for entry in store.entries.each():
            out.write(json.dumps(stream_line(entry, embeddings), ensure_ascii=False) + "\n")


def stream_line(entry: Entry, embeddings: bool = True) -> dict[str, Any]:
    """Return *entry* as a line of a recorded stream.

    embeddings: whether to say with which embedding it was placed; `encoder` is "" if it had none
    """
    line: dict[str, Any] = {
        "id": str(entry.entry_id),
        "title": entry.title,
        "summary": entry.summary,
        "url": entry.link,
        "source": entry.source_id,
        "first_seen": iso(entry.first_seen_at),
    }
    if entry.published_at:
        line["published"] = iso(entry.published_at)
    if entry.language:
        line["lang"] = entry.language
    if entry.content:
        line["content"] = entry.content
    if embeddings:
        line["encoder"] = entry.embedding.encoder if entry.embedding else ""
        if entry.embedding:
            line["embedding"] = b64encode(entry.embedding.values).decode()
    return line


@click.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--verify", is_flag=True, help="Restore the backup into a temporary folder and check it.")
@feeds_option
@db_option
@click.pass_obj
def backup(front: Front, target: Path | None, verify: bool, feeds: Path, db: Path) -> None:
    """Back up database, feeds.yaml and models into one file, TARGET, while the site runs.

    Without TARGET, make the backup that `backup:` in feeds.yaml describes: write
    it into that folder, verify it, and remove the oldest one.

    TARGET includes feeds.yaml with any passwords in it. Only you can read the file.
    Pictures are not included; they are fetched again.

    With PostgreSQL, TARGET is a dump of the database in the custom format of pg_dump,
    which must be installed. Each row of it is read back in any case.

    \b
    Example:
      groundswell backup monday.db
      groundswell backup --verify monday.db
      groundswell backup
    """
    url = database_url()
    existing(db)
    settings = None if target else load_config(feeds, env=front.env).backup
    if url and target:
        contents = server_backup.back_up(url, target)
    elif url and settings:
        target, contents = server_backup.back_up_on_schedule(url, feeds, settings, front.clock())
    elif settings:
        target, contents = back_up_on_schedule(db, feeds, settings, front.clock())
    else:
        assert target is not None
        back_up(db, feeds, target)
        if not verify:
            click.echo(f"{target}: {size(target.stat().st_size)}")
            return
        contents = verify_backup(target)
    if settings:
        with open_store(db) as store:
            last_backup.note_made(store, target, contents)
    click.echo(last_backup.made_message(target, contents))


@click.command()
@click.argument("copy", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--database-only", is_flag=True, help="Restore the database only; keep feeds.yaml.")
@feeds_option
@db_option
@click.pass_obj
def restore(front: Front, copy: Path, database_only: bool, feeds: Path, db: Path) -> None:
    """Replace this site with the backup COPY; the replaced files are kept.

    Stop the worker first. The current database may be damaged. COPY is not changed.

    With PostgreSQL, make an empty database, and set DATABASE_URL to it: COPY is
    restored there, all or nothing, and the database that was used so far stays.

    \b
    Example:
      groundswell restore monday.db
    """
    if not copy.is_file():  # reading a pipe could wait for ever
        raise StoreError(f"{copy} is a pipe or a device and was not restored")
    config_file = None if database_only else feeds
    if url := database_url():
        done = server_backup.restore(url, copy, config_file, front.clock())
    else:
        with WorkerLock(db):
            done = restore_backup(copy, db, config_file, front.clock())
    for path in done.replaced:
        click.echo(f"the previous version is kept as {path}")
    parts = [
        site_database.shown_name(db),
        *[str(feeds)] * done.has_config,
        *[count(done.models, "model file")] * bool(done.models),
    ]
    click.echo(f"restored from {copy}: {', '.join(parts)}")
    click.echo(done.token)


@click.command()
@feeds_option
@db_option
@click.option("--compact", is_flag=True, help="Also return free space of the database file to the disk.")
@click.pass_obj
def prune(front: Front, feeds: Path, db: Path, compact: bool) -> None:
    """Delete entries and polls that are older than `retention:` in feeds.yaml.

    \b
    Example:
      groundswell prune
      groundswell prune --compact
    """
    if compact:
        site_database.require_file("--compact", "autovacuum gives free space in tables to new rows")
    config = load_config(feeds, env=front.env)
    with open_as_only_writer(existing(db)) as store:
        polls, entries = prune_store(store, config, front.clock())
        click.echo(f"deleted {polls} polls and {entries} entries")
        if compact:
            before = disk_use(store, db, config.retention.entries, front.clock())
            _require_space(before.database - before.reclaimable, before.free, db)
            store.compact()
            after = disk_use(store, db, config.retention.entries, front.clock())
            click.echo(f"returned {size(max(before.database - after.database, 0))} to the disk")


def _require_space(needed: int, free: int | None, db: Path) -> None:
    if free is not None and needed > free:
        raise StoreError(f"compacting {db} needs {size(needed)} of free disk, and {size(free)} are free")


MIN_FREE_SHARE = 0.25
MIN_FREE_BYTES = 20_000_000
MAX_COMPACTED_BYTES = 2_000_000_000
"""The worker compacts a file of which a quarter is free; a larger one would keep it from polling for too long."""


def compact_if_worthwhile(store: Store, db: Path, now: datetime) -> int:
    """Compact the database if much of it is free; return how many bytes were returned to the disk."""
    use = disk_use(store, db, None, now)
    worthwhile = use.reclaimable >= max(MIN_FREE_BYTES, MIN_FREE_SHARE * use.database)
    if not worthwhile or use.free is None:
        return 0
    if use.database > MAX_COMPACTED_BYTES or use.database - use.reclaimable > use.free:
        return 0
    store.compact()
    return use.reclaimable


FALLEN_TOPICS = timedelta(days=30)
"""How long the address of a topic works after it has stopped rising."""


def prune_store(store: Store, config: Config, now: datetime) -> tuple[int, int]:
    """Forget what *config* no longer keeps; return how many polls and entries went."""
    keep = config.retention
    with store.transaction():
        polls = store.feeds.prune_polls(now - keep.polls)
        entries = store.entries.prune(now - keep.entries) if keep.entries else 0
        store.front_pages.thin(now, None if keep.entries is None else now - keep.entries)
        store.topics.forget(now - FALLEN_TOPICS)
        if entries:
            store.stories.forget_pruned()
            store.summaries.forget()
            store.state.next_edition()
    return polls, entries
