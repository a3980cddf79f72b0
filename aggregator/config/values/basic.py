"""Parse texts, names, flags, numbers, durations and sizes."""

from __future__ import annotations

import difflib
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


class AnyVariables(dict[str, str]):
    """An environment in which every variable is set, for processes that need no passwords."""

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]
        """Return a value that is valid for a header and a proxy."""
        return "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; `name` is in the type column of docs/configuration.md."""

    name: str
    read: Callable[[str], Any]
    secret: bool = False
    """Whether no message may quote the value, not even for the person who edits the file."""


def quoted(text: str) -> str:
    """Return *text* in quotes, on one line, shortened for a message, without a password."""
    text = re.sub(r"//[^/?#]*@", "//...@", text)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def nearest(word: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'title'?` for the most similar of *names*, or nothing."""
    # A long word has no near name, and comparing it takes time in proportion to its length.
    close = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.6) if len(word) <= 80 else []
    return f"; did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Return the first dozen of *names*, separated by commas."""
    every = [name if name.isprintable() and len(name) <= 60 else quoted(name) for name in names]
    return ", ".join(every[:12]) + (", ..." if len(every) > 12 else "")


# Words


def printable(raw: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in raw):
        raise ValueError("contains a character that is not text")
    return raw


def text(longest: int) -> Kind:
    """One line of text; runs of white space count as one space."""

    def read(raw: str) -> str:
        text = printable(" ".join(raw.split()))
        if not text:
            raise ValueError("is empty; expected text")
        if len(text) > longest:
            raise ValueError(f"has {len(text)} characters; at most {longest} are allowed")
        return text

    return Kind(f"text of up to {longest} characters", read)


def _id(raw: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", raw):
        return raw
    suggestion = re.sub(r"[^a-z0-9_-]+", "-", raw.lower()).strip("-_")[:64]
    raise ValueError(
        "is not an id: at most 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        + (f"; did you mean {suggestion!r}?" if suggestion else "")
    )


def _language(raw: str) -> str:
    if re.fullmatch(r"([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4})?", raw):
        return raw
    raise ValueError("is not a language code such as en, de or pt-BR")


_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _flag(raw: str) -> bool:
    try:
        return _FLAGS[raw.lower()]
    except KeyError:
        raise ValueError(f"is not yes or no{nearest(raw, _FLAGS)}") from None


def _time_zone(raw: str) -> str:
    if raw == "UTC":
        return raw
    try:
        zoneinfo.ZoneInfo(raw)
    except (KeyError, ValueError, OSError):
        zones = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        # Compared in lower case, returned in the spelling of the time zone database.
        close = difflib.get_close_matches(raw.lower()[:80], zones, n=1)
        hint = f"; did you mean {zones[close[0]]!r}?" if close else ""
        raise ValueError(f"is not a time zone such as UTC or Europe/Berlin{hint}") from None
    return raw


def _user_agent(raw: str) -> str:
    if re.fullmatch(r"([!-~]([ -~]{0,498}[!-~])?)?", raw):
        return raw
    raise ValueError("is not a User-Agent: at most 500 characters of plain ASCII on one line")


def _readers(raw: str) -> str:
    if raw in ("operator", "public", "off"):
        return raw
    raise ValueError(f"is not operator, public or off{nearest(raw, ('operator', 'public', 'off'))}")


ID = Kind("id", _id)
LANGUAGE = Kind("language", _language)
FLAG = Kind("yes/no", _flag)
TIME_ZONE = Kind("time zone", _time_zone)
READERS = Kind("operator, public or off", _readers)
USER_AGENT = Kind("text of up to 500 ASCII characters", _user_agent)


# Numbers with bounds


def _within(value: Any, low: Any, high: Any, spell: Callable[[Any], str]) -> Any:
    if value < low:
        raise ValueError(f"is below the minimum, {spell(low)}")
    if value > high:
        raise ValueError(f"is above the maximum, {spell(high)}")
    return value


def whole(low: int, high: int) -> Kind:
    """A whole number from *low* to *high*."""

    def read(raw: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", raw):
            raise ValueError(f"is not a {kind.name}")
        return int(_within(int(raw), low, high, str))

    kind = Kind(f"whole number from {low} to {high}", read)
    return kind


def number(low: float, high: float) -> Kind:
    """A decimal number from *low* to *high*."""

    def read(raw: str) -> float:
        if not re.fullmatch(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})", raw):
            raise ValueError(f"is not a {kind.name}")
        return float(_within(float(raw), low, high, "{:g}".format))

    kind = Kind(f"number from {low:g} to {high:g}", read)
    return kind


_SPANS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def spelled(span: timedelta) -> str:
    """Return *span* in the format of feeds.yaml: `90s`, `10m`, `24h`, `7d`."""
    unit = next((unit for unit in "dhm" if not span % _SPANS[unit]), "s")
    # 24h is what people say; 1d would be just as right.
    if span == _SPANS["d"]:
        unit = "h"
    return f"{span // _SPANS[unit]}{unit}"


def span(low: timedelta, high: timedelta, *, forever: bool = False) -> Kind:
    """A duration from *low* to *high*; with *forever*, "forever" is None.

    A bare number is refused: `poll: {min: 10}` could mean seconds or minutes.
    """

    def read(raw: str) -> timedelta | None:
        if forever and raw == "forever":
            return None
        match = re.fullmatch(r"([0-9]{1,9})([smhdw])", raw)
        if not match:
            unit = f"; write {raw}s, {raw}m or {raw}h" if re.fullmatch(r"[0-9]{1,9}", raw) else ""
            raise ValueError(f"is not a duration such as 30s, 10m, 24h or 7d{' or forever' * forever}{unit}")
        count, unit = match.groups()
        # Counted in seconds first: 999999999w is more than a timedelta can hold.
        seconds = int(count) * int(_SPANS[unit].total_seconds())
        bounds = (int(low.total_seconds()), int(high.total_seconds()))
        _within(seconds, *bounds, lambda bound: spelled(timedelta(seconds=bound)))
        return timedelta(seconds=seconds)

    return Kind(f"duration from {spelled(low)} to {spelled(high)}{' or forever' * forever}", read)


_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def size(low: str, high: str) -> Kind:
    """A number of bytes from *low* to *high*, which are sizes as text."""

    def count(raw: str) -> int:
        match = re.fullmatch(r"([0-9]{1,15}) ?([a-z]*)", raw.lower())
        if not match or match[2] not in _SIZES:
            raise ValueError("is not a size such as 100kB, 10MB or 1GiB")
        return int(match[1]) * _SIZES[match[2]]

    def read(raw: str) -> int:
        bytes_ = count(raw)
        if not count(low) <= bytes_ <= count(high):
            raise ValueError(f"is not between {low} and {high}")
        return bytes_

    return Kind(f"size from {low} to {high}", read)
