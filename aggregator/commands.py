"""The commands that speak of sources, entries and the database.

Knows how a command reads and prints. What it does is a call into the modules
beside it; the clock comes in with the `Front`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from aggregator import health, subscribe
from aggregator.config import LARGEST_FILE, load_config, parse_config, read_config
from aggregator.config.edit import without_source
from aggregator.discover import FoundFeed, Search, find
from aggregator.errors import ConfigError, StoreError
from aggregator.fetch import Client, user_agent
from aggregator.model import Clock, Config, Entry, FeedState, HostLedger, HubStanding, Limits, SourceHealth
from aggregator.opml import MOST_BYTES, MOST_FEEDS, Subscription
from aggregator.opml import read as read_opml
from aggregator.opml import write as write_opml
from aggregator.parsing import ParserPool
from aggregator.poll import Polled
from aggregator.poller import Poller
from aggregator.store import Store
from aggregator.store.lock import WorkerLock
from aggregator.urls import host, safe_link, shown
from aggregator.watch import ConfigWatch

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
            if config.source(source_id) is None:
                raise ConfigError(f"there is no source {source_id!r} in {feeds}; `groundswell sources list` shows them")
        chosen: list[str] | None = list(only) or None
        if once and not only:
            askable = store.feeds.askable(front.clock())
            chosen = [source.id for source in config.sources if source.enabled and source.id in askable]
        results = asyncio.run(_poll(front, config, store, chosen))
    failed = [polled for polled in results if not polled.ok]
    if as_json:
        click.echo(json.dumps([_polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
    else:
        for polled in failed:
            click.echo(f"{polled.source_id}: {polled.state.last_words}", err=True)
        click.echo(
            f"{len(results)} sources asked: {len(results) - len(failed)} answered, {len(failed)} failed; "
            f"{sum(polled.new for polled in results)} new entries, {sum(polled.edited for polled in results)} edited"
        )
    if results and len(failed) == len(results):
        raise SystemExit(1)


async def _poll(front: Front, config: Config, store: Store, chosen: list[str] | None) -> list[Polled]:
    results: list[Polled] = []
    total = len(chosen) if chosen is not None else len(store.feeds.due(front.clock(), limit=1_000_000))
    with progress_bar("Polling") as bar:
        task = bar.add_task("", total=total)

        def finished(polled: Polled) -> None:
            results.append(polled)
            bar.update(task, advance=1, description=polled.source_id)

        async with Poller(config, store=store, clock=front.clock, rng=random.Random(0), finished=finished) as poller:
            await poller.poll_now(chosen)
    return results


def _polled_row(polled: Polled) -> dict[str, Any]:
    return {
        "source": polled.source_id,
        "ok": polled.ok,
        "words": polled.state.last_words,
        "kind": polled.state.last_kind,
        "status": polled.state.last_status,
        "new": polled.new,
        "edited": polled.edited,
        "next_poll_at": _iso(polled.state.next_poll_at),
    }


@click.group()
def sources() -> None:
    """Look at the sources and how they answer."""


@sources.command("list")
@feeds_option
@db_option
@json_option
@click.pass_obj
def list_sources(front: Front, feeds: Path, db: Path, as_json: bool) -> None:
    """Show every source: what happened last, and when it is asked next.

    \b
    Example:
      groundswell sources list
      groundswell sources list --json
    """
    config = load_config(feeds, env=front.env)
    rows: list[SourceHealth]
    hosts: dict[str, dict[str, Any]] = {}
    if db.exists():
        with Store.open(db) as store:
            rows = store.feeds.health(front.clock(), config.sources)
            hosts = {ledger.host: host_row(ledger) for ledger in store.standings.hosts()}
    else:
        rows = [SourceHealth(source, FeedState(source.id, source.url), 0, 0, 0) for source in config.sources]
    if as_json:
        told = [health_row(row, front.clock()) | {"host": hosts.get(host(row.state.url))} for row in rows]
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("source", "category", "last answer", "entries", "next poll"):
        table.add_column(column, justify="right" if column == "entries" else "left")
    for row in rows:
        table.add_row(
            row.source.id,
            row.source.category,
            "removed" if row.removed else (row.state.last_words or "not asked yet"),
            str(row.entries),
            "never" if row.removed or row.state.gone else _when(row.state.next_poll_at, front.clock()),
        )
    Console().print(table)


def health_row(row: SourceHealth, now: datetime) -> dict[str, Any]:
    """Return a row of the sources page as plain data."""
    state = row.state
    silence = health.of_silence(row, now)
    return {
        "id": row.source.id,
        "name": row.source.name,
        "url": shown(state.url),
        "category": row.source.category,
        "owner": row.source.owner,
        "enabled": row.source.enabled,
        "removed": row.removed,
        "ok": state.failures == 0 and state.last_ok_at is not None,
        "kind": state.last_kind,
        "words": state.last_words,
        "status": state.last_status,
        "failures": state.failures,
        "gone": state.gone,
        "last_polled_at": _iso(state.last_polled_at),
        "last_ok_at": _iso(state.last_ok_at),
        "last_new_at": _iso(state.last_new_at),
        "next_poll_at": _iso(state.next_poll_at),
        "interval_s": state.interval.total_seconds(),
        "entries": row.entries,
        "recent_entries": row.recent_entries,
        "firsts": row.firsts,
        "health": list(health.words(row, now)),
        "overdue": silence is not None and silence.overdue_at <= now,
        "overdue_at": _iso(silence.overdue_at) if silence else None,
        "silence_probability": silence.probability if silence else None,
        "usual_gap_s": silence.usual_gap.total_seconds() if silence else None,
        "format": state.hints.format,
        "format_before": state.format_before,
        "moved_from": shown(state.moved_from),
        "requests": row.polls,
        "unchanged": row.unchanged,
        "bytes": row.bytes,
        "saved_bytes": row.saved_bytes,
        "waits_kept": state.waits_kept,
        "waited_s": state.waited.total_seconds(),
        "hub": None if row.hub is None else _hub_row(row.hub),
    }


def _hub_row(hub: HubStanding) -> dict[str, Any]:
    return {
        "url": shown(hub.hub),
        "lease_until": _iso(hub.lease_until),
        "delivered_at": _iso(hub.delivered_at),
        "relied_on": hub.relied_on,
        "words": hub.words,
    }


def host_row(ledger: HostLedger) -> dict[str, Any]:
    """Return what asking a host came to, all its sources together, as plain data."""
    return {
        "name": ledger.host,
        "sources": ledger.sources,
        "requests": ledger.requests,
        "unchanged_share": round(ledger.unchanged_share, 4),
        "bytes": ledger.bytes,
        "saved_bytes": ledger.saved_bytes,
        "waits_kept": ledger.waits_kept,
        "waited_s": ledger.waited.total_seconds(),
    }


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
        click.echo(json.dumps([_polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
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
        raise ConfigError(f"{shown(address)} is no web address; expected one like https://example.com/blog")
    found = asyncio.run(_find(front, config, url))
    if not found.feeds:
        raise ConfigError(found.words)
    if pick is not None and pick > len(found.feeds):
        raise ConfigError(f"there are {len(found.feeds)} feeds, so --pick is at most {len(found.feeds)}")
    chosen = found.feeds[(pick or 1) - 1]
    change = subscribe.added(text, config, [Subscription(chosen.url, name or chosen.title, category or "")])
    if not dry_run:
        _apply(front, feeds, change.text)
    if as_json:
        told = {
            "found": [_found_row(feed) for feed in found.feeds],
            "added": [] if dry_run else list(change.ids),
            "known": list(change.known),
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for number, feed in enumerate(found.feeds, start=1):
        click.echo(f"{number}  {shown(feed.url)}  {feed.title}: {feed.format}, {feed.entries} entries")
    if change.known:
        click.echo(f"{shown(chosen.url)} stands in {feeds} already")
    elif not dry_run:
        more = f"; --pick 2 adds another of the {len(found.feeds)}" if len(found.feeds) > 1 and pick is None else ""
        click.echo(f"added as {change.ids[0]} to {feeds}{more}")


async def _find(front: Front, config: Config | None, url: str) -> Search:
    limits = config.limits if config else Limits()
    agent = user_agent(config.site.url) if config else ""
    async with Client(limits) as client, ParserPool() as parser:
        return await find(url, client=client, parser=parser, limits=limits, now=front.clock(), user_agent=agent)


def _found_row(feed: FoundFeed) -> dict[str, Any]:
    return {
        "url": shown(feed.url),
        "title": feed.title,
        "format": feed.format,
        "entries": feed.entries,
        "newest_at": _iso(feed.newest_at),
        "site_url": feed.site_url,
    }


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
    _apply(front, feeds, after)
    click.echo(f"{source_id} is no longer in {feeds}")


def _editable(front: Front, feeds: Path) -> tuple[str, Config | None]:
    """Return the text of feeds.yaml and what it says; "" and None where it is not there yet."""
    if not feeds.exists():
        return "", None
    text = read_config(feeds)
    return text, parse_config(text, name=str(feeds), env=front.env)


def _apply(front: Front, feeds: Path, text: str) -> None:
    """Save *text* as feeds.yaml once it is sure that it stands."""
    parse_config(text, name=str(feeds), env=front.env)
    subscribe.save(feeds, text)


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
    change = subscribe.added(text, config, found.feeds)
    if change.ids and not dry_run:
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
    would = "would be added" if dry_run else "added"
    click.echo(
        f"{file}: {len(found.feeds)} feeds, {len(change.ids)} {would} to {feeds}, {len(change.known)} there already; "
        f"{len(change.categories)} new categories"
    )


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
    with click.open_file(str(target or "-"), "w", encoding="utf-8") as out:
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
        click.echo(f"{feeds}: {len(config.sources)} sources in {len(config.categories)} categories, no fault")
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
    with Store.open(existing(db)) as store, click.open_file(str(target or "-"), "w", encoding="utf-8") as out:
        for entry in store.entries.each():
            out.write(json.dumps(stream_line(entry), ensure_ascii=False) + "\n")


def stream_line(entry: Entry) -> dict[str, Any]:
    """Return *entry* as a line of a recorded stream."""
    line: dict[str, Any] = {
        "id": str(entry.entry_id),
        "title": entry.title,
        "summary": entry.summary,
        "url": entry.link,
        "source": entry.source_id,
        "first_seen": _iso(entry.first_seen_at),
    }
    if entry.published_at:
        line["published"] = _iso(entry.published_at)
    if entry.language:
        line["lang"] = entry.language
    if entry.content:
        line["content"] = entry.content
    return line


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@db_option
def backup(target: Path, db: Path) -> None:
    """Copy the database to TARGET while the program runs.

    \b
    Example:
      groundswell backup groundswell-monday.db
    """
    with Store.open(existing(db)) as store:
        store.backup(target)
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


@click.command()
@click.argument("copy", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@db_option
@click.pass_obj
def restore(front: Front, copy: Path, db: Path) -> None:
    """Put COPY in the place of the database; what was there is kept beside it.

    \b
    Example:
      groundswell restore groundswell-monday.db
    """
    with Store.open(copy) as store:
        if faults := store.faults():
            raise StoreError(f"{copy} is damaged and was not restored: {faults[0]}")
    with WorkerLock(db):
        if db.exists():
            kept = db.with_name(f"{db.name}.before-{front.clock():%Y%m%dT%H%M%S}")
            with Store.open(db) as store:
                store.backup(kept)
            click.echo(f"what was there is kept as {kept}")
            for suffix in ("", "-wal", "-shm"):
                db.with_name(db.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(copy, db)
    click.echo(f"{db} is now the state of {copy}")


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


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _when(moment: datetime | None, now: datetime) -> str:
    if moment is None or moment <= now:
        return "now"
    minutes = (moment - now).total_seconds() / 60
    return f"in {minutes:.0f} min" if minutes < 90 else f"in {minutes / 60:.0f} h"


COMMANDS: tuple[click.Command, ...] = (poll, sources, opml, check, export, backup, restore, prune)
