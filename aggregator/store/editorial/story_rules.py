"""Which stories the rules of feeds.yaml mute or boost.

Derived: `scoring.editorial.rules` decides it whenever a story or a rule changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from aggregator.model import Listed, RuleEffect, StoryRule
from aggregator.store.connection import Connection
from aggregator.store.stories.story_lists import LISTED, listed


class StoryRules:
    """`story_rules`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def replace(self, effect: RuleEffect, rules: Mapping[int, str], among: Collection[int] | None = None) -> bool:
        """Record the rule that gives each story an effect, and none for the others; return whether that changed any.

        among: the stories that were looked at; None: all
        """
        integers = self._db.dialect.integers("among")
        condition = "" if among is None else f"and story_id in (select value from {integers})"
        rows = self._db.rows(
            f"select story_id, rule from story_rules where effect = :effect {condition}",
            {"effect": effect.value} | ({} if among is None else {"among": json.dumps(sorted(among))}),
        )
        before = {row["story_id"]: row["rule"] for row in rows}
        if before == dict(rules):
            return False
        self._db.run_many(
            "delete from story_rules where story_id = :id and effect = :effect",
            [{"id": story_id, "effect": effect.value} for story_id in before.keys() - rules.keys()],
        )
        self._db.run_many(
            """insert into story_rules (story_id, effect, rule) values (:id, :effect, :rule)
            on conflict (story_id, effect) do update set rule = excluded.rule""",
            [
                {"id": story_id, "effect": effect.value, "rule": rule}
                for story_id, rule in rules.items()
                if before.get(story_id) != rule
            ],
        )
        return True

    def of(self, story_id: int) -> list[StoryRule]:
        """Return the rules that a story matches: at most one that mutes it and one that boosts it."""
        rows = self._db.rows(
            "select effect, rule from story_rules where story_id = :id order by effect desc", {"id": story_id}
        )
        return [StoryRule(RuleEffect(row["effect"]), row["rule"]) for row in rows]

    def story_ids(self, effect: RuleEffect) -> frozenset[int]:
        """Return the stories with an effect."""
        rows = self._db.rows("select story_id from story_rules where effect = :effect", {"effect": effect.value})
        return frozenset(row["story_id"] for row in rows)

    def count(self, rule: StoryRule) -> int:
        """Return how many stories a rule mutes or boosts."""
        return int(
            self._db.value(
                """select count(*) from story_rules r join stories s using (story_id)
                where r.effect = :effect and r.rule = :rule and s.merged_into is null""",
                {"effect": rule.effect.value, "rule": rule.text},
            )
        )

    def stories(self, rule: StoryRule, limit: int = 30, offset: int = 0) -> Sequence[Listed]:
        """Return the stories that a rule mutes or boosts, the newest first."""
        rows = self._db.rows(
            f"""{LISTED} join story_rules r on r.story_id = s.story_id
            where r.effect = :effect and r.rule = :rule and s.merged_into is null
            order by s.last_source_at desc, s.story_id desc limit :limit offset :offset""",
            {"effect": rule.effect.value, "rule": rule.text, "limit": limit, "offset": offset},
        )
        return [listed(row) for row in rows]
