"""Turn the addresses that people and old lists use for feeds into http(s) addresses.

Browsers, podcast apps and lists use `feed://host/path`, `feed:https://host/path` and `pcast://host/path`; people leave
out the scheme, or paste it twice. Pure.
"""

from __future__ import annotations

import re

from aggregator.text.urls import safe_link

_FEED_SCHEMES = "feeds?|rss|atom|pcast|podcast|itpc|itms-pcasts?|itms-podcasts?"
_WRAPPED = re.compile(rf"(?:{_FEED_SCHEMES}):/{{0,2}}(https?:/{{1,3}})(?=[^/])", re.IGNORECASE)
_SECURE = re.compile(r"(?:feeds|itms-pcasts|itms-podcasts):", re.IGNORECASE)
_RENAMED = re.compile(rf"(?:{_FEED_SCHEMES}):(?://)?(?=[^/])", re.IGNORECASE)
_AROUND = "<>[]()\"'`"
_IN_FRONT = re.compile(
    rf"(?:(?:https?|{_FEED_SCHEMES}):/{{0,3}}|view-source:)+(?=(?:https?|{_FEED_SCHEMES}):/)", re.IGNORECASE
)
_FEW_SLASHES = re.compile(r"(https?):/?(?=[^/:\s]+\.[^/:\s])", re.IGNORECASE)
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?://|(?!\d+(?:[/?#]|\Z)))", re.IGNORECASE)


def feed_address(text: str) -> str:
    """Return *text* as an http(s) address, "" if it is none.

    `feed:` and similar schemes mean http, as in browsers, unless they wrap an https address. The default scheme is
    https.
    """
    text = _repaired(text)
    if match := _WRAPPED.match(text):
        scheme = match[1].partition(":")[0].lower()
        return safe_link(f"{scheme}://{text[match.end() :]}")
    if match := _RENAMED.match(text):
        scheme = "https" if _SECURE.match(text) else "http"
        return safe_link(f"{scheme}://{text[match.end() :]}")
    if text.startswith("//"):
        return safe_link(f"https:{text}")
    if not _HAS_SCHEME.match(text):
        return safe_link(f"https://{text}") if text else ""
    return safe_link(text)


def has_scheme(text: str) -> bool:
    """Return whether *text* states its scheme; if not, https is a guess of `feed_address`."""
    text = _repaired(text)
    return bool(_RENAMED.match(text) or _WRAPPED.match(text) or _HAS_SCHEME.match(text))


def _repaired(text: str) -> str:
    """Return *text* without brackets around it and a doubled scheme: `<https://https://host>`, `https:/host`."""
    text = text.strip().strip(_AROUND)
    # "feed:https:" is a scheme of its own, which `_WRAPPED` knows.
    if not _WRAPPED.match(text):
        text = _IN_FRONT.sub("", text, count=1)
    return _FEW_SLASHES.sub(r"\1://", text, count=1) if text[:5].lower().startswith("http") else text
