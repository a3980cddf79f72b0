"""`groundswell alerts`: send a test message, and list what was sent."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path

import click

from aggregator.cli.options import Front, db_option, existing, feeds_option, json_option
from aggregator.config import load_config
from aggregator.errors import ConfigError
from aggregator.model import AlertTarget, Config
from aggregator.notify import Outcome, Outgoing, Sender, service_of
from aggregator.site.database import open_store
from web.alerts.wording import test_message

OPERATOR_NAME = "operator"


@click.group()
def alerts() -> None:
    """Test and list alerts: messages about stories, and alarms for the operator."""


@alerts.command()
@click.argument("name", required=False)
@feeds_option
@click.pass_obj
def test(front: Front, name: str | None, feeds: Path) -> None:
    """Send a test message to every target, or to those of the rule NAME (`operator` for alarms).

    Exits with code 1 if a target rejects it.

    \b
    Example:
      groundswell alerts test
      groundswell alerts test big-tech
    """
    config = load_config(feeds, env=front.env)
    groups = _groups(config, name, feeds)
    outcomes = asyncio.run(_send(config, groups, front.clock()))
    for rule, target, outcome in outcomes:
        result = "sent" if outcome.sent else f"not sent: {outcome.message}"
        click.echo(f"{rule}: {service_of(target)}: {result}", err=not outcome.sent)
    if not all(outcome.sent for _, _, outcome in outcomes):
        raise SystemExit(1)


def _groups(config: Config, name: str | None, feeds: Path) -> dict[str, tuple[AlertTarget, ...]]:
    groups = {rule.name: rule.to for rule in config.alerts.rules}
    groups[OPERATOR_NAME] = config.alerts.operator.to
    if name is not None:
        if name not in groups:
            names = ", ".join(groups)
            raise ConfigError(f"there is no alert rule {name!r} in {feeds}; there are: {names}")
        groups = {name: groups[name]}
    if not any(groups.values()):
        raise ConfigError(f"{feeds} names no target: add `to:` under `alerts:`, as `groundswell docs alerts` shows")
    return groups


async def _send(
    config: Config, groups: dict[str, tuple[AlertTarget, ...]], now: datetime
) -> list[tuple[str, AlertTarget, Outcome]]:
    sender = Sender(config)
    outcomes = []
    try:
        for rule, targets in groups.items():
            content = test_message(config, rule, now)
            message = Outgoing(f"test/{rule}", content["title"], content["text"], data=content["data"])
            for target in targets:
                outcomes.append((rule, target, await sender.send(target, message, now)))
    finally:
        await sender.close()
    return outcomes


@alerts.command("list")
@click.option(
    "--limit", default=30, show_default=True, type=click.IntRange(1, 1000), help="The maximum number of messages."
)
@db_option
@json_option
def list_messages(limit: int, db: Path, as_json: bool) -> None:
    """List the newest messages and whether they were sent.

    \b
    Example:
      groundswell alerts list
    """
    with open_store(existing(db)) as store:
        messages = store.alert_messages.newest(limit)
    if as_json:
        rows = [
            {
                "id": message.message_id,
                "rule": message.rule or OPERATOR_NAME,
                "story_id": message.story_id,
                "title": message.content["title"],
                "service": message.service,
                "made_at": message.made_at.isoformat(),
                "outcome": message.outcome or "waiting",
                "attempts": message.attempts,
                "message": message.outcome_message,
            }
            for message in messages
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not messages:
        click.echo("no messages yet")
    for message in messages:
        why = f" ({message.outcome_message})" if message.outcome_message and message.outcome != "sent" else ""
        click.echo(
            f"{message.made_at:%Y-%m-%d %H:%M}  {message.outcome or 'waiting'}{why}  "
            f"{message.rule or OPERATOR_NAME} > {message.service}  {message.content['title']}"
        )
