"""Entries and their edits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from aggregator.errors import StoreFault
from aggregator.model import BACKLOG_AGE, Arrival, Edit, Entry, KnownEntry
from aggregator.store.codec import (
    AS_ARRIVED,
    ENTRY,
    as_json,
    edit,
    entry,
    moment,
    moment_or_none,
    picture_text,
    stamp,
    stamp_or_none,
)
from aggregator.store.connection import Connection, Params
from aggregator.store.meaning.embeddings import with_embeddings


class KnownEntries:
    """Finds stored entries that an item of a feed may be, by index, however old the source is."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def any_of(self, source_id: str) -> bool:
        """Return whether any entry of a source is stored."""
        return (
            self._db.row("select 1 from entries where source_id = :source limit 1", {"source": source_id}) is not None
        )

    def lock(self, source_id: str) -> None:
        """Lock out other processes that store entries of a source, until the transaction ends."""
        self._db.row(f"select 1 from feeds where source_id = :id {self._db.dialect.for_update()}", {"id": source_id})

    def by_identity(
        self, source_id: str, identities: Iterable[str], canonical_links: Iterable[str]
    ) -> list[KnownEntry]:
        """Return the stored entries of a source that match any of these."""
        texts = self._db.dialect.texts
        # From the lists to the entries, each by its index. The other way round (identity in ... or link in ...),
        # SQLite reads every entry of the source, however many years of them there are.
        return self._read(
            f"""select e.entry_id from {texts("identities")} cross join entries e
                where e.source_id = :source and e.identity = value
                union all select e.entry_id from {texts("links")} cross join entries e
                where e.source_id = :source and e.canonical_link = value and e.canonical_link != ''""",
            {
                "source": source_id,
                "identities": json.dumps(list(identities)),
                "links": json.dumps([link for link in canonical_links if link]),
            },
        )

    def by_text(self, source_id: str, dates: Iterable[datetime], titles: Iterable[str]) -> list[KnownEntry]:
        """Return the newest stored entries of a source with one of the dates, or without a date and with a title."""
        texts = self._db.dialect.texts
        return self._read(
            f"""select entry_id from (select e.entry_id from {texts("dates")} cross join entries e
                where e.source_id = :source and e.published_at = value
                union all select e.entry_id from {texts("titles")} cross join entries e
                where e.source_id = :source and e.title = value and e.published_at is null
                order by 1 desc limit {_MAX_ALIKE}) as alike""",
            {"source": source_id, "dates": json.dumps(list(map(stamp, dates))), "titles": json.dumps(list(titles))},
        )

    def _read(self, entry_ids: str, params: Params) -> list[KnownEntry]:
        """Return the entries whose ids the query *entry_ids* gives."""
        rows = self._db.rows(
            f"""select entry_id, identity, link, title, summary, stated_at, published_at, digest, edited_at from entries
            where entry_id in ({entry_ids}) order by entry_id""",
            params,
        )
        earlier = self._earlier([row["entry_id"] for row in rows if row["edited_at"] is not None])
        return [
            KnownEntry(
                entry_id=row["entry_id"],
                identity=row["identity"],
                link=row["link"],
                title=row["title"],
                summary=row["summary"],
                stated_at=row["stated_at"],
                published_at=moment_or_none(row["published_at"]),
                digest=row["digest"],
                earlier=frozenset(earlier.get(row["entry_id"], ())),
            )
            for row in rows
        ]

    def _earlier(self, entry_ids: list[int]) -> dict[int, list[tuple[str, str]]]:
        """Return earlier titles and summaries, by entry."""
        earlier: dict[int, list[tuple[str, str]]] = {}
        if not entry_ids:
            return earlier
        for row in self._db.rows(
            f"""select entry_id, title_before, summary_before from entry_edits
            where entry_id in (select value from {self._db.dialect.integers("ids")})""",
            {"ids": json.dumps(entry_ids)},
        ):
            earlier.setdefault(row["entry_id"], []).append((row["title_before"], row["summary_before"]))
        return earlier

    def texts(self, source_id: str, identities: Iterable[str]) -> dict[str, tuple[str, str, str, int]]:
        """Return digest, content, summary and word count of the stored entries with these identities."""
        rows = self._db.rows(
            f"""select e.identity, e.digest, e.content, e.summary, e.words
            from {self._db.dialect.texts("identities")} cross join entries e
            where e.source_id = :source and e.identity = value""",
            {"source": source_id, "identities": json.dumps(list(identities))},
        )
        return {row["identity"]: (row["digest"], row["content"], row["summary"], row["words"]) for row in rows}


class Entries:
    """`entries` and `entry_edits`, with their text index."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Writing: all of it inside the transaction of one poll.

    def arrival_moment(self, now: datetime) -> datetime:
        """Return the moment to propose for a poll or decision at *now*: later than any stored moment.

        Other processes may propose the same moment, or store an earlier one later; the scorer settles the order
        (`events.pending`).
        """
        last = self._db.value(
            """select max(m) from (select max(first_seen_at) as m from entries
            union all select max(at) from entry_edits
            union all select max(at) from decisions union all select max(undone_at) from decisions) as moments"""
        )
        if last is None:
            return now
        return max(now, moment(last) + timedelta(microseconds=1))

    def add(
        self, source_id: str, arrivals: Sequence[Arrival], at: datetime, *, first_document: bool = False
    ) -> list[int]:
        """Store new entries, first seen at *at*; return their ids in order.

        first_document: it is the first document of the source, so entries without a usable date are backlog
        """
        if not arrivals:
            return []
        moment = stamp(at)
        future = at + _FAR_FUTURE
        ids = self._db.insert_rows(
            "entries",
            ("source_id", "first_seen_at", "identity", "backlog", *_COLUMNS),
            [
                (
                    source_id,
                    moment,
                    arrival.identity,
                    int(first_document and (arrival.draft.published_at is None or arrival.draft.published_at > future)),
                    *_values(arrival),
                )
                for arrival in arrivals
            ],
            "entry_id",
        )
        drafts = [arrival.draft for arrival in arrivals]
        self._db.text_index.add(
            [(entry_id, draft.title, draft.summary) for entry_id, draft in zip(ids, drafts, strict=True)]
        )
        return ids

    def edit(self, entry_id: int, arrival: Arrival, at: datetime) -> None:
        """Update an entry to the current item, and keep the earlier text; StoreFault if it is gone."""
        before = self._db.row("select title, summary from entries where entry_id = :id", {"id": entry_id})
        if before is None:
            raise _changed_meanwhile(entry_id)
        draft = arrival.draft
        self._db.run(
            """insert into entry_edits (entry_id, at, title_before, title, summary_before, summary)
            values (:id, :at, :title_before, :title, :summary_before, :summary)""",
            {
                "id": entry_id,
                "at": stamp(at),
                "title_before": before["title"],
                "title": draft.title,
                "summary_before": before["summary"],
                "summary": draft.summary,
            },
        )
        self.refresh(entry_id, arrival)
        self._db.run("update entries set edited_at = :at where entry_id = :id", {"id": entry_id, "at": stamp(at)})
        self._db.text_index.replace(
            (entry_id, before["title"], before["summary"]), (entry_id, draft.title, draft.summary)
        )

    def refresh(self, entry_id: int, arrival: Arrival) -> None:
        """Update an entry whose title and summary have not changed.

        Its date, language and canonical link do not change: publishers update dates with every change, which would put
        old news first again, and a rebuild must come to the same order.

        StoreFault if it is gone.
        """
        recognized = self._db.run_counted(
            """update entries set link = :link, title = :title, summary = :summary, content = :content,
            author = :author, tags = :tags, picture = :picture, words = :words, digest = :digest,
            points_to = :points_to, discussion = :discussion, origin_name = :origin_name, origin_url = :origin_url,
            enclosure = :enclosure
            where entry_id = :entry_id""",
            {"entry_id": entry_id, **dict(zip(_COLUMNS, _values(arrival), strict=True))},
        )
        if not recognized:
            raise _changed_meanwhile(entry_id)

    # Reading.

    def count(self) -> int:
        """Return how many entries are stored."""
        return int(self._db.value("select count(*) from entries"))

    def get(self, entry_id: int) -> Entry | None:
        """Return one entry, or None."""
        row = self._db.row(f"select {ENTRY} from entries e where entry_id = :id", {"id": entry_id})
        return None if row is None else entry(row)

    def of_source(self, source_id: str, limit: int = 50) -> list[Entry]:
        """Return what a source published, newest first."""
        rows = self._db.rows(
            f"""select {ENTRY} from entries e where source_id = :id
            order by first_seen_at desc, coalesce(published_at, '') desc, entry_id desc limit :limit""",
            {"id": source_id, "limit": limit},
        )
        return [entry(row) for row in rows]

    def edits(self, entry_id: int) -> list[Edit]:
        """Return how an entry changed, oldest first."""
        rows = self._db.rows("select * from entry_edits where entry_id = :id order by edit_id", {"id": entry_id})
        return [edit(row) for row in rows]

    def arrival_of_newest(self, number: int) -> datetime | None:
        """Return the arrival of the entry that has *number* newer ones; None if there are fewer."""
        return moment_or_none(
            self._db.value(
                "select first_seen_at from entries order by first_seen_at desc limit 1 offset :number",
                {"number": number},
            )
        )

    def as_arrived(self, entry_ids: Sequence[int]) -> list[Entry]:
        """Return those of these entries that are stored, in order of arrival, with the text before any edit."""
        rows = self._db.rows(
            f"""select {AS_ARRIVED} from entries e
            where entry_id in (select value from {self._db.dialect.integers("ids")})
            order by first_seen_at, entry_id""",
            {"ids": json.dumps(list(entry_ids))},
        )
        return with_embeddings(self._db, [entry(row) for row in rows])

    def headlines_since(self, after: datetime) -> Iterator[tuple[int, str, str, datetime, datetime]]:
        """Yield entry, source, title, arrival and date of what arrived or was edited later than *after*.

        In order of arrival, with current titles; far cheaper than whole entries. Entries that the scorer has not
        processed are left out.
        """
        for row in self._db.each(
            """select entry_id, source_id, title, first_seen_at, published_at, backlog from entries e
            where (first_seen_at > :after or entry_id in (select entry_id from entry_edits where at > :after))
            and not exists (select 1 from pending_steps p where p.source_id = e.source_id
            and p.proposed_at = e.first_seen_at)
            order by first_seen_at, entry_id""",
            {"after": stamp(after)},
        ):
            arrived_at = moment(row["first_seen_at"])
            published_at = moment_or_none(row["published_at"]) or arrived_at
            if row["backlog"]:
                published_at = arrived_at - BACKLOG_AGE
            yield row["entry_id"], row["source_id"], row["title"], arrived_at, min(published_at, arrived_at)

    def each(self) -> Iterator[Entry]:
        """Yield every entry in order of arrival, with its current text and the embedding used in clustering."""
        rows = self._db.each(f"select {ENTRY} from entries e order by first_seen_at, entry_id")
        while some := list(islice(rows, 500)):
            yield from with_embeddings(self._db, [entry(row) for row in some])

    def prune(self, before: datetime) -> int:
        """Delete entries first seen before *before*, with their edits; return how many."""
        params = {"before": stamp(before)}
        self._db.text_index.remove(before)
        self._db.run(
            "delete from entry_edits where entry_id in (select entry_id from entries where first_seen_at < :before)",
            params,
        )
        count = int(self._db.value("select count(*) from entries where first_seen_at < :before", params))
        # Deleted entries that are still in a document arrive again.
        self._db.run(
            """delete from documents where source_id in
            (select source_id from entries where first_seen_at < :before)""",
            params,
        )
        self._db.run("delete from entries where first_seen_at < :before", params)
        return count


def _changed_meanwhile(entry_id: int) -> StoreFault:
    # The poll is stored again, or repeated, and then finds the entry under its new ID.
    return StoreFault(f"entry {entry_id} was given another ID (`cluster.entry_numbers`) or pruned by another process")


# As tuples in one order: a first poll writes many rows, and names are looked up for each value of each.
_COLUMNS = (
    *("link", "canonical_link", "title", "summary", "content", "author", "tags", "language", "picture", "words"),
    *("stated_at", "published_at", "digest", "points_to", "discussion", "origin_name", "origin_url"),
    "enclosure",
)
_MAX_ALIKE = 500
"""Entries of one date that are compared: some feeds date all of their items at the last build."""
_FAR_FUTURE = timedelta(days=1)
"""No wrong time zone explains a date further ahead: it is the date of an event, or meaningless."""


def _values(arrival: Arrival) -> tuple[str | int | None, ...]:
    """Return the values of `_COLUMNS`."""
    draft = arrival.draft
    return (
        draft.link,
        arrival.canonical_link,
        draft.title,
        draft.summary,
        draft.content,
        draft.author,
        as_json(draft.tags) if draft.tags else "[]",
        draft.language,
        picture_text(draft.picture),
        arrival.word_count,
        draft.stated_at,
        stamp_or_none(draft.published_at),
        arrival.digest,
        draft.points_to,
        draft.discussion,
        draft.origin_name,
        draft.origin_url,
        as_json(draft.enclosure) if draft.enclosure else None,
    )
