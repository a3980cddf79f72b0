"""Recognise dates, times of day and names of days among the words of a text.

The date of publication, or the day that a column is for, does not identify an event. So these words are not evidence
that two texts report one event, and two headlines that name different days are evidence against it.

Names are of the languages that most feeds are in: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
Swedish, Turkish and Russian. Chinese, Japanese and Korean write months and days as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aggregator.text.tokens import words

_MONTH_NAMES = (
    "january jan januar janvier enero gennaio janeiro januari января stycznia ocak",
    "february feb februar février febrero febbraio fevereiro februari февраля lutego şubat",
    "march mar märz mars marzo março maart марта marca mart",
    "april apr avril abril aprile апреля kwietnia nisan",
    "may mai mayo maggio maio mei maj мая maja mayıs",
    "june jun juni juin junio giugno junho июня czerwca haziran",
    "july jul juli juillet julio luglio julho июля lipca temmuz",
    "august aug août agosto augustus augusti августа sierpnia ağustos",
    "september sep sept septembre septiembre settembre setembro сентября września eylül",
    "october oct oktober octobre octubre ottobre outubro октября października ekim",
    "november nov novembre noviembre novembro ноября listopada kasım",
    "december dec dezember décembre diciembre dicembre dezembro декабря grudnia aralık",
)
_DAY_WORDS = """
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun today
    tonight tomorrow yesterday weekend montag dienstag mittwoch donnerstag freitag samstag sonntag heute gestern
    lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo hoy
    lunedì martedì mercoledì giovedì venerdì sabato domenica oggi ieri terça-feira hoje ontem
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag vandaag gisteren
    poniedziałek wtorek środa czwartek piątek sobota niedziela dzisiaj wczoraj
    måndag tisdag onsdag torsdag fredag lördag söndag bugün
    сегодня вчера завтра понедельник вторник среда среду четверг пятница пятницу суббота субботу воскресенье
    今日 今天 本日 昨日 昨天 明日 明天 月曜 火曜 水曜 木曜 金曜 土曜 日曜 曜日 周一 周二 周三 周四 周五 周六 周日
"""


def _folded(names: str) -> list[str]:
    """Return names as `words` spells them, the first word of each."""
    return [words(name)[0] for name in names.split()]


_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in _folded(names)}
_DAYS = frozenset(_folded(_DAY_WORDS))
_BEFORE_FEIRA = frozenset(_folded("segunda terça quarta quinta sexta"))
"""Portuguese names of days, which are ordinals without the second word."""
_OF = frozenset(("de", "of", "di"))
_AFTER_YEAR = frozenset(("года", "г", "年"))
_ZONE_WORDS = """
    am pm et est edt ct cst cdt mt mst mdt pt pst pdt gmt utc bst cet cest ist
"""
_ZONES = frozenset(_ZONE_WORDS.split())
_CLOCK = re.compile(r"\d{1,2}(?:\.\d\d)?(?:am|pm)|\d\d(?:am|pm)|\d{1,2}h\d\d")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|o)?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.((?:19|20)\d\d)")
_KOREAN_MONTH, _KOREAN_DAY = re.compile(r"(\d{1,2})월"), re.compile(r"(\d{1,2})일")

_NAMED = frozenset([*_MONTHS, *_DAYS])
_DIGIT = re.compile("[0-9]")
_MAX_DAYS_APART = timedelta(days=1)
"""Between the day in a headline and that of its publication: time zones, and the column for tomorrow."""


def has_dates_or_numbers(tokens: Sequence[str]) -> bool:
    """Return whether any of *tokens* may be a number or part of a date; False saves looking at each of them."""
    joined = " ".join(tokens)
    return not joined.isascii() or _DIGIT.search(joined) is not None or not _NAMED.isdisjoint(tokens)


def is_year(word: str) -> bool:
    """Return whether a word is a recent or near year."""
    return len(word) == 4 and word.isdigit() and "1990" <= word <= "2059"


def names_its_day(dates: frozenset[str], at: float) -> bool:
    """Return whether one of the *dates* of a text is about the day of its publication.

    at: when it was published, in seconds since 1970
    """
    if not dates:
        return False
    published = datetime.fromtimestamp(at, UTC)
    near = (published - _MAX_DAYS_APART, published, published + _MAX_DAYS_APART)
    return any(f"{day.month}-{day.day}" in dates for day in near)


def mark_dates(tokens: Sequence[str]) -> tuple[list[bool], frozenset[str]]:
    """Return for each word whether it is part of a date or time, and the dates themselves.

    tokens: case folded, as `aggregator.text.tokens` gives them

    A date is "month-day". Three numbers of which two may be the month are both dates that they can be.

    >>> mark_dates(["answers", "for", "november", "17"])
    ([False, False, True, True], frozenset({'11-17'}))
    """
    marked = [False] * len(tokens)
    dates: set[str] = set()
    for i, word in enumerate(tokens):
        if marked[i]:
            continue
        if word[0].isdigit():
            _mark_number(tokens, marked, i, dates)
        elif word in _MONTHS:
            day = _day_beside(tokens, i)
            if day is not None:
                at, number = day
                marked[min(at, i) : max(at, i) + 1] = [True] * (abs(at - i) + 1)
                dates.add(f"{_MONTHS[word]}-{number}")
            elif i + 1 < len(tokens) and is_year(tokens[i + 1]):
                marked[i] = marked[i + 1] = True
        elif word in _DAYS:
            marked[i] = True
        elif word == "feira" and i and tokens[i - 1] in _BEFORE_FEIRA:
            marked[i - 1] = marked[i] = True
        elif word == "uhr" and i and tokens[i - 1].isdigit():
            _mark_time(tokens, marked, i - 1)
            marked[i] = True
    return marked, frozenset(dates)


def _mark_number(tokens: Sequence[str], marked: list[bool], i: int, dates: set[str]) -> None:
    """Mark the number at *i*, and the words after it, if they are a date, a year or a time of day."""
    word = tokens[i]
    three = tokens[i : i + 3]
    dotted = _DOTTED.fullmatch(word)
    if dotted:
        marked[i] = True
        dates.add(f"{int(dotted[2])}-{int(dotted[1])}")
    elif _is_numeric_date(three):
        marked[i : i + 3] = [True] * 3
        dates.update(_readings(*three))
    elif is_year(word):
        marked[i] = True
        if i + 1 < len(tokens) and tokens[i + 1] in _AFTER_YEAR:
            marked[i + 1] = True
    elif _CLOCK.fullmatch(word):
        _mark_time(tokens, marked, i)
    elif not "".join(three).isascii():
        _mark_numbered_date(tokens, marked, i, dates)


def _mark_numbered_date(tokens: Sequence[str], marked: list[bool], i: int, dates: set[str]) -> None:
    """Mark a Chinese, Japanese or Korean date that begins at *i*: 11月17日, 17日, 11월 17일."""
    word, following = tokens[i], tokens[i + 1 : i + 4]
    month = _KOREAN_MONTH.fullmatch(word)
    if month:
        day = _KOREAN_DAY.fullmatch(following[0]) if following else None
        marked[i] = True
        if day:
            marked[i + 1] = True
            dates.add(f"{int(month[1])}-{int(day[1])}")
    elif len(word) <= 2 and word.isdigit() and following:
        # The character may be one word with the next: "11月17日発売" is 11, 月, 17, 日発, 発売.
        if following[0] == "月" and len(following) > 2 and following[1].isdigit() and following[2][0] in "日号":
            marked[i : i + 4] = [True] * 4
            dates.add(f"{int(word)}-{int(following[1])}")
        elif following[0] == "日":
            marked[i : i + 2] = [True] * 2


def _day_beside(tokens: Sequence[str], i: int) -> tuple[int, int] | None:
    """Return position and number of the day after or before the month at *i*."""
    before = i - 2 if i > 1 and tokens[i - 1] in _OF else i - 1
    for j in (i + 1, before):
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


def _readings(first: str, middle: str, last: str) -> list[str]:
    """Return the dates that three numbers can be: both 3-4 and 4-3 for 3/4/2026."""
    if is_year(first):
        return [f"{int(middle)}-{int(last)}"]
    pairs = ((int(first), int(middle)), (int(middle), int(first)))
    return [f"{month}-{day}" for month, day in pairs if month <= 12]


def _mark_time(tokens: Sequence[str], marked: list[bool], i: int) -> None:
    """Mark a time of day, with the hour before its minutes and the time zone after it."""
    marked[i] = True
    if i and tokens[i - 1].isdigit() and len(tokens[i - 1]) < 3:
        marked[i - 1] = True
    if i + 1 < len(tokens) and tokens[i + 1] in _ZONES:
        marked[i + 1] = True
