"""Resolve dates and time zones that mean different things in different countries.

03/04/2026 is 4 March in the United States and 3 April in Britain. IST is a zone of India, Israel and Ireland, CST
one of the United States and of China.

Rule for the order of day and month: the document's own dates decide where one of them allows a single order
("27/11/2026"); else the country does. The country is that of the site's top-level domain, then of the language tag.
"en-us" counts last, because feed generators write it everywhere.
Known to be wrong: a site below .com that copied "en-us" from the RSS specification and writes the day first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)(?![\d/])")
_SHORT_YEAR = re.compile(r"(?<![\d.-])\d{1,2}([.-])\d{1,2}\1\d\d(?![\d.-])")
_SHARED_ZONE = re.compile(r"\b(?:ist|cst|bst|pst|ast|amt|gst|est|edt)\b", re.IGNORECASE)

_MONTH_FIRST = frozenset(("us", "ph"))
_YEAR_FIRST = frozenset(("cn", "hu", "jp", "kp", "kr", "lt", "mn", "tw"))
_BOTH_ORDERS = frozenset(("ca", "ke", "za"))
# Country-code domains that are sold as generic ones.
_GENERIC_DOMAINS = frozenset(
    ("ac", "ai", "am", "cc", "co", "fm", "gg", "im", "io", "la", "ly", "me", "sh", "to", "tv", "ws")
)
_COUNTRY_OF_LANGUAGE = {
    **dict.fromkeys(("hi", "ta", "te", "ml", "mr", "gu", "kn", "pa", "or", "as"), "in"),
    **dict.fromkeys(("he", "iw"), "il"),
    **{language: language for language in ("hu", "lt", "mn")},
    "ga": "ie",
    "zh": "cn",
    "ja": "jp",
    "ko": "kr",
}
_ZONES_BY_COUNTRIES = {
    "in lk": {"ist": 330},
    "il": {"ist": 120},
    "ie": {"ist": 60},
    "cn tw mo": {"cst": 480},
    "sa kw iq qa bh ye": {"ast": 180},
    "ae om": {"gst": 240},
    "bd": {"bst": 360},
    "ph": {"pst": 480},
    "pk": {"pst": 300},
    "br": {"amt": -240},
    "au": {"est": 600, "edt": 660, "cst": 570},
}
_ZONES_OF_COUNTRY = {country: zones for key, zones in _ZONES_BY_COUNTRIES.items() for country in key.split()}
"""Minutes east of Greenwich of names that mean another zone elsewhere."""


@dataclass(frozen=True, slots=True)
class Region:
    """How dates are written where a feed is from."""

    order: str = ""
    """`dmy`, `mdy` or `ymd` of a date of numbers alone; "" if it is unknown."""
    zones: Mapping[str, int] = field(default_factory=dict)


NOWHERE = Region()


def is_regional(stated: str) -> bool:
    """Return whether *stated* is written alike in several countries."""
    # Nearly all dates end with GMT, Z or an offset, and have month names or an ISO day.
    if "/" not in stated and (stated.endswith(("GMT", "Z", "UTC")) or stated[-5:-4] in "+-" or stated[-6:-5] in "+-"):
        return False
    return bool(has_unclear_order(stated) or _SHARED_ZONE.search(stated))


def has_unclear_order(stated: str) -> bool:
    """Return whether other dates of the document may determine the order of day and month in *stated*."""
    return bool(_SLASHED.search(stated) or _SHORT_YEAR.search(stated))


def region_of(language: str, host: str, dates: Iterable[str]) -> Region:
    """Return how *dates* are to be read in a feed of a *language* (BCP 47, may be "") on the site *host*."""
    country = _country(language, host)
    order = _order_in(dates) or _order_of(country, language)
    return Region(order, _ZONES_OF_COUNTRY.get(country, {}))


def _country(language: str, host: str) -> str:
    domain = host.rpartition(".")[2]
    if domain in ("gov", "mil", "edu"):
        return "us"
    if len(domain) == 2 and domain.isalpha() and domain not in _GENERIC_DOMAINS:
        return {"uk": "gb"}.get(domain, domain)
    first, *subtags = language.lower().replace("_", "-").split("-")
    for subtag in subtags:
        if len(subtag) == 2:
            return subtag
    return _COUNTRY_OF_LANGUAGE.get(first, "")


def _order_in(dates: Iterable[str]) -> str:
    """Return the one order that all dates with slashes allow, where some allow only one."""
    orders = set()
    for stated in dates:
        for first, second, year in _SLASHED.findall(stated):
            if int(second) > 12 >= int(first):
                orders.add("mdy")
            elif int(first) > 12 >= int(second) and len(year) == 4:
                orders.add("dmy")
    return orders.pop() if len(orders) == 1 else ""


def _order_of(country: str, language: str) -> str:
    if country in _YEAR_FIRST:
        return "ymd"
    if country in _MONTH_FIRST:
        return "mdy"
    if country in _BOTH_ORDERS:
        return ""
    if not country and language.partition("-")[0].lower() in ("", "en"):
        return ""
    return "dmy"
