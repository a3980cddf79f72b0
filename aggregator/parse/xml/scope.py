"""Context that elements of a well-formed feed inherit while it is read: language, base and kind."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from feedparser.mixin import _FeedParserMixin

from aggregator.parse.dates import DateReader
from aggregator.parse.raw_items import Text, text_as_meant
from aggregator.parse.xml.elements import BASE, LANG, XML, NotSureError, base_of, language_of, plain_text, resolved

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_TYPES = {
    "text": "text/plain",
    "plain": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
}
_CONTENT_ATTRIBUTES = frozenset({"type", LANG, BASE, XML + "space"})
_AMPERSAND = re.compile("&[A-Za-z0-9_]+;")


class Scope:
    """Language, base and kind of a document at one place of it."""

    def __init__(self, *, is_atom: bool) -> None:
        self.is_atom = is_atom
        self.lang: str | None = None
        self.base = ""
        self.language = ""
        self.dates = DateReader()

    def enter(self, element: Element) -> None:
        """Take the language and the base of an outer element."""
        if element.attrib:
            self.lang = language_of(element, self.lang)
            self.base = base_of(element, self.base)

    def root_language(self, root: Element) -> None:
        if self.lang and (root.get(LANG) or root.get("lang")):
            self.language = self.lang.replace("_", "-")

    def text_of(self, element: Element, default: str) -> Text:
        """Return an element that may contain markup, and whether it counts as such."""
        if len(element):
            raise NotSureError
        value = plain_text(element)
        kind = default
        if element.keys():
            if not element.attrib.keys() <= _CONTENT_ATTRIBUTES:
                raise NotSureError
            if "type" in element.attrib:
                kind = _TYPES.get(element.attrib["type"].lower(), "")
                if not kind:
                    raise NotSureError
        if kind == "text/plain" and not self.is_atom and ("</" in value or "&" in value):
            return Text(value, is_html=_FeedParserMixin.looks_like_html(value))
        return text_as_meant(value, is_html=kind != "text/plain")

    def link_of(self, element: Element, *, feed: bool = False, base: str = "") -> tuple[dict[str, str], str, bool]:
        """Return a link as feedparser lists it, its address, and whether it is that of the containing element."""
        if len(element):
            raise NotSureError
        base = base or self.base
        attributes = {key.lower(): value for key, value in element.items()} if element.keys() else {}
        href = attributes.get("url", attributes.get("uri", attributes.get("href"))) if attributes else None
        if href is None:
            if attributes:
                raise NotSureError
            href = resolved(base, plain_text(element))
            if "&" in href:
                href = href if feed else href.replace("&amp;", "&")
                href = _AMPERSAND.sub(lambda match: match[0][:-1], href)
            return {"rel": "alternate", "href": href}, href, True
        if not href:
            raise NotSureError
        rel = attributes.get("rel", "alternate").lower()
        kind = attributes.get("type", "application/atom+xml" if rel == "self" else "text/html").lower()
        href = resolved(base_of(element, base), href)
        link = attributes | {"rel": rel, "type": kind, "href": href}
        return link, href, rel == "alternate" and (kind == "html" or kind in _HTML_TYPES)
