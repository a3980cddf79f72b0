"""Decide whether a date that a feed states can be used.

Observed: year 1, year 9999, 1 January 1970, 31 February, offsets of 25 hours, "Invalid Date", seconds
or milliseconds since 1970 as bare digits. None of them says when an entry appeared, so it counts as
published when it was first seen; what was stated is kept beside it. A date in the future is kept: the
clock is not known here, and `Entry.at` never lets it rank above the moment it was seen.
"""

from __future__ import annotations

import calendar
import re
import time
from datetime import UTC, datetime, timedelta

from feedparser.datetimes import _parse_date

_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"\d\s*[+-](\d\d):?(\d\d)\s*$")
_DAY_FIRST = re.compile(r"\b(\d{1,2})[ -]([A-Za-z]{3})[A-Za-z]*[ -](\d{4})\b")
_TIME = re.compile(r"(?:^|[\sT])(\d\d):(\d\d)(?::(\d\d))?")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_MAX_LENGTH = 100


_RFC_822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) "
    r"(?:GMT|UTC|Z|([+-])(0\d|1[0-4])([0-5]\d))",
    re.ASCII,
)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)")


def from_feed(stated: str) -> datetime | None:
    """Return the moment that a text in an XML feed states, where it is usable: as feedparser reads it.

    The two spellings that nearly all feeds use are read here, without its chain of handlers.
    """
    try:
        if usual := _RFC_822.fullmatch(stated):
            day, month, year, clock, sign, hours, minutes = usual.groups()
            zone = f"{sign}{hours}:{minutes}" if sign else "Z"
            moment = datetime.fromisoformat(f"{year}-{_MONTHS[month]:02}-{day:0>2}T{clock}{zone}")
            return _in_range(moment.astimezone(UTC) if sign else moment)
        if _RFC_3339.fullmatch(stated):
            return _in_range(datetime.fromisoformat(stated).astimezone(UTC))
    except (ValueError, KeyError, OverflowError):
        pass
    return from_parts(stated, _parse_date(stated))


def from_parts(stated: str, parsed: time.struct_time | None) -> datetime | None:
    """Return the moment that feedparser made of *stated*, where it is usable."""
    if parsed is None or not _plausible(stated):
        return None
    try:
        return _in_range(datetime.fromtimestamp(calendar.timegm(parsed), UTC))
    except (ValueError, OverflowError, OSError):
        return None


def from_iso(stated: str) -> datetime | None:
    """Return the moment that an RFC 3339 text states, where it is usable; without a zone it is UTC."""
    text = stated.strip()
    if not _plausible(text) or len(text) < 8:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return _in_range(moment)


def _plausible(stated: str) -> bool:
    text = stated.strip()
    if not text or len(text) > _MAX_LENGTH or (text.isdigit() and len(text) not in (8, 14)):
        return False
    if ":" in text and (offset := _OFFSET.search(text)) and (int(offset[1]) > 14 or int(offset[2]) > 59):
        return False
    # feedparser turns 31 February into 3 March.
    if day_first := _DAY_FIRST.search(text):
        month = _MONTHS.get(day_first[2].capitalize())
        if month and not 1 <= int(day_first[1]) <= calendar.monthrange(int(day_first[3]) or 1, month)[1]:
            return False
    clock = _TIME.search(text)
    return not clock or (int(clock[1]) <= 24 and int(clock[2]) <= 59 and int(clock[3] or 0) <= 60)


def _in_range(moment: datetime) -> datetime | None:
    moment = moment.replace(microsecond=0) if moment.microsecond else moment
    return moment if _FIRST <= moment < _LAST else None


def newest_first(moments: list[datetime | None]) -> list[int]:
    """Return the positions of *moments* from newest to oldest.

    One without a date counts as old as the dated one before it in the document, or as the newest
    where none is before it; equals keep the order of the document.
    """
    keys: list[datetime] = []
    last = _LAST + timedelta(days=1)
    for moment in moments:
        last = moment or last
        keys.append(last)
    return sorted(range(len(keys)), key=lambda i: (-keys[i].timestamp(), i))
