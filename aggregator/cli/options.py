"""Options and helpers that the commands of every layer share.

The clock and the environment come in with the `Front`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aggregator.errors import ConfigError, GroundswellError, StoreError
from aggregator.model import Clock, Config, Source, Story
from aggregator.site import database as site_database
from aggregator.store import Store
from aggregator.store.postgres.address import VARIABLE as DATABASE_URL
from aggregator.store.postgres.address import is_url

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
        help="The configuration file.",
    )(command)


DEFAULT_DB = Path("groundswell.db")


class _DatabaseOption(click.Path):
    """A file, or the address of a PostgreSQL database, which goes into the environment as `DATABASE_URL`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and is_url(value):
            os.environ[DATABASE_URL] = value  # for the parts of a site, too, which are processes of their own
            return DEFAULT_DB
        return super().convert(value, param, ctx)


def db_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--db FILE`."""
    return click.option(
        "--db",
        type=_DatabaseOption(path_type=Path),
        default=DEFAULT_DB,
        envvar="GROUNDSWELL_DB",
        show_default=True,
        help="The database: a SQLite file, or postgresql://...; DATABASE_URL in the environment names one as well.",
    )(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def existing(db: Path) -> Path:
    """Return *db*; StoreError when there is no such database yet."""
    if not site_database.exists(db):
        raise StoreError(f"there is no database {db} yet; `groundswell run` or `groundswell poll` creates it")
    return db


def story_named(store: Store, text: str) -> Story:
    """Return the story that *text* names by the number in its address; GroundswellError when there is none."""
    if not text.isdecimal():
        raise GroundswellError(
            f"{text!r} is not a story; give the number in its address, such as 217 for /story/217/..."
        )
    story_id = store.stories.resolve(int(text))
    story = None if story_id is None else store.stories.get(story_id)
    if story is None:
        raise GroundswellError(f"there is no story {text}")
    return story


def progress_bar(what: str) -> Progress:
    """Return a transient progress bar on stderr, hidden if stderr is not a terminal."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def open_output(target: Path | None, like: Path) -> Iterator[IO[str]]:
    """Open *target*, or stdout; a new file has no more readers than *like*."""
    if target is None:
        yield sys.stdout
        return
    mode = like.stat().st_mode & 0o666 if like.exists() else 0o600
    with open(target, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, mode)) as out:
        yield out


def source_of(config: Config, source_id: str, feeds: Path) -> Source:
    source = config.source(source_id)
    if source is None:
        raise ConfigError(f"there is no source {source_id!r} in {feeds}; `groundswell sources list` shows them")
    return source
