"""`groundswell poll`, and one round of polls for any command."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from aggregator.cli.init import require_config
from aggregator.cli.options import Front, db_option, feeds_option, json_option, progress_bar, source_of
from aggregator.cli.source_tables import (
    poll_summary,
    polled_row,
)
from aggregator.errors import ConfigError, DatabaseInUseError
from aggregator.model import Config
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.site.config_watcher import ConfigWatch
from aggregator.site.database import is_file, open_as_only_writer
from aggregator.store import Store
from aggregator.text.wording import plural


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Poll every source once, due or not, except sources that are gone or have asked to wait.",
)
@click.option("--source", "only", metavar="ID", multiple=True, help="Poll only this source, now; can be repeated.")
@feeds_option
@db_option
@json_option
@click.pass_obj
def poll(front: Front, once: bool, only: tuple[str, ...], feeds: Path, db: Path, as_json: bool) -> None:
    """Poll the sources that are due, then exit.

    \b
    Example:
      groundswell poll --once
      groundswell poll --source techcrunch_ai
    """
    require_config(feeds, db, front.env)
    with open_as_only_writer(db) as store:
        _require_no_pollers(store)
        config = ConfigWatch(feeds, store, front.env).start(front.clock())
        for source_id in only:
            if not source_of(config, source_id, feeds).enabled:
                raise ConfigError(f"{source_id} is paused in {feeds}; remove `enabled: false` first")
        chosen: list[str] | None = list(only) or None
        if once and not only:
            pollable = store.feeds.pollable(front.clock())
            chosen = [source.id for source in config.sources if source.enabled and source.id in pollable]
        results = asyncio.run(poll_round(front, config, store, chosen))
    failed = [polled for polled in results if not polled.ok]
    if as_json:
        click.echo(json.dumps([polled_row(polled) for polled in results], ensure_ascii=False, indent=1))
    else:
        for polled in failed:
            click.echo(f"{polled.source_id}: {polled.state.last_message}", err=True)
        click.echo(poll_summary(results))
    if results and len(failed) == len(results):
        raise SystemExit(1)


def _require_no_pollers(store: Store) -> None:
    """Raise DatabaseInUseError if processes of their own poll: two would poll one host at once."""
    if not is_file() and (running := store.poll_leases("").others()):
        raise DatabaseInUseError(
            f"{plural(running, 'poller')} of this database {'asks' if running == 1 else 'ask'} what is due; "
            "stop them first, or wait for them"
        )


@contextmanager
def _without_poll_log() -> Iterator[None]:
    """Keep the log from telling of each failure: the command itself does."""
    log = logging.getLogger("aggregator.polling.poller")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


async def poll_round(front: Front, config: Config, store: Store, chosen: list[str] | None) -> list[Polled]:
    results: list[Polled] = []
    total = len(chosen) if chosen is not None else len(store.feeds.due(front.clock(), limit=1_000_000))
    with progress_bar("Polling") as bar, _without_poll_log():
        task = bar.add_task("", total=total)

        def finished(polled: Polled) -> None:
            results.append(polled)
            bar.update(task, advance=1, description=polled.source_id)

        async with Poller(config, store=store, clock=front.clock, rng=random.Random(0), finished=finished) as poller:
            await poller.poll_now(chosen)
    return results
