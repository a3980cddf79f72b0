"""The scorecard: the site's past that it reads, and its results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aggregator.store.codec import moment, stamp
from aggregator.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a scorecard."""

    window_days: int
    category_id: str
    """"" is all of them together."""
    name: str
    method: str
    """ "site", or the rule that it is compared with."""
    value: float | None
    """None: too few cases."""
    low: float | None
    """With `high`, the 95 % bootstrap interval; None: no interval."""
    high: float | None
    cases: int
    needed: int


@dataclass(frozen=True, slots=True)
class PastStory:
    """The final state of a story."""

    category_id: str
    merged_into: int | None


class Scorecards:
    """`measures` and `measure_tables`; reads entries, memberships, stories, ledger and front pages."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # What happened

    def arrivals(self, since: datetime, until: datetime) -> Iterator[tuple[int, int, datetime, str]]:
        """Yield entry, story, time and voice of the arrivals after *since*, in order."""
        for row in self._db.each(
            """select e.entry_id, m.story_id, e.first_seen_at, m.voice from entries e join memberships m
            using (entry_id) where e.first_seen_at > :since and e.first_seen_at <= :until
            order by e.first_seen_at, e.entry_id""",
            {"since": stamp(since), "until": stamp(until)},
        ):
            yield row["entry_id"], row["story_id"], moment(row["first_seen_at"]), row["voice"]

    def scores(self, since: datetime) -> Iterator[tuple[int, datetime, int]]:
        """Yield story, moment and score of every line of the ledger after *since*, in order."""
        for row in self._db.each(
            "select story_id, at, score_after from ledger where at > :since order by line_id", {"since": stamp(since)}
        ):
            yield row["story_id"], moment(row["at"]), row["score_after"]

    def stories(self) -> dict[int, PastStory]:
        """Return every story, by id."""
        rows = self._db.rows("select story_id, category_id, merged_into from stories")
        return {row["story_id"]: PastStory(row["category_id"], row["merged_into"]) for row in rows}

    def front_pages(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, list[int]]]:
        """Yield the last front page of each hour: when, and its stories in order."""
        for row in self._db.rows(
            """select at, lists from front_pages where at in (select max(at) from front_pages
            where at > :since and at <= :until group by substr(at, 1, 13)) order by at""",
            {"since": stamp(since), "until": stamp(until)},
        ):
            yield moment(row["at"]), [parts[0] for parts in json.loads(row["lists"]).get("", [])]

    # What was measured

    def save(self, day: date, measures: Sequence[Measure], tables: Mapping[tuple[int, str], Any]) -> None:
        """Store the scorecard of a night, replacing an earlier one of the same night.

        tables: JSON values, by window and name
        """
        for table in ("measures", "measure_tables"):
            self._db.run(f"delete from {table} where day = :day", {"day": day.isoformat()})
        self._db.run_many(
            """insert into measures (day, window_days, category_id, name, method, value, low, high, cases, needed)
            values (:day, :window, :category, :name, :method, :value, :low, :high, :cases, :needed)""",
            [
                {
                    "day": day.isoformat(),
                    "window": m.window_days,
                    "category": m.category_id,
                    "name": m.name,
                    "method": m.method,
                    "value": m.value,
                    "low": m.low,
                    "high": m.high,
                    "cases": m.cases,
                    "needed": m.needed,
                }
                for m in measures
            ],
        )
        self._db.run_many(
            "insert into measure_tables (day, window_days, name, content) values (:day, :window, :name, :content)",
            [
                {"day": day.isoformat(), "window": window, "name": name, "content": json.dumps(content)}
                for (window, name), content in tables.items()
            ],
        )

    def latest(self) -> date | None:
        """Return the night of the newest scorecard, or None."""
        day = self._db.value("select max(day) from measures")
        return None if day is None else date.fromisoformat(day)

    def of(self, day: date) -> list[Measure]:
        """Return the numbers of a night, in arbitrary order."""
        rows = self._db.rows(
            """select window_days, category_id, name, method, value, low, high, cases, needed from measures
            where day = :day order by window_days, category_id, name, method""",
            {"day": day.isoformat()},
        )
        return [Measure(*row) for row in rows]

    def tables(self, day: date) -> dict[tuple[int, str], Any]:
        """Return the tables of a night, by window and name."""
        rows = self._db.rows(
            "select window_days, name, content from measure_tables where day = :day", {"day": day.isoformat()}
        )
        return {(row["window_days"], row["name"]): json.loads(row["content"]) for row in rows}

    def history(self, name: str, window_days: int, method: str = "site") -> list[tuple[date, float]]:
        """Return the history of a number for all categories, oldest first, without nights that lack it."""
        rows = self._db.rows(
            """select day, value from measures where name = :name and window_days = :window and method = :method
            and category_id = '' and value is not null order by day""",
            {"name": name, "window": window_days, "method": method},
        )
        return [(date.fromisoformat(row["day"]), row["value"]) for row in rows]
