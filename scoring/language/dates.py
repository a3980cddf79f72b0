"""Recognise dates, times of day and names of days among the words of a text.

The date of publication, or the day that a column is for, does not identify an event. So these words are not evidence
that two texts report one event, and two headlines that name different days are evidence against it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MONTH_NAMES = (
    "january jan januar janvier enero gennaio",
    "february feb februar février febrero febbraio",
    "march mar märz mars marzo",
    "april apr avril abril aprile",
    "may mai mayo maggio",
    "june jun juni juin junio giugno",
    "july jul juli juillet julio luglio",
    "august aug août agosto",
    "september sep sept septembre septiembre settembre",
    "october oct oktober octobre octubre ottobre",
    "november nov novembre noviembre",
    "december dec dezember décembre diciembre dicembre",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_DAY_WORDS = """
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun today
    tonight tomorrow yesterday weekend montag dienstag mittwoch donnerstag freitag samstag sonntag heute gestern
    lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo hoy
    сегодня вчера завтра понедельник вторник среда четверг пятница суббота воскресенье
"""
_DAYS = frozenset(_DAY_WORDS.split())
_ZONE_WORDS = """
    am pm et est edt ct cst cdt mt mst mdt pt pst pdt gmt utc bst cet cest ist
"""
_ZONES = frozenset(_ZONE_WORDS.split())
_CLOCK = re.compile(r"\d{1,2}(?:\.\d\d)?(?:am|pm)|\d\d(?:am|pm)")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")


_NAMED = frozenset([*_MONTHS, *_DAYS])
_DIGIT = re.compile("[0-9]")


def has_dates_or_numbers(tokens: Sequence[str]) -> bool:
    """Return whether any of *tokens* may be a number or part of a date; False saves looking at each of them."""
    joined = " ".join(tokens)
    return not joined.isascii() or _DIGIT.search(joined) is not None or not _NAMED.isdisjoint(tokens)


def is_year(word: str) -> bool:
    """Return whether a word is a recent or near year."""
    return len(word) == 4 and word.isdigit() and "1990" <= word <= "2059"


def mark_dates(tokens: Sequence[str]) -> tuple[list[bool], frozenset[str]]:
    """Return for each word whether it is part of a date or time, and the dates themselves.

    tokens: case folded, as `aggregator.text.tokens` gives them

    A date is "month-day", or the three numbers that it is written with.

    >>> mark_dates(["answers", "for", "november", "17"])
    ([False, False, True, True], frozenset({'11-17'}))
    """
    marked = [False] * len(tokens)
    dates: set[str] = set()
    for i, word in enumerate(tokens):
        if marked[i]:
            continue
        if word[0].isdigit():
            if _is_numeric_date(tokens[i : i + 3]):
                marked[i : i + 3] = [True] * 3
                dates.add("/".join(tokens[i : i + 3]))
            elif is_year(word):
                marked[i] = True
            elif _CLOCK.fullmatch(word):
                _mark_time(tokens, marked, i)
        elif word in _MONTHS:
            day = _day_beside(tokens, i)
            if day is not None:
                at, number = day
                marked[i] = marked[at] = True
                dates.add(f"{_MONTHS[word]}-{number}")
            elif i + 1 < len(tokens) and is_year(tokens[i + 1]):
                marked[i] = marked[i + 1] = True
        elif word in _DAYS:
            marked[i] = True
    return marked, frozenset(dates)


def _day_beside(tokens: Sequence[str], i: int) -> tuple[int, int] | None:
    """Return position and number of the day after or before the month at *i*."""
    for j in (i + 1, i - 1):
        if 0 <= j < len(tokens):
            match = _DAY_OF_MONTH.fullmatch(tokens[j])
            if match and 1 <= int(match[1]) <= 31:
                return j, int(match[1])
    return None


def _is_numeric_date(three: Sequence[str]) -> bool:
    """Return whether three numbers are a date: 11/28/2026, 2026-11-28."""
    if len(three) < 3 or not all(word.isdigit() for word in three):
        return False
    first, middle, last = three
    return len(middle) <= 2 and ((is_year(first) and len(last) <= 2) or (is_year(last) and len(first) <= 2))


def _mark_time(tokens: Sequence[str], marked: list[bool], i: int) -> None:
    """Mark a time of day, with the hour before its minutes and the time zone after it."""
    marked[i] = True
    if i and tokens[i - 1].isdigit() and len(tokens[i - 1]) < 3:
        marked[i - 1] = True
    if i + 1 < len(tokens) and tokens[i + 1] in _ZONES:
        marked[i + 1] = True
