"""Apply the rules of feeds.yaml: which stories they mute, and which they boost.

    mute: layoffs unless score:>85          matches the search before `unless` and not the one behind it

A rule is a search, so what it matches is what a search finds: the latest texts, score and category of a story. It is
looked at again whenever one of them changes, and for all stories when a rule is added, changes or ends. The first rule
of a kind that a story matches is the one that pages name. Scores do not depend on rules; what a boost moves is the
order (`scoring.ranking.page_order`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aggregator.model import Config, RuleEffect, StoryRule
from aggregator.store import Store
from aggregator.text import search_query
from aggregator.text.search_query import Query

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""A rule has no condition that counts from now."""

_APPLIED = "rules_applied"
"""The state of the store that names the rules behind its `story_rules`."""


class RuleKeeper:
    """Keeps the stored matches of rules up to date with the stories. Call it inside the transaction of the changes."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._changed: set[int] = set()
        # What a transaction stored just before a crash may not have been looked at.
        self._all_changed = True

    def note(self, story_ids: Iterable[int]) -> None:
        """Note that these stories were stored; `apply` looks at them."""
        if self._config.rules:
            self._changed.update(story_ids)

    def apply(self, now: datetime) -> bool:
        """Look at the noted stories, and at all of them where other rules apply by now; return whether any changed."""
        rules = in_force(self._config, now)
        applied = json.dumps([[rule.effect.value, rule.text] for rule in rules])
        if (self._store.state.get(_APPLIED) or "[]") != applied:
            self._store.state.set(_APPLIED, applied)
            self._all_changed = True
        among = None if self._all_changed else self._changed
        if among is not None and not among:
            return False
        any_changed = False
        for effect in RuleEffect:
            chosen = self._matching([rule for rule in rules if rule.effect is effect], among)
            any_changed = self._store.story_rules.replace(effect, chosen, among) or any_changed
        self._changed, self._all_changed = set(), False
        return any_changed

    def _matching(self, rules: Iterable[StoryRule], among: Collection[int] | None) -> dict[int, str]:
        """Return the stories that match any of *rules*, each with the text of the first that it matches."""
        chosen: dict[int, str] = {}
        for rule in rules:
            for story_id in matching(self._store, rule, self._config, among):
                chosen.setdefault(story_id, rule.text)
        return chosen

    def boosted(self) -> frozenset[int]:
        """Return the stories that a rule boosts."""
        return self._store.story_rules.story_ids(RuleEffect.BOOST) if self._config.rules else frozenset()

    def muted(self) -> frozenset[int]:
        """Return the stories that a rule mutes."""
        return self._store.story_rules.story_ids(RuleEffect.MUTE) if self._config.rules else frozenset()


def matching(store: Store, rule: StoryRule, config: Config, among: Collection[int] | None = None) -> set[int]:
    """Return the stories that a rule matches, of those *among* where that is given."""
    query, excepted = queries(rule, config)
    matches = store.search.matching(query, among)
    return matches - store.search.matching(excepted, matches) if excepted is not None else matches


def queries(rule: StoryRule, config: Config) -> tuple[Query, Query | None]:
    """Return the two searches of a rule, with the names in them resolved."""
    sources = {source.id: source.name for source in config.sources}
    categories = {category.id: category.name for category in config.categories}
    query, excepted = search_query.read_rule(rule.text, _ANY_TIME)
    return (
        search_query.resolved(query, sources, categories),
        None if excepted is None else search_query.resolved(excepted, sources, categories),
    )


def in_force(config: Config, now: datetime) -> list[StoryRule]:
    """Return the rules that have not ended by *now*."""
    if not config.rules:
        return []
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    return [rule for rule in config.rules if rule.applies(today)]
