"""The status of messages on the operator's page, one row per rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import gettext

from aggregator.model import Config
from aggregator.store.alerts import OPERATOR, Message
from web.i18n.messages import Notice, fragment
from web.present.cards import Moment, Presenter


@dataclass(frozen=True, slots=True)
class AlertRow:
    """The messages of one rule in the last 30 days."""

    name: str
    when: str
    """The search, or "" for alarms and digests."""
    sent: int
    waiting: int
    failed: int
    """Failed, or with an unknown outcome."""
    last_title: str
    last_at: Moment | None
    last_service: str
    last_problem: Notice | None
    """The result of the last attempt, if the last message was not sent."""


def alert_rows(
    show: Presenter, config: Config, counts: Mapping[tuple[str, str], int], newest: Iterable[Message]
) -> list[AlertRow]:
    """Return a row for each rule of feeds.yaml, and for other senders of messages.

    counts: messages by rule and outcome
    newest: the newest messages, latest first
    """
    last: dict[str, Message] = {}
    for message in newest:
        last.setdefault(message.rule, message)
    names = [rule.name for rule in config.alerts.rules]
    others = sorted({rule for rule, _ in counts} - set(names) - {OPERATOR})
    if config.alerts.operator.to or any(rule == OPERATOR for rule, _ in counts):
        others.append(OPERATOR)
    queries = {rule.name: rule.when for rule in config.alerts.rules}
    return [_row(show, name, queries.get(name, ""), counts, last.get(name)) for name in [*names, *others]]


def _row(
    show: Presenter, name: str, when: str, counts: Mapping[tuple[str, str], int], last: Message | None
) -> AlertRow:
    problem = fragment(last.outcome_message) if last and last.outcome != "sent" and last.outcome_message else None
    return AlertRow(
        name=name or gettext("operator alarms"),
        when=when,
        sent=counts.get((name, "sent"), 0),
        waiting=counts.get((name, ""), 0),
        failed=counts.get((name, "failed"), 0) + counts.get((name, "unknown"), 0),
        last_title=str(last.content["title"]) if last else "",
        last_at=show.moment(last.made_at) if last else None,
        last_service=last.service if last else "",
        last_problem=problem,
    )
