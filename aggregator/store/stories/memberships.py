"""Which story each entry belongs to, since when and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aggregator.model import Entry, Membership
from aggregator.store.codec import ENTRY, entry, entry_columns, membership, stamp
from aggregator.store.connection import Connection
from aggregator.store.meaning.embeddings import with_embeddings


class Memberships:
    """Reads `memberships`; `Stories.save` writes them together with their stories."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of_story(self, story_id: int) -> list[tuple[Entry, Membership]]:
        """Return the entries of a story with the reason of each, oldest first."""
        rows = self._db.rows(
            f"""select {ENTRY}, m.* from memberships m join entries e using (entry_id)
            where m.story_id = :id order by e.first_seen_at, e.entry_id""",
            {"id": story_id},
        )
        return [(entry(row), membership(row)) for row in rows]

    def of_story_at(self, story_id: int, at: datetime) -> list[tuple[Entry, Membership]]:
        """Return the entries of a story as `of_story` does, with title and summary at a moment.

        The link is the canonical one, which never changes; other changes of an entry are not recorded.
        """
        then = {
            text: f"""coalesce((select {text}_before from entry_edits x where x.entry_id = e.entry_id and x.at > :at
            order by edit_id limit 1), e.{text})"""
            for text in ("title", "summary")
        }
        rows = self._db.rows(
            f"""select {entry_columns(link="e.canonical_link", **then)}, m.* from memberships m
            join entries e using (entry_id) where m.story_id = :id order by e.first_seen_at, e.entry_id""",
            {"id": story_id, "at": stamp(at)},
        )
        return list(zip(with_embeddings(self._db, list(map(entry, rows))), map(membership, rows), strict=True))

    def story_of(self, entry_id: int) -> int | None:
        """Return the ID of the story of an entry, or None."""
        value: int | None = self._db.value("select story_id from memberships where entry_id = :id", {"id": entry_id})
        return value

    def between(self, since: datetime | None, until: datetime) -> Iterator[tuple[Entry, Membership]]:
        """Yield entries that arrived in (since, until], in order, with their current memberships.

        For restoring the engine, and for training.
        """
        for row in self._db.each(
            f"""select {ENTRY}, m.* from entries e join memberships m using (entry_id)
            where e.first_seen_at > :since and e.first_seen_at <= :until order by e.first_seen_at, e.entry_id""",
            {"since": "" if since is None else stamp(since), "until": stamp(until)},
        ):
            yield entry(row), membership(row)

    def since(self, since: datetime) -> Iterator[Membership]:
        """Yield the memberships of the entries that arrived after *since*, in any order."""
        for row in self._db.each(
            "select m.* from entries e join memberships m using (entry_id) where e.first_seen_at > :since",
            {"since": stamp(since)},
        ):
            yield membership(row)

    def forget_categories(self) -> None:
        """Forget in which category each entry was counted: with other settings it counts in another."""
        self._db.run("update memberships set counted_in = null where counted_in is not null")
