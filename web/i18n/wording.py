"""Counts, ages, durations, dates and numbers in the language of the page.

English as in `aggregator.text.wording`, which also speaks for the command line and the log. Outside of a request the
language is English.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from babel.dates import format_date, format_interval, format_skeleton, format_time, get_day_names
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from flask_babel import get_locale, gettext, ngettext

from aggregator.text.wording import size as english_size

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_DATE_AFTER = timedelta(days=14)
_SIZES = (("digital-gigabyte", 1_000_000_000), ("digital-megabyte", 1_000_000), ("digital-kilobyte", 1_000))


def language() -> str:
    """Return the locale of the page, such as `en` or `zh_Hans`."""
    return str(get_locale() or "en")


def number(value: int) -> str:
    """Return a whole number with the separators of the language."""
    return format_decimal(value, locale=language())


def decimal(value: float, places: int = 3) -> str:
    """Return *value* rounded to *places*: `0.884`, `0,884` in German."""
    return format_decimal(value, "0." + "0" * places, locale=language())


def percent(share: float, places: int = 0) -> str:
    """Return a share from 0 to 1 in percent, with *places* after the point: `40%`, `40 %` in German."""
    if language() == "en" or places:
        return format_percent(share, _percent_pattern(places), locale=language())
    return format_percent(share, locale=language())


def _percent_pattern(places: int) -> str:
    digits = "#,##0" + ("." + "0" * places if places else "")
    spaced = language() in ("de", "fr", "es")
    return f"{digits}\u00a0%" if spaced else f"{digits}%"


def weekday(number: int) -> str:
    """Return the name of a day of the week; 0 is Monday."""
    return str(get_day_names("wide", locale=language())[number])


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """Return *count* with its noun: `1 source`, `0 sources`, `1,204 entries`.

    The catalogs contain each noun as `%(n)s source`.

    plural_noun: the English plural where it is not *noun* with an s
    """
    return str(ngettext(f"%(n)s {noun}", f"%(n)s {plural_noun or noun + 's'}", count, n=number(count)))


def both_forms(noun: str, plural_noun: str) -> tuple[str, str]:
    """Return `%(n)s new story` and `%(n)s new stories`, for scripts to put a number in."""
    single, several = (ngettext(f"%(n)s {noun}", f"%(n)s {plural_noun}", count, n="%(n)s") for count in (1, 2))
    return str(single), str(several)


def duration(span: timedelta) -> str:
    """Return *span* in its largest whole unit: `45 seconds`, `1 hour`, `3 days`; a negative one is `0 seconds`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in _UNITS:
        if seconds >= length:
            return _counted(seconds // length, unit)
    return plural(seconds, "second")


def _counted(count: int, unit: str) -> str:
    if unit == "day":
        return plural(count, "day")
    return plural(count, "hour") if unit == "hour" else plural(count, "minute")


def size(count: int) -> str:
    """Return a number of bytes: `12 kB`, `3.4 MB`; `3,4 Mo` in French."""
    if language() == "en":
        return english_size(count)
    for unit, length in _SIZES:
        # 999,999 bytes are 1 MB and not 1,000 kB.
        if count >= length * 0.9995:
            value = count / length
            shown = round(value, 1) if value < 9.95 else round(value)
            return str(format_unit(shown, unit, "short", locale=language()))
    return str(format_unit(count, "digital-byte", "long", locale=language()))


def ago(at: datetime, now: datetime) -> str:
    """Return how long before *now* the moment *at* is: `just now`, `5 min ago`, `8 h ago`, `3 d ago`.

    From two weeks on it is the date. The future is `just now`. static/site.js says the same as time goes by.
    """
    span = now - at
    if span < timedelta(minutes=1):
        return str(gettext("just now"))
    if span >= _DATE_AFTER:
        return day(at)
    seconds = int(span.total_seconds())
    if seconds >= 86_400:
        return str(gettext("%(n)s d ago", n=seconds // 86_400))
    if seconds >= 3_600:
        return str(gettext("%(n)s h ago", n=seconds // 3_600))
    return str(gettext("%(n)s min ago", n=seconds // 60))


def listing(items: Sequence[str]) -> str:
    """Return *items* as a sentence lists them: `a`, `a and b`, `a, b and c`; "" for none."""
    if len(items) < 2:
        return "".join(items)
    separator = "、" if language() in ("zh_Hans", "ja") else ", "
    return str(gettext("%(items)s and %(last)s", items=separator.join(items[:-1]), last=items[-1]))


def day(at: date) -> str:
    """Return a date: `17 Nov 2026`, or as the language has it."""
    return format_date(at, "d MMM y" if language() == "en" else "medium", locale=language())


def long_day(at: date) -> str:
    """Return a date with its weekday: `Thursday, 19 November 2026`."""
    return format_date(at, "EEEE, d MMMM y" if language() == "en" else "full", locale=language())


def days(first: date, last: date) -> str:
    """Return the days from *first* to *last*: `23 to 29 November 2026`, or as the language has it."""
    if language() != "en":
        return format_interval(first, last, "yMMMMd", locale=language())
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    begin += f" {first:%Y}" if first.year != last.year else ""
    return f"{begin} to {last.day} {last:%B %Y}"


def day_and_time(local: datetime) -> str:
    """Return `17 Nov 2026, 17:38`, in the time zone of *local*."""
    return f"{day(local)}, {_time(local)}"


def weekday_and_time(local: datetime) -> str:
    """Return `Mon 17:38`."""
    return f"{format_date(local, 'EEE', locale=language())} {_time(local)}"


def short_day_and_time(local: datetime) -> str:
    """Return `17 Nov, 17:38`."""
    short = format_date(local, "d MMM", locale="en") if language() == "en" else _month_and_day(local)
    return f"{short}, {_time(local)}"


def _month_and_day(local: datetime) -> str:
    return format_skeleton("MMMd", local, locale=language())


def _time(local: datetime) -> str:
    # In 24 hours everywhere: all languages of the pages write it so, and it is shorter.
    return format_time(local, "HH:mm", locale=language(), tzinfo=local.tzinfo)
