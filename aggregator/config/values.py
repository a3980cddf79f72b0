"""How the single values of feeds.yaml are spelled: durations, sizes, addresses, names.

A `Kind` turns the text of a value into the value, or raises ValueError with the rest of a message ("is not a duration
such as ..."). Leaves keys and sections to `schema` and `reader`.
"""

from __future__ import annotations

import difflib
import functools
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from publicsuffixlist import PublicSuffixList

from aggregator.model.config import SITE_PAGES

URL_CHARS = 2_000


class AnyVariables(dict[str, str]):
    """An environment in which every variable is set, for processes that poll nothing and need no passwords."""

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]
        """Return a value that a header and a proxy may have."""
        return "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of spelling a value; `name` stands in the type column of docs/configuration.md."""

    name: str
    read: Callable[[str], Any]
    secret: bool = False
    """Whether no message may quote the value, not even to whoever edits the file."""


def quoted(text: str) -> str:
    """Return *text* in quotes, on one line, short enough for a fault and without a password."""
    text = re.sub(r"//[^/?#]*@", "//...@", text)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def nearest(word: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'title'?` for the most similar of *names*, or nothing."""
    # A long word has no near name, and comparing it takes time in proportion to its length.
    close = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.6) if len(word) <= 80 else []
    return f"; did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Return *names* with commas, cut after a dozen."""
    every = [name if name.isprintable() and len(name) <= 60 else quoted(name) for name in names]
    return ", ".join(every[:12]) + (", ..." if len(every) > 12 else "")


# Words


def _printable(raw: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in raw):
        raise ValueError("holds a character that is not text")
    return raw


def text(longest: int) -> Kind:
    """One line of text; runs of white space count as one space."""

    def read(raw: str) -> str:
        words = _printable(" ".join(raw.split()))
        if not words:
            raise ValueError("is empty; expected a text")
        if len(words) > longest:
            raise ValueError(f"has {len(words)} characters; at most {longest} are possible")
        return words

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
        known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        # Asked in lower case and answered in the spelling that the database has.
        close = difflib.get_close_matches(raw.lower()[:80], known, n=1)
        hint = f"; did you mean {known[close[0]]!r}?" if close else ""
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
    """Return *span* as feeds.yaml spells it: `90s`, `10m`, `24h`, `7d`."""
    unit = next((unit for unit in "dhm" if not span % _SPANS[unit]), "s")
    # 24h is what people say; 1d would be just as right.
    if span == _SPANS["d"]:
        unit = "h"
    return f"{span // _SPANS[unit]}{unit}"


def span(low: timedelta, high: timedelta, *, forever: bool = False) -> Kind:
    """A duration from *low* to *high*; where *forever* is possible, it reads as None.

    A bare number is refused: nobody can tell whether `poll: {min: 10}` was meant in
    seconds or in minutes.
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
    """A number of bytes from *low* to *high*, themselves spelled as sizes."""

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


# Addresses


def _split(raw: str) -> SplitResult:
    """Return the parts of an http(s) address that a request can be sent to, else ValueError."""
    if len(raw) > URL_CHARS:
        raise ValueError(f"has {len(raw)} characters; an address has at most {URL_CHARS:,}")
    if re.search(r"\s", raw) or _printable(raw) != raw:
        raise ValueError("holds white space; an address has none (write %20)")
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from None
    if parts.scheme not in ("http", "https"):
        spelled_out = f"scheme {parts.scheme!r} is neither http nor https" if parts.scheme else "no http:// or https://"
        raise ValueError(f"is not a web address: {spelled_out}{nearest(parts.scheme, ('http', 'https'))}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; send them with 'headers:' and ${VARIABLE}")
    if not parts.hostname:
        raise ValueError("is not a web address: no host behind //")
    _host(parts.hostname)
    return parts


# Letters of any script, since a host may be written as it is read (münchen.example); of ASCII only letters,
# digits, '-' and '_'.
_LABEL = re.compile(r"[^\s\x00-,./:-@\[-^`{-\x7f]{1,63}")


def _host(raw: str) -> str:
    """Return the host *raw* in lower case; a name, or an IP address without brackets."""
    if "://" in raw:
        raise ValueError("is an address; write its host only")
    host = raw.lower().removeprefix("[").removesuffix("]")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("is not a host: write example.com, 192.0.2.1 or 2001:db8::1, no port") from None
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"has no usable host: {quoted(raw)}")
    return host


def _web_address(raw: str) -> str:
    _split(raw)
    return raw


def _site_address(raw: str) -> str:
    parts = _split(raw)
    if (first := re.split("[/.]", parts.path.strip("/"))[0]) in SITE_PAGES:
        raise ValueError(f"has the path /{first}, which is a page of the site itself; choose another, such as /news")
    if parts.query or parts.fragment:
        raise ValueError("holds '?' or '#'; the address of the site is a beginning that pages are put behind")
    return raw.rstrip("/")


def _hub(raw: str) -> str:
    if raw.lower() in ("own", "off"):
        return raw.lower()
    if "://" not in raw:
        raise ValueError(f"is not own, off or an address{nearest(raw.lower(), ('own', 'off'))}")
    _split(raw)
    return raw


HUB = Kind("own, off or an address", _hub)
WEB_ADDRESS = Kind("address", _web_address)
SITE_ADDRESS = Kind("address", _site_address)
HOST = Kind("host", _host)


def _network(raw: str) -> str:
    try:
        return str(ipaddress.ip_network(raw.strip(), strict=False))
    except ValueError:
        raise ValueError("is not an IP address or network; write 192.0.2.1 or 172.16.0.0/12") from None


_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")


def _field_name(raw: str) -> str:
    if not _FIELD_NAME.fullmatch(raw):
        raise ValueError("is not the name of a header: letters, digits and hyphens, as in Remote-User")
    return raw.lower()


NETWORK = Kind("network", _network)
FIELD_NAME = Kind("name of a header", _field_name)


_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def _proxy(raw: str) -> str:
    if raw.lower() in ("none", "off"):
        return ""
    if len(raw) > URL_CHARS or re.search(r"\s", raw) or _printable(raw) != raw:
        raise ValueError("is not the address of a proxy")
    try:
        parts = urlsplit(raw)
        port, name = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"is not the address of a proxy: {error}") from None
    if parts.scheme not in _PROXY_SCHEMES:
        raise ValueError(f"is not none or the address of a proxy; it begins with {listed(_PROXY_SCHEMES)} and ://")
    if not name or not port or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("is not the address of a proxy such as socks5://127.0.0.1:1080: scheme, host and port")
    _host(name)
    return raw.rstrip("/")


def _ca_file(raw: str) -> str:
    if raw.lower() in ("none", "off"):
        return ""
    if not raw.startswith("/") or len(raw) > 1_000 or _printable(raw) != raw:
        raise ValueError("is not none or the absolute path of a file of certificates, such as /etc/ssl/home-ca.pem")
    return raw


PROXY = Kind("none or the address of a proxy", _proxy)
CA_FILE = Kind("none or an absolute path", _ca_file)


def feed_key(url: str) -> str:
    """Return what two addresses of one feed have in common.

    http and https, the port that goes without saying, the case of the host, a slash at
    the end and a #fragment make no other feed. `www.` may, and so may a query.
    """
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, 80, 443) else ""
    return f"{(parts.hostname or '').rstrip('.')}:{port}{parts.path.rstrip('/')}?{parts.query}"


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def owner_of(url: str) -> str:
    """Return the registrable domain of *url*, whose voice a feed is unless `owner:` says otherwise.

    `https://feeds.bbci.co.uk/news/rss.xml` is `bbci.co.uk`. An IP address, and a name
    that has no registrable part (`localhost`), are their own owners.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return str(_suffixes().privatesuffix(host) or host)
