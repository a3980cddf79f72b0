"""Find the time of day in the text of a date, and its time zone."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

_MARKERS = {
    "am": ("am", "a.m.", "a. m.", "a.m", "上午", "凌晨", "早上", "午前", "오전", "π.μ.", "πμ", "ص", "पूर्वाह्न"),
    "pm": ("pm", "p.m.", "p. m.", "p.m", "下午", "晚上", "午後", "오후", "μ.μ.", "μμ", "م", "अपराह्न"),
}
_HALF = {spelling: half for half, spellings in _MARKERS.items() for spelling in spellings}
_MARKER = "|".join(re.escape(spelling) for spelling in sorted(_HALF, key=len, reverse=True))
_CLOCK = re.compile(
    rf"(?<![\d.:/-])(?:(?<!\w)({_MARKER})\s*)?"
    r"(?:(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?![\d:])"
    r"|(\d{1,2})\s?h\s?(\d\d)(?:\s?m(?:in)?)?(?!\w)"
    r"|(\d{1,2})\s?(?:時|时|點|点|시)(?:\s?(\d{1,2})\s?(?:分|분))?(?:\s?(\d{1,2})\s?(?:秒|초))?"
    rf"|(\d{{1,2}})(?=\s?(?:{_MARKER})(?!\w)))"
    rf"(?:\s?({_MARKER})(?!\w))?"
)
_JOINED_CLOCK = re.compile(r"(?<=\d{4}):(?=\d\d:\d\d)")  # as in logs of servers
_ISO_CLOCK = re.compile(r"(?<=\d) ?t(?=\d\d:)")
# 10.30 is a clock only behind a word that says so (Finnish klo, Danish kl., Italian ore), or last in a text.
_DOTTED_CLOCK = re.compile(
    r"(?:(?<=\s)|(?<=^))(?:(?:klo|klokken|kl\.?|um|at|ob|om|ore|jam|saat|kello|alle|pukul)\s+(\d{1,2})[.:](\d\d)(?:[.:](\d\d))?"
    r"|(?<=\d{4}\s)(\d{1,2})\.(\d\d)(?:\.(\d\d))?(?=$|\s))"
)
_OFFSET = re.compile(
    r"\s*\(?(?:utc|gmt|ut|z)?\s?([+\-−])(\d{1,2})(?::?(\d\d))?(?!\d)\)?(?:\s*\([^()]{0,60}\)|\s*\[[^\[\]]{0,60}\])?"
)
_REGION = re.compile(r"\s*\[?\(?([a-z]{3,12}(?:/[a-z_+\-0-9]{1,30}){1,2})\)?\]?(?=$|[\s,])")
_ZONE_NAME = re.compile(r"[\s,(]*([a-z]{1,5}|мск)\)?(?=$|[\s,;)\[])")
WORD_BEHIND = re.compile(r"[\s,(]*([^\W\d_]+)")
WEEKDAYS = frozenset(name.lower() for name in calendar.day_abbr)
_ZONES = {
    **dict.fromkeys(("z", "utc", "gmt", "ut", "wet"), 0),
    **dict.fromkeys(("bst", "west", "cet", "mez", "wat"), 60),
    **dict.fromkeys(("cest", "mesz", "eet", "sast", "cat"), 120),
    **dict.fromkeys(("eest", "msk", "мск", "trt", "eat", "idt"), 180),
    "irst": 210,
    **dict.fromkeys(("msd", "samt", "azt", "get"), 240),
    **dict.fromkeys(("pkt", "yekt", "uzt"), 300),
    "npt": 345,
    "omst": 360,
    **dict.fromkeys(("ict", "wib", "krat", "novt"), 420),
    **dict.fromkeys(("hkt", "sgt", "myt", "pht", "phst", "awst", "wita", "irkt", "ulat"), 480),
    **dict.fromkeys(("jst", "kst", "wit", "yakt"), 540),
    "acst": 570,
    **dict.fromkeys(("aest", "vlat", "chst"), 600),
    "acdt": 630,
    **dict.fromkeys(("aedt", "magt"), 660),
    **dict.fromkeys(("nzst", "fjt", "pett"), 720),
    "nzdt": 780,
    "ndt": -150,
    "brst": -120,
    **dict.fromkeys(("adt", "brt", "art", "clst", "uyt"), -180),
    "nst": -210,
    **dict.fromkeys(("edt", "ast", "clt", "vet", "bot"), -240),
    **dict.fromkeys(("est", "cdt", "cot", "pet", "ect"), -300),
    **dict.fromkeys(("cst", "mdt"), -360),
    **dict.fromkeys(("mst", "pdt"), -420),
    **dict.fromkeys(("pst", "akdt"), -480),
    "akst": -540,
    "hst": -600,
}
"""Minutes east of Greenwich. Left out: names of several zones (IST, AMT; see `regions`), military letters but Z."""
_GENERIC = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles"}


def time_of_day(text: str) -> tuple[str, timedelta | None, str]:
    """Return what is before the clock of *text*, the clock, and what is after it; None without one."""
    spaced = _JOINED_CLOCK.sub(" ", _ISO_CLOCK.sub(" ", text))
    match = _CLOCK.search(spaced)
    if match is None:
        dotted = _DOTTED_CLOCK.search(spaced)
        if dotted is None:
            return spaced, None, ""
        hour, minute, second = (
            int(part or 0) for part in (dotted[1] or dotted[4], dotted[2] or dotted[5], dotted[3] or dotted[6])
        )
        half = ""
        match = dotted
    else:
        first, *numbers, last = match.groups()
        hour = int(next(numbers[i] for i in (0, 3, 5, 8) if numbers[i] is not None))
        minute = int(numbers[1] or numbers[4] or numbers[6] or 0)
        second = int(numbers[2] or numbers[7] or 0)
        half = _HALF.get(first or "") or _HALF.get(last or "") or ""
    check_clock(hour, minute, second)
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return (
        spaced[: match.start()],
        timedelta(hours=hour, minutes=minute, seconds=second),
        re.sub(r"^\s?(?:uhr|uur|hrs?|h|o'clock|ч|г|น)\b\.?", "", spaced[match.end() :]),
    )


def check_clock(hour: int, minute: int, second: int) -> None:
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no such time of day")


def time_zone(text: str, names: Mapping[str, int]) -> tuple[timedelta | ZoneInfo | None, str]:
    """Return the zone that *text*, the rest behind a clock, begins with, and what is behind it.

    names: minutes east of Greenwich of names that mean something else where the feed is from
    """
    if region := _REGION.match(text):
        return ZoneInfo(_region(region[1])), text[region.end() :]
    if offset := _OFFSET.match(text):
        digits, minutes = offset[2], int(offset[3] or 0)
        hours = int(digits)
        if hours > 14 or minutes > 59:
            raise ValueError("no such offset")
        span = timedelta(hours=hours, minutes=minutes)
        rest = text[offset.end() :]
        # "+0100 CET": the name repeats the offset, or contradicts it.
        if (name := _ZONE_NAME.match(rest)) and (name[1] in _ZONES or name[1] in names):
            if names.get(name[1], _ZONES.get(name[1], 0)) * 60 != (-span if offset[1] != "+" else span).total_seconds():
                raise ValueError("an offset and the name of another")
            rest = rest[name.end() :]
        return (span if offset[1] == "+" else -span), rest
    if name := _ZONE_NAME.match(text):
        if name[1] in _GENERIC:
            return ZoneInfo(_GENERIC[name[1]]), text[name.end() :]
        minutes_east = names.get(name[1], _ZONES.get(name[1]))
        if minutes_east is not None:
            return timedelta(minutes=minutes_east), text[name.end() :]
    return None, text


def _region(name: str) -> str:
    """Return the zone's name as the database spells it: `Europe/Berlin`, `America/Port_of_Spain`, `Etc/GMT+1`."""
    small = {"of", "es", "au"}
    parts = [
        "_".join(word if word in small else "-".join(map(str.capitalize, word.split("-"))) for word in part.split("_"))
        for part in name.split("/")
    ]
    return "/".join(parts).replace("Etc/Gmt", "Etc/GMT").replace("Etc/Utc", "Etc/UTC")
