"""The archive of front pages: the stories shown, with their headlines and scores at the time.

A fact, although scoring made it: readers saw it, and a rebuild uses the current model and settings. So a rebuild keeps
it, and two sites with the same entries may have shown different pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection, upsert

EVERY = timedelta(minutes=10)
"""Least time between two archived pages: the order changes every few minutes on a busy day, mostly far below."""
FRONT = 20
SECTION = 5
"""Stories of the front page's list and of each category's: about 5 kB."""
ALL_FOR, HOURLY_FOR = timedelta(days=7), timedelta(days=90)
"""Ages from which only one page an hour, and one a day, is kept: 16 MB for three months, 2 MB for each year after."""


@dataclass(frozen=True, slots=True)
class ListedThen:
    """A story as it was shown."""

    story_id: int
    headline: str
    score: int
    provisional: bool
    sources: int
    independent_sources: int
    category_id: str


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The lists of a front page at a moment; "" is the front page, others are categories."""

    at: datetime
    lists: Mapping[str, tuple[ListedThen, ...]]


class FrontPages:
    """`front_pages`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def keep(self, now: datetime) -> bool:
        """Archive the current ranking if its order changed; return whether it did.

        Part of the transaction that ranks. At most one page is archived within `EVERY`.
        """
        last = self._db.row("select at, lists from front_pages order by at desc limit 1")
        # A clock that was set back must not stop the archive until it has caught up.
        if last is not None and timedelta() <= now - moment(last["at"]) < EVERY:
            return False
        lists = self._present()
        if not lists or (last is not None and _order(json.loads(last["lists"])) == _order(lists)):
            return False
        self._db.run(
            upsert("front_pages", ("at",), ("lists",)),
            {"at": stamp(now), "lists": json.dumps(lists, ensure_ascii=False, separators=(",", ":"))},
        )
        return True

    def at(self, moment_: datetime) -> FrontPage | None:
        """Return the front page at a moment; None before the first one."""
        row = self._db.row(
            "select at, lists from front_pages where at <= :at order by at desc limit 1", {"at": stamp(moment_)}
        )
        if row is None:
            return None
        lists = {name: tuple(ListedThen(*parts) for parts in rows) for name, rows in json.loads(row["lists"]).items()}
        return FrontPage(moment(row["at"]), lists)

    def before(self, moment_: datetime) -> datetime | None:
        """Return the time of the last page before *moment_*, or None."""
        value = self._db.value("select max(at) from front_pages where at < :at", {"at": stamp(moment_)})
        return None if value is None else moment(value)

    def after(self, moment_: datetime) -> datetime | None:
        """Return the time of the first page after *moment_*, or None."""
        value = self._db.value("select min(at) from front_pages where at > :at", {"at": stamp(moment_)})
        return None if value is None else moment(value)

    def count(self) -> int:
        """Return the number of pages."""
        return int(self._db.value("select count(*) from front_pages"))

    def drop_after(self, moment_: datetime) -> None:
        """Delete the pages after *moment_*."""
        self._db.run("delete from front_pages where at > :at", {"at": stamp(moment_)})

    def thin(self, now: datetime, before: datetime | None = None) -> int:
        """Thin out older pages, and delete those from before *before*; return how many were deleted.

        The last page of an hour, or of a day, is kept.
        """
        before_count = self.count()
        for older_than, digits in ((ALL_FOR, len("2026-11-17T08")), (HOURLY_FOR, len("2026-11-17"))):
            self._db.run(
                """delete from front_pages where at < :until and at not in
                (select max(at) from front_pages where at < :until group by substr(at, 1, :digits))""",
                {"until": stamp(now - older_than), "digits": digits},
            )
        if before is not None:
            self._db.run("delete from front_pages where at < :before", {"before": stamp(before)})
        return before_count - self.count()

    def _present(self) -> dict[str, list[list[str | int | bool]]]:
        rows = self._db.rows(
            """select r.list, s.story_id, s.headline, s.score, s.provisional, s.sources, s.independent_sources,
            s.category_id from ranking r join stories s using (story_id)
            where r.rank <= case r.list when '' then :front else :section end order by r.list, r.rank""",
            {"front": FRONT, "section": SECTION},
        )
        lists: dict[str, list[list[str | int | bool]]] = {}
        for name, *parts in rows:
            lists.setdefault(name, []).append([*parts[:3], bool(parts[3]), *parts[4:]])
        return lists


def _order(lists: Mapping[str, list[list[str | int | bool]]]) -> dict[str, list[str | int | bool]]:
    return {name: [row[0] for row in rows] for name, rows in lists.items()}
