"""When a digest is due, and for whom: yesterday's each morning, last week's each Monday morning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.model import Config
from aggregator.notify import digest_of, service_of
from aggregator.store import Store
from aggregator.store.alerts import NewMessage
from web.digest import editions, mail
from web.digest.contents import digest

RULE = "digest"
LATE = timedelta(hours=12)
"""A site that was down at the time still sends a digest for so long; after that it is old."""


def due_digests(store: Store, config: Config, now: datetime) -> Iterator[list[NewMessage]]:
    """Yield the digests that are due, a list for each: one for each target.

    A digest that was just configured is first sent at its next time.
    """
    zone = config.site.timezone
    local = now.astimezone(ZoneInfo(zone))
    scheduled = local.replace(hour=config.digest.at // 60, minute=config.digest.at % 60, second=0, microsecond=0)
    today, this_week = editions.of_moment(now, zone)
    for kind, targets, edition, day_is_right in (
        ("daily", config.digest.daily, editions.neighbor(today, -1, zone), True),
        ("weekly", config.digest.weekly, editions.neighbor(this_week, -1, zone), local.weekday() == 0),
    ):
        if not targets:
            continue
        since = store.alert_messages.rule_since(f"{RULE} {kind}", f"at {config.digest.at}", now)
        if not day_is_right or not (since <= scheduled <= now <= scheduled + LATE):
            continue
        subject = f"{RULE}:{edition.name}"
        if store.alert_messages.exists(RULE, subject):
            continue
        content = mail.message(digest(store, config, edition), config, now)
        yield [NewMessage(RULE, subject, 0, digest_of(target), service_of(target), content) for target in targets]
