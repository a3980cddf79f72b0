"""Format counts, durations, ages and sizes in English; the only module that forms plurals.

    plural(1, "source")                 1 source
    plural(9, "entry", "entries")       9 entries
    duration(timedelta(minutes=90))     1 hour
    brief_duration(timedelta(hours=3))  3 h
    ago(at, now)                        3 h ago
    size(2_500_000)                     2.5 MB

Leaves the spelling of durations in feeds.yaml (`30m`, `7d`) to `config`. Pure: the present is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

_UNITS = (("day", "d", 86_400), ("hour", "h", 3_600), ("minute", "min", 60))
_DATE_AFTER = timedelta(days=14)
_SIZES = (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000))


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """Return *count* with its noun: `1 source`, `0 sources`, `1,204 entries`.

    plural_noun: the plural where it is not *noun* with an s
    """
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def verb(count: int, singular: str, plural_form: str) -> str:
    """Return the form of a verb that goes with *count*: `verb(1, "is", "are")` is `is`."""
    return singular if count == 1 else plural_form


def duration(span: timedelta) -> str:
    """Return *span* in its largest whole unit: `45 seconds`, `1 hour`, `3 days`; a negative one is `0 seconds`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, _, length in _UNITS:
        if seconds >= length:
            return plural(seconds // length, unit)
    return plural(seconds, "second")


def brief_duration(span: timedelta) -> str:
    """Return *span* like `duration`, for tables and narrow places: `45 s`, `10 min`, `3 h`, `2 d`."""
    seconds = max(int(span.total_seconds()), 0)
    for _, unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"


def ago(at: datetime, now: datetime) -> str:
    """Return how long before *now* the moment *at* is: `just now`, `5 min ago`, `8 h ago`, `3 d ago`.

    From two weeks on it is the date, `17 Nov 2026`, in the time zone of *at*. The future is `just now`.
    """
    span = now - at
    if span < timedelta(minutes=1):
        return "just now"
    if span >= _DATE_AFTER:
        return f"{at.day} {at:%b %Y}"
    return f"{brief_duration(span)} ago"


def size(count: int) -> str:
    """Return a number of bytes, three digits at most: `812 bytes`, `56 kB`, `1.5 MB`. A kB has 1,000 bytes."""
    for position, (unit, length) in enumerate(_SIZES):
        # 999,999 bytes are 1 MB and not 1,000 kB.
        if count >= length - (length / 2_000 if position < len(_SIZES) else 0):
            value = count / length
            return f"{value:.1f}".removesuffix(".0") + f" {unit}" if value < 9.95 else f"{value:,.0f} {unit}"
    return plural(count, "byte")


def listing(items: Sequence[str], conjunction: str = "and") -> str:
    """Return *items* as a sentence lists them: `a`, `a and b`, `a, b and c`; "" for none."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"
