"""IDs of entries in order of arrival, where several processes store entries.

A process takes the IDs of its entries from a sequence before it commits, so among several the order of IDs is not the
order in which the scorer takes their steps. Stories are named for their first entry and read by ID, so the scorer
assigns new IDs, in the transaction that settles a step, to entries that follow others with higher IDs. With a single
process there are none. Only the tables that are updated here refer to an entry before it is in a story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator.store.connection import Connection

NewIds = Mapping[int, int]
"""The new IDs of entries, by those that they were stored with."""


class EntryNumbers:
    """Keeps IDs ascending in the order of steps."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def last(self) -> int:
        """Return the highest ID of an entry in a story, 0 without one."""
        return int(self._db.value("select coalesce(max(entry_id), 0) from memberships"))

    def fresh(self, entry_ids: Sequence[int]) -> NewIds:
        """Return a new ID, higher than all before, for each of these entries, in order."""
        rows = self._db.rows(
            """select nextval(pg_get_serial_sequence('entries', 'entry_id')) as id
            from generate_series(1, :count) order by 1""",
            {"count": len(entry_ids)},
        )
        return dict(zip(entry_ids, (int(row["id"]) for row in rows), strict=True))

    def write(self, new: NewIds) -> None:
        """Assign new IDs; part of the transaction that settles the step."""
        self._db.run_many(_RENUMBER, [{"old": old, "new": number} for old, number in new.items()])


# One statement: the foreign keys are checked at its end.
_RENUMBER = """
    with edits as (update entry_edits set entry_id = :new where entry_id = :old),
    embeddings as (update entry_embeddings set entry_id = :new where entry_id = :old),
    words as (update entry_words set entry_id = :new where entry_id = :old),
    languages as (update entry_languages set entry_id = :new where entry_id = :old)
    update entries set entry_id = :new where entry_id = :old
"""
