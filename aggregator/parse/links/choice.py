"""Choose among the links that a feed gives an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
