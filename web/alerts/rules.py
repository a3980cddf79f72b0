"""Find the stories that a message is due about.

A rule sends one message about a story, and one more once the story has grown by `alerts.step` independent sources. It
looks at stories with news of the last `LOOKBACK` only, and at none from before the rule was written or changed: a new
rule does not report the past. In quiet hours it waits; what still matches when they end is sent then, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.model import AlertRule, Config, QuietHours
from aggregator.notify import digest_of, service_of
from aggregator.store import Store
from aggregator.store.alerts import NewMessage
from aggregator.text import search_query
from aggregator.text.search_query import Query
from web.alerts.wording import story_message

LOOKBACK = timedelta(hours=24)
MAX_MATCHES = 200
"""Of one rule at a time, newest first; a rule that matches more is limited by `alerts.per_hour` anyway."""


def due_messages(store: Store, config: Config, now: datetime) -> Iterator[list[NewMessage]]:
    """Yield the messages that are due, a list for each story: one for each target of its rule."""
    for rule in config.alerts.rules:
        since = store.alert_messages.rule_since(rule.name, rule.when, now)
        if not rule.to or is_quiet(rule.quiet, config.site.timezone, now):
            continue
        left = config.alerts.per_hour - store.alert_messages.made_since(rule.name, now - timedelta(hours=1))
        for messages in _of_rule(store, config, rule, max(since, now - LOOKBACK), now):
            if left <= 0:
                break
            left -= 1
            yield messages


def _of_rule(
    store: Store, config: Config, rule: AlertRule, since: datetime, now: datetime
) -> Iterator[list[NewMessage]]:
    query = query_of(rule.when, config, now)
    query = replace(query, after=max(filter(None, (since, query.after))), listed_only=True)
    for listed in store.search.stories(query, order="newest", limit=MAX_MATCHES).stories:
        story = listed.story
        before = store.alert_messages.about_story(rule.name, story.story_id)
        if before and (max(before) > 0 or story.independent_sources < before[0] + config.alerts.step):
            continue
        entries = [entry for entry, _ in store.memberships.of_story(story.story_id)]
        content = story_message(listed, entries, config, now, rule=rule.name, sources_before=before.get(0))
        yield [
            NewMessage(
                rule=rule.name,
                subject=f"story:{story.story_id}",
                step=1 if before else 0,
                target=digest_of(target),
                service=service_of(target),
                content=content,
                story_id=story.story_id,
                sources=story.independent_sources,
            )
            for target in rule.to
        ]


def query_of(text: str, config: Config, now: datetime) -> Query:
    """Return a search of feeds.yaml with the names in it resolved."""
    return search_query.resolved(
        search_query.read(text, now),
        {source.id: source.name for source in config.sources},
        {category.id: category.name for category in config.categories},
    )


def is_quiet(quiet: QuietHours | None, timezone: str, now: datetime) -> bool:
    """Return whether it is a quiet hour on the operator's clock."""
    if quiet is None:
        return False
    local = now.astimezone(ZoneInfo(timezone))
    return quiet.includes(local.hour * 60 + local.minute)
