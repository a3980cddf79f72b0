"""Find the day in a date from which the time of day was removed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from aggregator.parse.dates.month_names import OtherLanguages, month_of
from aggregator.parse.dates.regions import Region

_BUDDHIST_YEARS = 543
_YEAR_FIRST = re.compile(r"(\d{4})\s?([-/.年년])\s?(\d{1,2})\s?(?:[-/.]|月|월)\s?(\d{1,2})\s?(?:日|일)?\.?")
_YEAR_AND_DAY = re.compile(r"(\d{4})-(\d{3})")
_WEEK = re.compile(r"(\d{4})-?w(\d\d)-?(\d)")
_YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4})\.?")
_SHORT_YEAR = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d\d)\.?")
_LITHUANIAN = re.compile(r"(\d{4}) m\.? ([^\W\d_]+) (\d{1,2}) d\.?")
_CJK_MONTH = re.compile(r"(?<=\d )(\d{1,2})[月월](?= \d{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY_OF_CJK = re.compile(
    r"\(?(?:星期|週|周)[一二三四五六日天]\)?,?|\(?[月火水木金土日]曜日?\)?|\([月火水木金土日]\)|\(?[월화수목금토일]요일\)?|(?<![^\W\d_])[月火水木金土日월화수목금토일],|\([월화수목금토일]\)"
)
_ERA = re.compile("(令和|平成|昭和)\\s?(\\d{1,2}|元)\\s?年")
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}
# The day of the week before a comma, of several words in some languages; a preposition that belonged to the clock.
_LEAD = re.compile(r"([^\d,،]{1,24})[,،]\s*(?=\d)")
_TRAIL = re.compile(r"\s+(?:à|a|at|às|um|om|o|о|в|у|ob|ora|klo|kl)$")
_LETTERS = "(?:[^\\W\\d_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u0e00-\u0eff])+"
_TOKEN = re.compile(rf"\d+|{_LETTERS}(?:['.-]{_LETTERS})*|[^\w\s]")
_VIETNAMESE = re.compile(r"(?:ngày\s+)?(\d{1,2})\s+tháng\s+(\d{1,2}),?\s+(?:năm\s+)?(\d{4})")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|re|e|ème|º|ª|°|\.)(?![a-z])")
FILLERS = frozenset(
    (
        *("of", "the", "at", "on", "um", "den", "der", "de", "del", "di", "d'", "do", "da", "das", "dos", "le", "la"),
        *(
            "el",
            "à",
            "a",
            "las",
            "los",
            "às",
            "ás",
            "kl",
            "klo",
            "klokken",
            "ore",
            "alle",
            "o",
            "г",
            "года",
            "год",
            "р",
        ),
        *("року", "м", "pukul", "jam", "saat", "и", "u", "i", "lo", "dne", "v", "ve", "w", "dnia", "ob", "og", "και"),
        *("στις", "เดือน", "в", "о", "om", "ora", "gada"),
    )
)
"""Words between the parts of a date that say nothing of their own."""


def day_of(text: str, language: str, others: OtherLanguages, region: Region) -> datetime:
    """Return midnight of the day that all of *text* states."""
    # "週五, 27 11月 2026": RFC 822 with names of days and months from a system's locale.
    text = _CJK_MONTH.sub(_english_month, text)
    text = _WEEKDAY_OF_CJK.sub(" ", text)
    text = _LITHUANIAN.sub(r"\3 \2 \1", text)
    text = _ERA.sub(lambda match: f"{_ERAS[match[1]] + int(match[2].replace('元', '1'))}年", text)
    text = text.strip(" ,،.;|()[]-–@·•")
    if (lead := _LEAD.match(text)) and not any(map(month_of, lead[1].split())):
        text = text[lead.end() :]
    text = _TRAIL.sub("", text)
    bare = _without_weekday(text)
    if match := _YEAR_FIRST.fullmatch(bare):
        return _date(match[1], match[3], match[4])
    if match := _YEAR_LAST.fullmatch(bare):
        return _numeric(int(match[1]), match[2], int(match[3]), match[4], region.order)
    if (match := _SHORT_YEAR.fullmatch(bare)) and region.order:
        return _short(int(match[1]), int(match[3]), int(match[4]), region.order)
    if match := _VIETNAMESE.search(text):
        return _date(match[3], match[2], match[1])
    if match := _YEAR_AND_DAY.fullmatch(bare):
        day = datetime(int(match[1]), 1, 1, tzinfo=UTC) + timedelta(days=int(match[2]) - 1)
        if day.year != int(match[1]):
            raise ValueError("no such day of the year")
        return day
    if match := _WEEK.fullmatch(bare):
        return datetime.fromisocalendar(int(match[1]), int(match[2]), int(match[3])).replace(tzinfo=UTC)
    return _named(text, language, others)


def _without_weekday(text: str) -> str:
    """Return a numeric day without a separate word before or after it."""
    return re.sub(r"^[^\W\d_]{2,14}\.?[,:]?\s+|,?\s*\([^\W\d_]{1,14}\)?$|,?\s+\[?[^\W\d_]{2,14}\]?$", "", text)


def _english_month(match: re.Match[str]) -> str:
    number = int(match[1])
    if not 1 <= number <= 12:
        raise ValueError("no such month")
    return _MONTHS[number - 1]


def _numeric(first: int, separator: str, second: int, year: str, order: str) -> datetime:
    """Return the day of 27.11.2026, 27-11-2026 or 27/11/2026; with slashes, where one order is possible or usual."""
    if first > 12 or (separator != "/" and second <= 12) or first == second:
        return _date(year, second, first)
    if second > 12:
        return _date(year, first, second)
    if order == "mdy":
        return _date(year, first, second)
    if order == "dmy":
        return _date(year, second, first)
    raise ValueError("a day and a month that could be exchanged")


def _short(first: int, second: int, third: int, order: str) -> datetime:
    """Return the day of a date with a year of two digits."""
    year, month, day = {
        "ymd": (first, second, third),
        "mdy": (third, first, second),
        "dmy": (third, second, first),
    }[order]
    return _date(year + (2000 if year < 50 else 1900), month, day)


_SIGNS = frozenset(",،./-()'|;:")


def _named(text: str, language: str, others: OtherLanguages) -> datetime:
    """Return the day of a text with the name of a month: 27 November 2026, Nov 27th, 2026, 2026. november 27."""
    tokens = _TOKEN.findall(_ORDINAL.sub(" ", text))
    numbers = [token for token in tokens if token.isdecimal()]
    names: list[tuple[int, int]] = []
    unknown: list[int] = []
    for place, token in enumerate(tokens):
        if token.isdecimal() or not token[0].isalpha() or token in FILLERS:
            continue
        month = month_of(token, language)
        if month:
            names.append((place, month))
        else:
            unknown.append(place)
    signs = {token for token in tokens if not token[0].isalnum()}
    if len(numbers) != 2 or not signs <= _SIGNS:
        raise ValueError("no day, month and year")
    if len(names) > 1 or not (_is_weekday(unknown, tokens) if names else unknown):
        raise ValueError("words that are not understood")
    month = names[0][1] if names else others.month(tokens, language)
    day, year = numbers if len(numbers[0]) <= 2 else reversed(numbers)
    if len(year) == 2 and names and tokens.index(year, tokens.index(day) + 1) > names[0][0]:
        year = f"{'20' if int(year) < 50 else '19'}{year}"  # RFC 2822
    if len(year) != 4 or len(day) > 2:
        raise ValueError("no year of four digits")
    number = int(year)
    if number > 2400 and number - _BUDDHIST_YEARS >= 1970:
        number -= _BUDDHIST_YEARS
    return _date(number, month, day)


def _is_weekday(unknown: list[int], tokens: list[str]) -> bool:
    """Return whether all that was not understood is one word first or last in a date: the day of the week."""
    word_places = [place for place, token in enumerate(tokens) if token[0].isalnum()]
    return not unknown or (
        len(unknown) == 1 and unknown[0] in (word_places[0], word_places[-1]) and len(tokens[unknown[0]]) > 1
    )


def _date(year: str | int, month: str | int, day: str | int) -> datetime:
    return datetime(int(year), int(month), int(day), tzinfo=UTC)
