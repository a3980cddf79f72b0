"""`groundswell sources`: look at the sources, check, find, add and remove them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from aggregator.cli.edit_feeds import copy_note, editable_feeds, save_feeds
from aggregator.cli.options import Front, db_option, feeds_option, json_option, source_of
from aggregator.cli.polling import poll_round
from aggregator.cli.source_tables import (
    feed_line,
    feed_row,
    health_row,
    host_row,
    polled_row,
    source_lines,
    source_table,
)
from aggregator.config import load_config, read_config
from aggregator.config.file import keep_copy
from aggregator.config.values.addresses import feed_key
from aggregator.config.yaml_edit import without_source
from aggregator.discovery import add_sources
from aggregator.discovery.feed_address import feed_address, has_scheme
from aggregator.discovery.find_feeds import Search, find
from aggregator.discovery.opml import Subscription
from aggregator.errors import ConfigError
from aggregator.fetch import PUBLIC, Client, access, user_agent
from aggregator.model import Config, FeedState, Limits, SourceHealth
from aggregator.parse.pool import ParserPool
from aggregator.polling import source_health
from aggregator.site.database import exists, open_store
from aggregator.store import Store
from aggregator.text.urls import host, shown


@click.group()
def sources() -> None:
    """List, check, add and remove sources."""


@sources.command("list")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--state",
    type=click.Choice(source_health.STATES),
    help="Only sources in this state. `silent` sources answer, but their news is overdue.",
)
@feeds_option
@db_option
@json_option
@click.pass_obj
def list_sources(front: Front, ids: tuple[str, ...], state: str | None, feeds: Path, db: Path, as_json: bool) -> None:
    """List the sources with their last result and next poll. With an ID, show all details.

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
    if exists(db):
        with open_store(db) as store:
            rows = store.feeds.health(now, config.sources)
            hosts = {ledger.host: host_row(ledger) for ledger in store.source_status.hosts()}
    shown_ids = {row.source.id for row in rows}
    rows += [
        SourceHealth(source, FeedState(source.id, source.url), 0, 0, 0)
        for source in config.sources
        if source.id not in shown_ids
    ]
    for source_id in ids:
        if source_id not in shown_ids:
            source_of(config, source_id, feeds)
    rows = [row for row in rows if not ids or row.source.id in ids]
    rows = [row for row in rows if state is None or source_health.state_of(row, now) == state]
    if as_json:
        report = [health_row(row, now) | {"host": hosts.get(host(row.state.url))} for row in rows]
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    elif ids:
        click.echo("\n\n".join("\n".join(source_lines(row, now)) for row in rows))
    elif rows:
        # Output to a pipe keeps IDs in one piece.
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
    """Poll every source once without storing anything; exit with code 1 if one fails.

    \b
    Example:
      groundswell sources check
    """
    config = load_config(feeds, env=front.env)
    with Store.open(":memory:") as store:
        store.feeds.sync(config.sources, front.clock())
        results = asyncio.run(poll_round(front, config, store, [source.id for source in config.sources]))
    results.sort(key=lambda polled: (polled.ok, polled.source_id))
    if as_json:
        click.echo(json.dumps([polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
    else:
        for polled in results:
            click.echo(f"{'ok    ' if polled.ok else 'FAILED'}  {polled.source_id}: {polled.state.last_message}")
    if not all(polled.ok for polled in results):
        raise SystemExit(1)


@sources.command("add")
@click.argument("address")
@click.option(
    "--pick", type=click.IntRange(min=1), help="Which feed to add if there are several.  [default: the first]"
)
@click.option("--category", help="ID or name of the category; created if it does not exist.")
@click.option("--name", help="The name that readers see.  [default: the title of the feed]")
@click.option("--dry-run", is_flag=True, help="Show the feeds of the page; change nothing.")
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
    """Find the feeds of a page and add one to feeds.yaml, keeping its comments and order.

    \b
    Example:
      groundswell sources add https://simonwillison.net
      groundswell sources add https://www.youtube.com/@someone --category models
    """
    text, config = editable_feeds(front, feeds)
    url = feed_address(address)
    if not url:
        raise ConfigError(f"{address!r:.200} is not a web address such as https://example.com/blog")
    discovery = asyncio.run(_find(front, config, url))
    if not (discovery.feeds or has_scheme(address)):
        # https was a guess.
        discovery = asyncio.run(_find(front, config, url.replace("https://", "http://", 1)))
    if not discovery.feeds:
        raise ConfigError(discovery.message)
    if pick is not None and pick > len(discovery.feeds):
        raise ConfigError(f"there are {len(discovery.feeds)} feeds, so --pick is at most {len(discovery.feeds)}")
    chosen = discovery.feeds[(pick or 1) - 1]
    change = add_sources.added(text, config, [Subscription(chosen.url, name or chosen.title, category or "")])
    if not dry_run:
        save_feeds(front, feeds, change.text)
    if as_json:
        report = {
            "found": [feed_row(feed) for feed in discovery.feeds],
            "added": [] if dry_run else list(change.ids),
            "known": list(change.existing),
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
        return
    ids = add_sources.ids(config)
    for number, feed in enumerate(discovery.feeds, start=1):
        click.echo(feed_line(number, feed, ids.get(feed_key(feed.url), "")))
    if change.existing:
        click.echo(f"{shown(chosen.url)} is already in {feeds}, as {ids[feed_key(chosen.url)]}")
    elif dry_run:
        click.echo(f"number {pick or 1} would be added as {change.ids[0]} to {feeds}; nothing was changed")
    else:
        click.echo(f"added as {change.ids[0]} to {feeds}; a running worker polls it within seconds")
    if len(discovery.feeds) > 1 and pick is None:
        click.echo(f"choose another of the {len(discovery.feeds)} feeds with --pick")


async def _find(front: Front, config: Config | None, url: str) -> Search:
    limits = config.limits if config else Limits()
    agent = user_agent(config.site.url) if config else ""
    async with Client(limits) as client, ParserPool() as parser:
        return await find(
            url,
            client=client,
            parser=parser,
            limits=limits,
            now=front.clock(),
            user_agent=agent,
            access=access.of_operator(url, config) if config else PUBLIC,
        )


@sources.command("remove")
@click.argument("source_id", metavar="ID")
@feeds_option
@click.pass_obj
def remove_source(front: Front, source_id: str, feeds: Path) -> None:
    """Remove a source from feeds.yaml; its entries stay.

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
    save_feeds(front, feeds, after)
    click.echo(f"{source_id} is no longer in {feeds}; its entries stay.{copy_note(copy)}")
