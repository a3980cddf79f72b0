"""Which span of time a digest covers: a day or a week of the site's own calendar.

Pure. Weeks are those of ISO 8601, Monday to Sunday.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Edition:
    """A day or a week."""

    name: str
    """`2026-11-27` or `2026-W48`: the last part of its address."""
    first: date
    days: int
    begin: datetime
    end: datetime
    """The first moment after it, in UTC as *begin* is."""

    @property
    def is_week(self) -> bool:
        """Whether it is a week."""
        return self.days == 7

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + (self.days - 1) * _DAY


def day(first: date, timezone: str) -> Edition:
    """Return the edition of a day."""
    return Edition(first.isoformat(), first, 1, *_span(first, first + _DAY, timezone))


def week(any_day: date, timezone: str) -> Edition:
    """Return the edition of the week that a day is in."""
    first = any_day - any_day.weekday() * _DAY
    year, number, _ = first.isocalendar()
    return Edition(f"{year}-W{number:02}", first, 7, *_span(first, first + _WEEK, timezone))


def named(name: str, timezone: str) -> Edition | None:
    """Return the edition of that name, None if there is no such day or week."""
    try:
        if match := re.fullmatch(r"(\d{4})-W(\d{2})", name):
            return week(date.fromisocalendar(int(match[1]), int(match[2]), 1), timezone)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name):
            return day(date.fromisoformat(name), timezone)
    except (ValueError, OverflowError):
        return None
    return None


def neighbor(edition: Edition, steps: int, timezone: str) -> Edition:
    """Return the edition *steps* later, or earlier where that is negative."""
    first = edition.first + steps * edition.days * _DAY
    return week(first, timezone) if edition.is_week else day(first, timezone)


def of_moment(moment: datetime, timezone: str) -> tuple[Edition, Edition]:
    """Return the day and the week that a moment is in."""
    local = moment.astimezone(ZoneInfo(timezone)).date()
    return day(local, timezone), week(local, timezone)


def _span(first: date, after: date, timezone: str) -> tuple[datetime, datetime]:
    """Return midnight to midnight in UTC; a day may have 23 or 25 hours."""
    zone = ZoneInfo(timezone)
    return (
        datetime.combine(first, time(), zone).astimezone(UTC),
        datetime.combine(after, time(), zone).astimezone(UTC),
    )
