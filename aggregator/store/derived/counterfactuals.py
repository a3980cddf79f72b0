"""The scores of listed stories without one of their voices."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aggregator.model import Reason
from aggregator.store.codec import as_json
from aggregator.store.connection import Connection, upsert


class Counterfactuals:
    """`what_ifs`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def save(self, story_id: int, score: int, lines: Sequence[tuple[Reason, int]], made_of: str) -> None:
        """Replace a story's counterfactuals, each with its score."""
        plain = [(condition.as_plain(), other) for condition, other in lines]
        self._db.run(
            upsert("what_ifs", ("story_id",), ("score", "made_of", "lines")),
            {"story_id": story_id, "score": score, "made_of": made_of, "lines": as_json(plain)},
        )

    def made_of(self, story_ids: Sequence[int]) -> dict[int, str]:
        """Return, by story, the score that its counterfactuals belong to; stories without any are left out."""
        rows = self._db.rows(
            f"""select story_id, made_of from what_ifs
            where story_id in (select value from {self._db.dialect.integers("ids")})""",
            {"ids": json.dumps(list(story_ids))},
        )
        return {row["story_id"]: row["made_of"] for row in rows}

    def of(self, story_id: int, score: int) -> list[tuple[Reason, int]]:
        """Return a story's counterfactuals for *score*; none if they belong to another score."""
        value = self._db.value(
            "select lines from what_ifs where story_id = :id and score = :score", {"id": story_id, "score": score}
        )
        return (
            [] if value is None else [(Reason.from_plain(condition), other) for condition, other in json.loads(value)]
        )
