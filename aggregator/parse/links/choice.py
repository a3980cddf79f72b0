"""Choose among the links that a feed gives an entry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.text.link_wrappers import is_feed_proxy
from aggregator.text.urls import for_readers, host, is_usual, safe_link

_HTML = ("", "text/html", "html", "application/xhtml+xml")


def in_order(link: str | None, alternates: Sequence[Mapping[str, Any]], language: str) -> list[str | None]:
    """Return the addresses that may lead to an entry, the best first.

    link:       what the format says is its link; it comes first where the alternates do not differ
    alternates: attributes of its `<link rel="alternate">`: a page before a PDF or a plain text, the language of the
                feed before a page of no stated language, before another language
    """
    addresses = [link, *(alternate.get("href") for alternate in alternates)]
    if len(alternates) < 2 or not any(tag.get("hreflang") or _is_other_type(tag) for tag in alternates):
        return addresses
    own = language.lower().replace("_", "-").partition("-")[0]

    def rank(tag: Mapping[str, Any]) -> tuple[bool, int]:
        stated = str(tag.get("hreflang") or "").lower().replace("_", "-").partition("-")[0]
        return (_is_other_type(tag), 0 if own and stated == own else 1 if not stated else 2 if stated == "x" else 3)

    return [tag.get("href") for tag in sorted(alternates, key=rank)]


def _is_other_type(link: Mapping[str, Any]) -> bool:
    return str(link.get("type") or "").lower() not in _HTML


def origin_address(links: Sequence[Mapping[str, Any]]) -> str:
    """Return the address of a publisher that an Atom `<source>` names: its site, else its feed."""
    by_rel = {
        str(alternate.get("rel") or "alternate").lower(): str(alternate.get("href") or "")
        for alternate in reversed(links)
    }
    return by_rel.get("alternate") or by_rel.get("self") or ""


def best_link(hrefs: list[str], base: str) -> str:
    """Return the first of *hrefs* that a reader may follow, as readers get it; one that a proxy hides comes last."""
    hidden = ""
    for href in hrefs:
        link = safe_link(_with_scheme(href, base), base)
        if not link:
            continue
        link = for_readers(link)
        if not is_feed_proxy(link):
            return link
        hidden = hidden or link
    return hidden


# Observed: "www.paper.example/a" and "paper.example/a" (which a URL standard reads as paths), "http://https://host/a",
# "http://https//host/a", "https:/host/a".
_DOUBLED_SCHEME = re.compile(r"(?:https?:/{1,3})+(?=https?:?//)", re.IGNORECASE)
_TWO_SCHEMES = ("http://http", "https://http")
_WRONG_SLASHES = re.compile(r"(https?)(?::/{1,3}|//)(?=[^/:\s]+\.[^/:\s])", re.IGNORECASE)
_BARE_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}(?=[/?#]|\Z)", re.IGNORECASE)


def _with_scheme(href: str, base: str) -> str:
    """Return a link with its scheme stated once, if *href* begins with a host and is no path of *base*."""
    if is_usual(href) and not href.startswith(_TWO_SCHEMES):
        return href
    href = href.strip()
    if href[:4].lower() == "http":
        return _WRONG_SLASHES.sub(r"\1://", _DOUBLED_SCHEME.sub("", href, count=1), count=1)
    if name := _BARE_HOST.match(href):
        bare = name[0].lower().removeprefix("www.")
        if bare != name[0].lower() or bare == host(base).removeprefix("www."):
            return f"https://{href}"
    return href
