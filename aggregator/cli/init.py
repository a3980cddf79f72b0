"""`groundswell init`: write a feeds.yaml to begin with, by hand or because another command found none."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import click

from aggregator.cli.options import feeds_option
from aggregator.cli.source_tables import count
from aggregator.config import load_config, parse_config
from aggregator.config.file import save_config
from aggregator.config.starter import shipped_text, starter_config
from aggregator.errors import ConfigError
from aggregator.site.database import has_config


@click.command()
@click.option("--topic", "topics", metavar="ID", multiple=True, help="Only sources of this topic; can be repeated.")
@click.option("--list", "only_list", is_flag=True, help="List the topics and exit.")
@feeds_option
def init(topics: tuple[str, ...], only_list: bool, feeds: Path) -> None:
    """Write a commented feeds.yaml with all shipped sources, or those of some topics.

    Comments in it explain every part. An existing file is never overwritten.

    \b
    Example:
      groundswell init
      groundswell init --topic security --topic open-source
    """
    if only_list:
        config = parse_config(shipped_text())
        for category in config.categories:
            number = sum(source.category == category.id for source in config.sources)
            click.echo(f"{category.id:<12}  {category.name}: {count(number, 'source')}")
        return
    if feeds.exists():
        raise ConfigError(f"{feeds} already exists and was not changed; `groundswell sources add ADDRESS` adds to it")
    click.echo(_write(feeds, topics))
    click.echo("Edit it as you like, then start the site with `groundswell run`")


def require_config(feeds: Path, db: Path, env: Mapping[str, str], *, write: bool = False) -> None:
    """Make sure that there is a configuration: a database with the last valid one, or a valid feeds.yaml.

    env:   the variables that the file may name
    write: if there is neither, write the shipped file without asking

    Asks on a terminal. Without one, raises a ConfigError that says what to do, and writes nothing. Also raises it if a
    new site's file is not valid.
    """
    if has_config(db):
        return
    if feeds.exists():
        if feeds.is_file():  # reading a pipe could wait forever; the worker refuses it
            load_config(feeds, env=env)
        return
    if not write and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(f"{feeds} does not exist; `groundswell init` creates one")
    number = len(parse_config(shipped_text()).sources)
    question = f"{feeds} does not exist. Write one with the {number} sources that ship?"
    if not write and not click.confirm(question, default=True, err=True):
        raise ConfigError(
            "`groundswell init --topic ID` writes one with fewer; `groundswell init --list` lists the topics"
        )
    click.echo(_write(feeds, ()), err=True)


def _write(feeds: Path, topics: Collection[str]) -> str:
    text, config = starter_config(topics)
    if not feeds.parent.is_dir():
        raise ConfigError(f"cannot write {feeds}: there is no folder {feeds.parent}")
    save_config(feeds, text)
    return f"{feeds}: {count(len(config.sources), 'source')} in {count(len(config.categories), 'topic')}"
