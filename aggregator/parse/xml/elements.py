"""Read single elements of expat's tree as feedparser would: text, attributes, language, base, links, authors."""

from __future__ import annotations

import contextlib
import re
from xml.etree.ElementTree import Element

from feedparser.html import _cp1252
from feedparser.mixin import _FeedParserMixin
from feedparser.urls import _urljoin, make_safe_absolute_uri
from feedparser.util import FeedParserDict

from aggregator.parse.xml.names import name_of
from aggregator.text.urls import is_usual

XML = "{http://www.w3.org/XML/1998/namespace}"
LANG, BASE = XML + "lang", XML + "base"
ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
MAX_AUTHOR_CHARS = 300


class NotSureError(Exception):
    """This document is for feedparser."""


def language_of(element: Element, outer: str | None) -> str | None:
    if not element.keys():  # .attrib would make a dictionary for it
        return outer
    stated = element.get(LANG, element.get("lang"))
    return outer if stated is None else stated or None


def base_of(element: Element, outer: str) -> str:
    # feedparser lets a base run on behind its element where nothing outside states one; here it ends with it.
    if not element.keys():
        return outer
    stated = element.get(BASE, element.get("base"))
    if not stated:
        return outer
    if outer:
        return str(make_safe_absolute_uri(outer, stated) or outer)
    return str(_urljoin("", stated))


def resolved(base: str, address: str) -> str:
    if not address or (not base and ":///" not in address) or (is_usual(address) and is_usual(base)):
        return address
    return str(_urljoin(base, address))


# Without one of these, text is no UTF-8 taken for ISO 8859-1, nor windows-1252.
_MENDABLE = re.compile("[\x80-\xbf]")


def plain_text(element: Element) -> str:
    """Return the text of an element without children, repaired as feedparser does."""
    if len(element):
        raise NotSureError
    text = element.text
    if not text:
        return ""
    text = text.strip()
    if text.isascii() or not _MENDABLE.search(text):
        return text
    with contextlib.suppress(UnicodeError):  # UTF-8 taken for ISO 8859-1 and encoded once more
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_cp1252)


def attributes_of(element: Element) -> dict[str, str]:
    return {
        lower: value.lower() if lower in ("rel", "type") else value
        for key, value in element.items()
        if (lower := key.lower())
    }


def enclosure_of(element: Element) -> dict[str, str]:
    attributes = attributes_of(element)
    href = attributes.get("url", attributes.get("uri", attributes.get("href")))
    if href:
        attributes["href"] = href
    attributes["rel"] = "enclosure"
    return attributes


def tag_of(element: Element, value: str) -> str:
    """Return the tag that an element with attributes and the text *value* gives."""
    attributes = {key.lower(): text for key, text in element.items()}
    label, term = attributes.get("label"), attributes.get("term")
    if value and (label or term):
        raise NotSureError
    return label or term or value


def author_of(element: Element) -> tuple[list[str], str]:
    """Return the names that an author element gives, and the author where no element gives a name."""
    if not len(element):
        value = plain_text(element)
        if "@" not in value:
            value = value[:MAX_AUTHOR_CHARS]
            return ([value] if value else []), value
        value = without_address(value[:MAX_AUTHOR_CHARS])
        if ADDRESS.fullmatch(value):
            return [], value
        context = FeedParserDict(author=value, authors=[FeedParserDict()])
        _Mail(context)._sync_author_detail()
        name = dict.get(context["authors"][-1], "name") or ""
        return ([name] if name else []), value
    if (element.text or "").strip():
        raise NotSureError
    names = []
    for child in element:
        name = name_of(child.tag)
        if name == "name":
            names.append((child.text or "").strip())
        elif name not in ("email", "uri", "url", "homepage") and not name.startswith("?_"):
            raise NotSureError
        if len(child):
            raise NotSureError
    if len(names) != 1 or not names[0]:
        raise NotSureError
    return names, names[0]


ADDRESS = re.compile(r"(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_AROUND_A_NAME = " \t\r\n()<>,;:|-"


def without_address(author: str) -> str:
    """Return *author* without an e-mail address beside a name: "ada@example.technology (Ada)" is "Ada".

    feedparser's pattern ends after four letters of a top-level domain, and takes the rest for the name.
    """
    if "@" not in author:
        return author
    name = ADDRESS.sub("", author).replace("&lt;&gt;", "")  # the loose parser keeps these references
    return name.strip(_AROUND_A_NAME) or author


class _Mail(_FeedParserMixin):  # type: ignore[misc]
    """As much of feedparser as takes the address out of "a@example.org (Ada)"."""

    def __init__(self, context: FeedParserDict) -> None:
        self._context = context

    def _get_context(self) -> FeedParserDict:
        return self._context
