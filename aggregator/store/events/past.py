"""Copy the events of a span of time into another store, to try a configuration on the site's own past.

Entries keep their IDs and first text; edits and decisions follow at their own times. Events that the scorer has not
processed are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from aggregator.store.codec import stamp
from aggregator.store.connection import Connection, Row

Wanted = Callable[[str, str, Sequence[str]], bool]
"""Whether an entry is copied, by its source, title and tags."""


class PastFacts:
    """Reads a store, and writes another one that has no facts but sources."""

    def __init__(self, source: Connection, target: Connection, wanted: Wanted) -> None:
        self._source = source
        self._target = target
        self._wanted = wanted

    def copy(self, since: datetime, until: datetime) -> int:
        """Copy the events in (since, until], in a transaction; return the number of entries."""
        span = {"since": stamp(since), "until": stamp(until)}
        with self._target.transaction():
            copied = self._entries(span)
            self._edits(span)
            self._decisions(span)
        return copied

    def copy_votes(self) -> None:
        """Copy all current votes."""
        self._insert("votes", self._source.rows("select * from votes"))

    def _entries(self, span: dict[str, str]) -> int:
        rows = self._source.rows(
            """select e.*, coalesce((select title_before from entry_edits x where x.entry_id = e.entry_id
                order by edit_id limit 1), e.title) as first_title,
            coalesce((select summary_before from entry_edits x where x.entry_id = e.entry_id
                order by edit_id limit 1), e.summary) as first_summary
            from entries e where e.first_seen_at > :since and e.first_seen_at <= :until
            and not exists (select 1 from pending_steps p where p.source_id = e.source_id
            and p.proposed_at = e.first_seen_at) order by e.entry_id""",
            span,
        )
        wanted = [row for row in rows if self._wanted(row["source_id"], row["first_title"], json.loads(row["tags"]))]
        values = []
        for row in wanted:
            value = dict(row)
            value["title"], value["summary"] = value.pop("first_title"), value.pop("first_summary")
            values.append(value | {"edited_at": None})
        self._insert("entries", values)
        self._target.text_index.add([(value["entry_id"], value["title"], value["summary"]) for value in values])
        ids = json.dumps([value["entry_id"] for value in values])
        placed = self._source.rows(
            f"""select * from entry_embeddings where placed = 1
            and entry_id in (select value from {self._source.dialect.integers("ids")})""",
            {"ids": ids},
        )
        self._insert("entry_embeddings", placed)
        return len(values)

    def _edits(self, span: dict[str, str]) -> None:
        edits = self._source.rows("select * from entry_edits where at > :since and at <= :until order by edit_id", span)
        for edit in edits:
            before = self._target.row("select title, summary from entries where entry_id = :entry_id", dict(edit))
            if before is None:
                continue
            self._insert("entry_edits", [edit])
            self._target.run(
                "update entries set title = :title, summary = :summary, edited_at = :at where entry_id = :entry_id",
                dict(edit),
            )
            entry_id = edit["entry_id"]
            self._target.text_index.replace(
                (entry_id, before["title"], before["summary"]), (entry_id, edit["title"], edit["summary"])
            )

    def _decisions(self, span: dict[str, str]) -> None:
        integers = self._target.dialect.integers("ids")
        for row in self._source.rows("select * from decisions where at > :since and at <= :until order by at", span):
            # A decision about an entry that the edited configuration excludes is dropped.
            named = {id_ for name in ("entry_ids", "other_ids", "into_ids") for id_ in json.loads(row[name])}
            present = self._target.value(
                f"select count(*) from entries where entry_id in (select value from {integers})",
                {"ids": json.dumps(sorted(named))},
            )
            if present == len(named):
                self._insert("decisions", [dict(row) | {"undone_at": None}])
        self._target.run_many(
            "update decisions set undone_at = :undone_at where decision_id = :decision_id",
            [
                dict(row)
                for row in self._source.rows(
                    "select decision_id, undone_at from decisions where undone_at > :since and undone_at <= :until",
                    span,
                )
            ],
        )

    def _insert(self, table: str, rows: Sequence[Row | dict[str, object]]) -> None:
        if not rows:
            return
        values = [dict(row) for row in rows]
        names = list(values[0])
        self._target.run_many(
            f"insert into {table} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})", values
        )
