"""The commands that speak of sources, entries and the database.

Knows how a command reads and prints. What it does is a call into the modules
beside it; the clock comes in with the `Front`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aggregator.backup import back_up
from aggregator.backup import restore as restore_backup
from aggregator.backup import verify as verify_backup
from aggregator.cli.source_tables import (
    count,
    found_line,
    found_row,
    health_row,
    host_row,
    import_lines,
    iso,
    polled_row,
    polled_words,
    source_lines,
    source_table,
)
from aggregator.config import LARGEST_FILE, load_config, parse_config, read_config
from aggregator.config.file import keep_copy, save_config
from aggregator.config.values import feed_key
from aggregator.config.watcher import ConfigWatch
from aggregator.config.yaml_edit import without_source
from aggregator.discovery import add_sources
from aggregator.discovery.find_feeds import Search, find
from aggregator.discovery.opml import MOST_BYTES, MOST_FEEDS, Subscription
from aggregator.discovery.opml import read as read_opml
from aggregator.discovery.opml import write as write_opml
from aggregator.errors import ConfigError, StoreError
from aggregator.fetch import Client, user_agent
from aggregator.model import Clock, Config, Entry, FeedState, Limits, Source, SourceHealth
from aggregator.parse.pool import ParserPool
from aggregator.polling import source_health
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store
from aggregator.store.lock import WorkerLock
from aggregator.text.urls import host, safe_link, shown

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Front:
    """What the front door hands to every command."""

    clock: Clock
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def feeds_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--feeds FILE`."""
    return click.option(
        "--feeds",
        type=click.Path(path_type=Path),
        default=Path("feeds.yaml"),
        envvar="GROUNDSWELL_FEEDS",
        show_default=True,
        help="The configuration.",
    )(command)


def db_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--db FILE`."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path),
        default=Path("groundswell.db"),
        envvar="GROUNDSWELL_DB",
        show_default=True,
        help="The database.",
    )(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def existing(db: Path) -> Path:
    """Return *db*; StoreError when there is no such database yet."""
    if not db.exists():
        raise StoreError(f"there is no database {db} yet; `groundswell run` or `groundswell poll` makes it")
    return db


def progress_bar(what: str) -> Progress:
    """Return a progress bar on stderr, which vanishes when it is done and where nobody watches."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
    )


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Ask every source once, also those not due yet; but none that is gone or asked us to wait.",
)
@click.option("--source", "only", metavar="ID", multiple=True, help="Ask just this source, now. May be repeated.")
@feeds_option
@db_option
@json_option
@click.pass_obj
def poll(front: Front, once: bool, only: tuple[str, ...], feeds: Path, db: Path, as_json: bool) -> None:
    """Ask the sources that are due for news, and stop.

    \b
    Example:
      groundswell poll --once
      groundswell poll --source techcrunch_ai
    """
    with WorkerLock(db), Store.open(db) as store:
        config = ConfigWatch(feeds, store, front.env).start(front.clock())
        for source_id in only:
            if not _known(config, source_id, feeds).enabled:
                raise ConfigError(f"{source_id} is paused in {feeds}: `enabled: false` has to go first")
        chosen: list[str] | None = list(only) or None
        if once and not only:
            askable = store.feeds.askable(front.clock())
            chosen = [source.id for source in config.sources if source.enabled and source.id in askable]
        results = asyncio.run(_poll(front, config, store, chosen))
    failed = [polled for polled in results if not polled.ok]
    if as_json:
        click.echo(json.dumps([polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
    else:
        for polled in failed:
            click.echo(f"{polled.source_id}: {polled.state.last_words}", err=True)
        click.echo(polled_words(results))
    if results and len(failed) == len(results):
        raise SystemExit(1)


def _known(config: Config, source_id: str, feeds: Path) -> Source:
    source = config.source(source_id)
    if source is None:
        raise ConfigError(f"there is no source {source_id!r} in {feeds}; `groundswell sources list` shows them")
    return source


@contextmanager
def _told_once() -> Iterator[None]:
    """Keep the log from telling of each failure: the command itself does."""
    log = logging.getLogger("aggregator.polling.poller")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


async def _poll(front: Front, config: Config, store: Store, chosen: list[str] | None) -> list[Polled]:
    results: list[Polled] = []
    total = len(chosen) if chosen is not None else len(store.feeds.due(front.clock(), limit=1_000_000))
    with progress_bar("Polling") as bar, _told_once():
        task = bar.add_task("", total=total)

        def finished(polled: Polled) -> None:
            results.append(polled)
            bar.update(task, advance=1, description=polled.source_id)

        async with Poller(config, store=store, clock=front.clock, rng=random.Random(0), finished=finished) as poller:
            await poller.poll_now(chosen)
    return results


@click.group()
def sources() -> None:
    """Look at the sources and how they answer."""


@sources.command("list")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--state", type=click.Choice(source_health.STATES), help="Only those in this state; silent: answers, but overdue."
)
@feeds_option
@db_option
@json_option
@click.pass_obj
def list_sources(front: Front, ids: tuple[str, ...], state: str | None, feeds: Path, db: Path, as_json: bool) -> None:
    """Show every source: what happened last, and when it is asked next. With an ID, all there is to say of it.

    \b
    Example:
      groundswell sources list
      groundswell sources list --state failing
      groundswell sources list techcrunch_ai
      groundswell sources list --json
    """
    config, now = load_config(feeds, env=front.env), front.clock()
    rows: list[SourceHealth] = []
    hosts: dict[str, dict[str, Any]] = {}
    if db.exists():
        with Store.open(db) as store:
            rows = store.feeds.health(now, config.sources)
            hosts = {ledger.host: host_row(ledger) for ledger in store.standings.hosts()}
    known = {row.source.id for row in rows}
    rows += [SourceHealth(one, FeedState(one.id, one.url), 0, 0, 0) for one in config.sources if one.id not in known]
    for source_id in ids:
        if source_id not in known:
            _known(config, source_id, feeds)
    rows = [row for row in rows if not ids or row.source.id in ids]
    rows = [row for row in rows if state is None or source_health.state_of(row, now) == state]
    if as_json:
        told = [health_row(row, now) | {"host": hosts.get(host(row.state.url))} for row in rows]
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    elif ids:
        click.echo("\n\n".join("\n".join(source_lines(row, now)) for row in rows))
    elif rows:
        # Whoever reads through a pipe wants ids in one piece.
        Console(width=None if sys.stdout.isatty() else 200).print(source_table(rows, now))
    else:
        none = "there is no source yet; `groundswell sources add ADDRESS` finds the feeds of any page"
        click.echo(f"{feeds}: {f'no source is {state}' if state else none}")


@sources.command("check")
@feeds_option
@db_option
@json_option
@click.pass_obj
def check_sources(front: Front, feeds: Path, db: Path, as_json: bool) -> None:
    """Ask every source once into a database that is thrown away; exit 1 when one fails.

    \b
    Example:
      groundswell sources check
    """
    config = load_config(feeds, env=front.env)
    with Store.open(":memory:") as store:
        store.feeds.sync(config.sources, front.clock())
        results = asyncio.run(_poll(front, config, store, [source.id for source in config.sources]))
    results.sort(key=lambda polled: (polled.ok, polled.source_id))
    if as_json:
        click.echo(json.dumps([polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
    else:
        for polled in results:
            click.echo(f"{'ok    ' if polled.ok else 'FAILED'}  {polled.source_id}: {polled.state.last_words}")
    if not all(polled.ok for polled in results):
        raise SystemExit(1)


@sources.command("add")
@click.argument("address")
@click.option("--pick", type=click.IntRange(min=1), help="Which of several feeds; the first otherwise.")
@click.option("--category", help="Id or name of its category; a new one is added.")
@click.option("--name", help="What readers see; the feed's own title otherwise.")
@click.option("--dry-run", is_flag=True, help="Only show what is found.")
@feeds_option
@json_option
@click.pass_obj
def add_source(
    front: Front,
    address: str,
    pick: int | None,
    category: str | None,
    name: str | None,
    dry_run: bool,
    feeds: Path,
    as_json: bool,
) -> None:
    """Find the feeds of any page, and add one to feeds.yaml; its comments and order stay.

    \b
    Example:
      groundswell sources add https://simonwillison.net
      groundswell sources add https://www.youtube.com/@someone --category models
    """
    text, config = _editable(front, feeds)
    url = safe_link(address if "://" in address else f"https://{address}")
    if not url:
        raise ConfigError(f"{address!r:.200} is no web address; expected one like https://example.com/blog")
    found = asyncio.run(_find(front, config, url))
    if not found.feeds:
        raise ConfigError(found.words)
    if pick is not None and pick > len(found.feeds):
        raise ConfigError(f"there are {len(found.feeds)} feeds, so --pick is at most {len(found.feeds)}")
    chosen = found.feeds[(pick or 1) - 1]
    change = add_sources.added(text, config, [Subscription(chosen.url, name or chosen.title, category or "")])
    if not dry_run:
        _apply(front, feeds, change.text)
    if as_json:
        told = {
            "found": [found_row(feed) for feed in found.feeds],
            "added": [] if dry_run else list(change.ids),
            "known": list(change.known),
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    ids = add_sources.ids(config)
    for number, feed in enumerate(found.feeds, start=1):
        click.echo(found_line(number, feed, ids.get(feed_key(feed.url), "")))
    if change.known:
        click.echo(f"{shown(chosen.url)} stands in {feeds} already, as {ids[feed_key(chosen.url)]}")
    elif dry_run:
        click.echo(f"number {pick or 1} would be added as {change.ids[0]} to {feeds}; nothing was changed")
    else:
        click.echo(f"added as {change.ids[0]} to {feeds}; a running worker asks it within seconds")
    if len(found.feeds) > 1 and pick is None:
        click.echo(f"--pick 2 takes another of the {len(found.feeds)}")


async def _find(front: Front, config: Config | None, url: str) -> Search:
    limits = config.limits if config else Limits()
    agent = user_agent(config.site.url) if config else ""
    async with Client(limits) as client, ParserPool() as parser:
        return await find(url, client=client, parser=parser, limits=limits, now=front.clock(), user_agent=agent)


@sources.command("remove")
@click.argument("source_id", metavar="ID")
@feeds_option
@click.pass_obj
def remove_source(front: Front, source_id: str, feeds: Path) -> None:
    """Take a source out of feeds.yaml; what it published stays.

    \b
    Example:
      groundswell sources remove techcrunch_ai
    """
    text = read_config(feeds)
    try:
        after = without_source(text, source_id)
    except ConfigError as fault:
        raise ConfigError(f"{feeds}: {fault}") from None
    copy = keep_copy(feeds)
    _apply(front, feeds, after)
    click.echo(f"{source_id} is no longer in {feeds}; what it published stays.{_copy_note(copy)}")


def _editable(front: Front, feeds: Path) -> tuple[str, Config | None]:
    """Return the text of feeds.yaml and what it says; "" and None where it is not there yet."""
    if not feeds.exists():
        return "", None
    text = read_config(feeds)
    return text, parse_config(text, name=str(feeds), env=front.env)


def _copy_note(copy: Path | None) -> str:
    return f" {copy} is the file as it was" if copy else " No copy of the file as it was could be made beside it"


def _apply(front: Front, feeds: Path, text: str) -> None:
    """Save *text* as feeds.yaml once it is sure that it stands."""
    parse_config(text, name=str(feeds), env=front.env)
    save_config(feeds, text)


@click.group()
def opml() -> None:
    """Exchange lists of feeds with other programs."""


@opml.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--large", is_flag=True, help="Take files of more than 1 MB or 1,000 feeds.")
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@feeds_option
@json_option
@click.pass_obj
def import_opml(front: Front, file: Path, large: bool, dry_run: bool, feeds: Path, as_json: bool) -> None:
    """Add the feeds of an OPML file to feeds.yaml; its folders become categories.

    \b
    Example:
      groundswell opml import subscriptions.opml
    """
    limits = (LARGEST_FILE * 4, 20_000) if large else (MOST_BYTES, MOST_FEEDS)
    found = read_opml(file.read_bytes(), *limits)
    text, config = _editable(front, feeds)
    change = add_sources.added(text, config, found.feeds)
    copy = None
    if change.ids and not dry_run:
        copy = keep_copy(feeds) if feeds.exists() else None
        _apply(front, feeds, change.text)
    if as_json:
        told = {
            "feeds": len(found.feeds),
            "added": list(change.ids),
            "known": [shown(url) for url in change.known],
            "categories": list(change.categories),
            "notes": list(found.notes),
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for note in found.notes:
        click.echo(f"{file}: {note}", err=True)
    if dry_run:
        for line in import_lines(found.feeds, change, add_sources.ids(config)):
            click.echo(line)
    would = "would be added" if dry_run else "added"
    click.echo(
        f"{file}: {count(len(found.feeds), 'feed')}, {len(change.ids):,} {would} to {feeds}, {len(change.known):,} "
        f"there already or twice; {count(len(change.categories), 'new category', 'new categories')}"
    )
    if copy:
        click.echo(_copy_note(copy).strip())


@opml.command("export")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@feeds_option
@click.pass_obj
def export_opml(front: Front, target: Path | None, feeds: Path) -> None:
    """Write the sources as OPML 2.0 to TARGET or stdout, a folder a category.

    \b
    Example:
      groundswell opml export sources.opml
    """
    config = load_config(feeds, env=front.env)
    folders = [
        (
            category.name,
            [Subscription(one.url, one.name, category.name) for one in config.sources if one.category == category.id],
        )
        for category in config.categories
    ]
    with _output(target, like=feeds) as out:
        out.write(write_opml(config.site.title, [(name, held) for name, held in folders if held]))


@click.command()
@feeds_option
@db_option
@click.pass_obj
def check(front: Front, feeds: Path, db: Path) -> None:
    """Check feeds.yaml and the database; exit 1 with what to mend.

    \b
    Example:
      groundswell check
    """
    faults: list[str] = []
    try:
        config = load_config(feeds, env=front.env)
        told = count(len(config.sources), "source"), count(len(config.categories), "category", "categories")
        click.echo(f"{feeds}: {told[0]} in {told[1]}, no fault")
    except ConfigError as fault:
        faults += str(fault).splitlines()
    if db.exists():
        try:
            with Store.open(db) as store:
                found = store.faults()
                faults += [f"{db}: {fault}" for fault in found]
                if not found:
                    click.echo(f"{db}: {store.entries.count()} entries, {store.stories.count()} stories, no fault")
        except StoreError as fault:
            faults.append(str(fault))
    else:
        click.echo(f"{db}: not there yet; the first run makes it")
    for line in faults:
        click.echo(line, err=True)
    if faults:
        raise SystemExit(1)


@click.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@db_option
def export(target: Path | None, db: Path) -> None:
    """Write every entry as JSON Lines in order of arrival, to TARGET or stdout.

    `groundswell replay` reads what this writes.

    \b
    Example:
      groundswell export entries.jsonl
    """
    with Store.open(existing(db)) as store, _output(target, like=db) as out:
        for entry in store.entries.each():
            out.write(json.dumps(stream_line(entry), ensure_ascii=False) + "\n")


@contextmanager
def _output(target: Path | None, like: Path) -> Iterator[IO[str]]:
    """Open *target*, or stdout; a new file is readable by nobody who cannot read *like*."""
    if target is None:
        yield sys.stdout
        return
    mode = like.stat().st_mode & 0o666
    with open(target, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, mode)) as out:
        yield out


def stream_line(entry: Entry) -> dict[str, Any]:
    """Return *entry* as a line of a recorded stream."""
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
    return line


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Restore it into a folder that is thrown away, and check it there.")
@feeds_option
@db_option
def backup(target: Path, verify: bool, feeds: Path, db: Path) -> None:
    """Copy database, feeds.yaml and models into one file, TARGET, while the program runs.

    TARGET holds what feeds.yaml holds, passwords too, and only you can read it.
    Pictures are left out: they are fetched again.

    \b
    Example:
      groundswell backup monday.db
      groundswell backup --verify monday.db
    """
    back_up(existing(db), feeds, target)
    size = f"{target.stat().st_size / 1e6:.1f} MB"
    if not verify:
        click.echo(f"{target}: {size}")
        return
    contents = verify_backup(target)
    parts = [count(contents.entries, "entry", "entries"), count(contents.stories, "story", "stories")]
    parts += ["feeds.yaml"] * contents.has_config + [count(contents.models, "model file")] * bool(contents.models)
    click.echo(f"{target}: {size}, restored and checked: {', '.join(parts)}")


@click.command()
@click.argument("copy", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--database-only", is_flag=True, help="Leave feeds.yaml as it is.")
@feeds_option
@db_option
@click.pass_obj
def restore(front: Front, copy: Path, database_only: bool, feeds: Path, db: Path) -> None:
    """Put the site in COPY, a backup, in the place of the one here; what was here is kept.

    The database that is here need not open. COPY is only read. Stop the worker first.

    \b
    Example:
      groundswell restore monday.db
    """
    with WorkerLock(db):
        done = restore_backup(copy, db, None if database_only else feeds, front.clock())
    for path in done.kept:
        click.echo(f"what was there is kept as {path}")
    parts = [str(db), *[str(feeds)] * done.has_config, *[count(done.models, "model file")] * bool(done.models)]
    click.echo(f"restored from {copy}: {', '.join(parts)}")
    click.echo(done.token)


@click.command()
@feeds_option
@db_option
@click.pass_obj
def prune(front: Front, feeds: Path, db: Path) -> None:
    """Forget what `retention:` in feeds.yaml no longer keeps.

    \b
    Example:
      groundswell prune
    """
    config = load_config(feeds, env=front.env)
    with WorkerLock(existing(db)), Store.open(db) as store:
        polls, entries = prune_store(store, config, front.clock())
    click.echo(f"{polls} polls and {entries} entries forgotten")


FALLEN_TOPICS = timedelta(days=30)
"""How long the address of a topic that no longer rises leads somewhere."""


def prune_store(store: Store, config: Config, now: datetime) -> tuple[int, int]:
    """Forget what *config* no longer keeps; return how many polls and entries went."""
    keep = config.retention
    with store.transaction():
        polls = store.feeds.prune_polls(now - keep.polls)
        entries = store.entries.prune(now - keep.entries) if keep.entries else 0
        store.archive.thin(now, None if keep.entries is None else now - keep.entries)
        store.topics.forget(now - FALLEN_TOPICS)
        if entries:
            store.stories.forget_pruned()
            store.prose.forget()
            store.state.next_edition()
    return polls, entries


COMMANDS: tuple[click.Command, ...] = (poll, sources, opml, check, export, backup, restore, prune)
