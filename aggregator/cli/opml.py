"""`groundswell opml`: exchange lists of feeds with other programs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aggregator.cli.edit_feeds import copy_note, editable_feeds, save_feeds
from aggregator.cli.options import Front, feeds_option, json_option, open_output
from aggregator.cli.source_tables import (
    count,
    import_lines,
)
from aggregator.config import MAX_FILE_BYTES, load_config
from aggregator.config.file import keep_copy
from aggregator.discovery import add_sources, feed_lists
from aggregator.discovery.opml import MAX_BYTES, MAX_FEEDS, Subscription
from aggregator.discovery.opml import write as write_opml
from aggregator.text.urls import shown


@click.group()
def opml() -> None:
    """Import and export lists of feeds (OPML)."""


@opml.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--large", is_flag=True, help="Accept files larger than 1 MB or 1,000 feeds.")
@click.option("--dry-run", is_flag=True, help="Show what would be added; change nothing.")
@feeds_option
@json_option
@click.pass_obj
def import_opml(front: Front, file: Path, large: bool, dry_run: bool, feeds: Path, as_json: bool) -> None:
    """Add the feeds of an OPML file to feeds.yaml; its folders become categories.

    FILE may also be the configuration of TrendRadar, Horizon or AIHOT: of those the feeds are taken.

    \b
    Example:
      groundswell opml import subscriptions.opml
    """
    limits = (MAX_FILE_BYTES * 4, 20_000) if large else (MAX_BYTES, MAX_FEEDS)
    listed = feed_lists.read(file.read_bytes(), *limits)
    text, config = editable_feeds(front, feeds)
    change = add_sources.added(text, config, listed.feeds)
    copy = None
    if change.ids and not dry_run:
        copy = keep_copy(feeds) if feeds.exists() else None
        save_feeds(front, feeds, change.text)
    if as_json:
        report = {
            "feeds": len(listed.feeds),
            "added": list(change.ids),
            "known": [shown(url) for url in change.existing],
            "categories": list(change.categories),
            "notes": list(listed.notes),
            "left_out": list(listed.left_out),
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
        return
    for note in listed.notes:
        click.echo(f"{file}: {note}", err=True)
    for feed in listed.left_out:
        click.echo(f"skipped: {feed}", err=True)
    for url in change.existing:
        click.echo(f"already there or listed twice: {shown(url)}", err=True)
    if dry_run:
        for line in import_lines(listed.feeds, change, add_sources.ids(config)):
            click.echo(line)
    would = "would be added" if dry_run else "added"
    click.echo(
        f"{file}: {count(len(listed.feeds), 'feed')}, {len(change.ids):,} {would} to {feeds}, {len(change.existing):,} "
        f"already there or listed twice, {len(listed.left_out):,} skipped; "
        f"{count(len(change.categories), 'new category', 'new categories')}"
    )
    if copy:
        click.echo(copy_note(copy).strip())


@opml.command("export")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@feeds_option
@click.pass_obj
def export_opml(front: Front, target: Path | None, feeds: Path) -> None:
    """Write the sources as OPML 2.0 to TARGET or stdout, with a folder for each category.

    \b
    Example:
      groundswell opml export sources.opml
    """
    config = load_config(feeds, env=front.env)
    folders = [
        (
            category.name,
            [
                Subscription(source.url, source.name, category.name)
                for source in config.sources
                if source.category == category.id
            ],
        )
        for category in config.categories
    ]
    with open_output(target, like=feeds) as out:
        out.write(write_opml(config.site.title, [(name, folder) for name, folder in folders if folder]))
