"""Read the date that a feed states: the moment that is meant, or nothing.

Knows the spellings of dates on the web: RFC 822, RFC 3339 and W3C with their variants, zone names and
offsets, clocks with AM and PM, numeric orders, seconds since 1970, and month names in `month_names`.
A date is understood whole or not at all: what is left over after reading makes it unreadable.

Observed: year 1, year 9999, 1 January 1970, 31 February, offsets of 25 hours, "Invalid Date". None of them
says when an entry appeared, so they are no date; the stated text is kept as well. A date in the future is
kept: the clock is not known here, and `Entry.at` never lets it rank above the moment it was seen. A day
without a time is its midnight, a time without a zone is UTC. A month or a year alone is no moment.

What is written alike in several countries is read where the country is known (`regions`): 03/04/2026 (April or March),
IST (India, Israel or Ireland).
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import UTC, datetime, timedelta

from aggregator.parse.dates.clock import WEEKDAYS, WORD_BEHIND, check_clock, time_of_day, time_zone
from aggregator.parse.dates.days import FILLERS, day_of
from aggregator.parse.dates.month_names import OtherLanguages, month_of
from aggregator.parse.dates.regions import NOWHERE, Region

_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)
_MAX_CHARS = 100
_ENGLISH = {name: number for number, name in enumerate(calendar.month_abbr) if name}

_RFC_822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) "
    r"(?:GMT|UTC|Z|([+-])(0\d|1[0-4])([0-5]\d))",
    re.ASCII,
)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)")


class DateReader:
    """Reads the dates of one document; it remembers how months are called in a language that is not in the tables."""

    def __init__(self) -> None:
        self._months = OtherLanguages()

    def read(self, stated: str, language: str = "", region: Region = NOWHERE) -> datetime | None:
        """Return the moment that a feed states, where it is usable, in UTC without fractions of seconds.

        language: of the feed, for names of months that mean another one elsewhere
        region:   how dates are written where the feed is from

        The two spellings that nearly all feeds use are read first; a grammar reads the others.
        """
        try:
            if usual := _RFC_822.fullmatch(stated):
                day, month, year, clock, sign, hours, minutes = usual.groups()
                zone = f"{sign}{hours}:{minutes}" if sign else "Z"
                moment = datetime.fromisoformat(f"{year}-{_ENGLISH[month]:02}-{day:0>2}T{clock}{zone}")
                return _in_range(moment.astimezone(UTC) if sign else moment)
            if _RFC_3339.fullmatch(stated):
                return _in_range(datetime.fromisoformat(stated).astimezone(UTC))
        except (ValueError, KeyError, OverflowError):
            pass
        text = " ".join(stated.split())
        if not text or len(text) > _MAX_CHARS:
            return None
        try:
            text = _folded(text)
            if _EPOCH.fullmatch(text):
                return _since_1970(float(text))
            if not any(character.isdigit() for character in text):
                return None
            return _in_range(_moment(text, language, self._months, region))
        except _UNREADABLE:
            return None


# The grammar: the clock, its zone, then the day are taken out of the text one after the other.

_UNREADABLE = (ValueError, OverflowError, KeyError, OSError)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u061c]")
_EPOCH = re.compile(r"(?:\d{10}|\d{13})(?:\.\d{1,9})?", re.ASCII)
_ZONED_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(z|[+-]\d\d:?\d\d)", re.ASCII)
_HOUR_ALONE = re.compile(r"(?<=^\d{4}-\d\d-\d\dt\d\d)(?=z|[+-]|$)", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t?(\d\d):?(\d\d)(?::?(\d\d))?)?(?=$|z|[+-])", re.ASCII)


def _folded(text: str) -> str:
    """Return *text* in lower case with ASCII digits and signs, without invisible characters."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
        text = text.translate({0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2212: "-", 0x2019: "'"})
        text = " ".join(text.split())
    return text.lower().replace("i̇", "i")


def _since_1970(seconds: float) -> datetime | None:
    if 10**12 <= seconds < 10**13:
        seconds /= 1_000
    try:
        return _in_range(datetime.fromtimestamp(int(seconds), UTC)) if 10**8 <= seconds < 10**11 else None
    except _UNREADABLE:
        return None


def _moment(text: str, language: str, others: OtherLanguages, region: Region) -> datetime:
    """Return the moment that all of *text* states; ValueError if something in it is not understood."""
    text = _HOUR_ALONE.sub(":00", text)
    if zoned := _ZONED_DAY.fullmatch(text):
        zone, _ = time_zone(zoned[2], {})
        return day_of(zoned[1], language, others, region) - (zone if isinstance(zone, timedelta) else timedelta())
    if compact := _COMPACT.match(text):
        year, month, *_ = compact.groups()
        hour, minute, second = (int(part or 0) for part in compact.groups()[3:])
        check_clock(hour, minute, second)
        clock: timedelta | None = timedelta(hours=hour, minutes=minute, seconds=second)
        before, after = f"{year}-{month}-{compact[3]}", text[compact.end() :]
    else:
        before, clock, after = time_of_day(text)
    if clock is None:
        return day_of(before, language, others, region)
    zone, after = time_zone(after, region.zones)
    if zone is None and (word := WORD_BEHIND.match(after)) and not _belongs_to_a_day(word[1], language):
        raise ValueError("a word behind the clock that is not understood: IST, or a zone that nobody knows")
    day = day_of(f"{before} {after}" if after.strip(" ,.;") else before, language, others, region)
    local = day.replace(tzinfo=None) + clock
    if isinstance(zone, timedelta):
        return (local - zone).replace(tzinfo=UTC)
    return local.replace(tzinfo=zone or UTC).astimezone(UTC)


def _belongs_to_a_day(word: str, language: str) -> bool:
    if len(word) == 1 and word.isascii():
        return False  # a zone as armies have them
    return word in FILLERS or word[:3] in WEEKDAYS or bool(month_of(word, language))


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
