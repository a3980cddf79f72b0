"""`groundswell digest`: print a digest, or send it now."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from aggregator.cli.options import Front, db_option, existing, feeds_option
from aggregator.config import load_config
from aggregator.errors import ConfigError
from aggregator.model import AlertTarget, Config
from aggregator.notify import Outcome, Outgoing, Sender, service_of
from aggregator.site.database import open_store
from web.digest import editions, mail
from web.digest.contents import digest as choose


@click.command()
@click.argument("edition", required=False)
@click.option("--week", is_flag=True, help="Print last week instead of yesterday.")
@click.option("--html", is_flag=True, help="Print the HTML of the e-mail instead of its text.")
@click.option("--send", is_flag=True, help="Send the digest to the targets under `digest:` in feeds.yaml.")
@feeds_option
@db_option
@click.pass_obj
def digest(front: Front, edition: str | None, week: bool, html: bool, send: bool, feeds: Path, db: Path) -> None:
    """Print the digest of a day or a week: EDITION, or yesterday.

    \b
    Example:
      groundswell digest
      groundswell digest 2026-W48
      groundswell digest --week --send
    """
    config = load_config(feeds, env=front.env)
    zone, now = config.site.timezone, front.clock()
    today, this_week = editions.of_moment(now, zone)
    chosen = editions.named(edition, zone) if edition else editions.neighbor(this_week if week else today, -1, zone)
    if chosen is None:
        raise ConfigError(f"{edition!r} is neither a day such as 2026-11-27 nor a week such as 2026-W48")
    with open_store(existing(db)) as store:
        content = mail.message(choose(store, config, chosen), config, now)
    if not send:
        click.echo(content["html"] if html else content["text"])
        return
    targets = config.digest.weekly if chosen.is_week else config.digest.daily
    if not targets:
        key = "weekly" if chosen.is_week else "daily"
        raise ConfigError(f"{feeds} names no target: add `{key}:` under `digest:`, as `groundswell docs digests` shows")
    message = Outgoing(f"digest:{chosen.name}", content["title"], content["text"], content["html"], content["data"])
    outcomes = asyncio.run(_send(config, targets, message, front))
    for target, outcome in outcomes:
        result = "sent" if outcome.sent else f"not sent: {outcome.message}"
        click.echo(f"{chosen.name}: {service_of(target)}: {result}", err=not outcome.sent)
    if not all(outcome.sent for _, outcome in outcomes):
        raise SystemExit(1)


async def _send(
    config: Config, targets: tuple[AlertTarget, ...], message: Outgoing, front: Front
) -> list[tuple[AlertTarget, Outcome]]:
    sender = Sender(config)
    try:
        return [(target, await sender.send(target, message, front.clock())) for target in targets]
    finally:
        await sender.close()
