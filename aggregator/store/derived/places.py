"""The parts of the positions of listed stories."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aggregator.store.connection import Connection

PlaceRow = tuple[str, float, float]
"""The name of a part of a position, its log-odds, and the number it is based on."""


class Places:
    """`places`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def replace(self, places: Mapping[int, Sequence[PlaceRow]]) -> None:
        """Replace the positions with those of the currently listed stories."""
        self._db.run("delete from places")
        self._db.run_many(
            "insert into places (story_id, parts) values (:story_id, :parts)",
            [{"story_id": story_id, "parts": json.dumps(list(parts))} for story_id, parts in sorted(places.items())],
        )

    def of(self, story_id: int) -> list[PlaceRow]:
        """Return the parts of a story's position; none if it is in no list."""
        text = self._db.value("select parts from places where story_id = :id", {"id": story_id})
        return [] if text is None else [(name, value, amount) for name, value, amount in json.loads(text)]
