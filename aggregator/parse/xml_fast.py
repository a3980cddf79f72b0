"""Read a well-formed RSS, RDF or Atom document fast, where the result is what feedparser would give.

Knows how feedparser comes to each field that we read, and repeats it over expat's tree: about a
tenth of its time. Whatever it is not sure of (an element inside text, a prefix that is not its
namespace's usual one, two titles, a DOCTYPE, ...) gives None, and the document goes to feedparser.
`python -m bench.parse_agreement` holds the two against each other over all real documents.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, XMLPullParser

from feedparser.html import _cp1252
from feedparser.mixin import _FeedParserMixin
from feedparser.namespaces import _base, admin, cc, dc, georss, itunes, mediarss, psc
from feedparser.urls import _urljoin, make_safe_absolute_uri
from feedparser.util import FeedParserDict

from aggregator.parse.dates import DateReader
from aggregator.parse.pictures import pictures_of
from aggregator.parse.raw_items import RawFeed, RawItem, Text
from aggregator.text.urls import is_usual

_XML = "{http://www.w3.org/XML/1998/namespace}"
_LANG, _BASE = _XML + "lang", _XML + "base"
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_KNOWN = {uri.lower(): prefix for uri, prefix in _FeedParserMixin.namespaces.items()}
for _module in (_base, admin, cc, dc, georss, itunes, mediarss, psc):
    _KNOWN |= {uri.lower(): prefix for uri, prefix in _module.Namespace.supported_namespaces.items()}
_PREFIXES = frozenset(_KNOWN.values()) - {""}
_ATOM_URIS = ("http://www.w3.org/2005/atom",)
_OLD_ATOM = (
    "http://purl.org/atom/ns#",
    "http://purl.org/echo/",
    "http://purl.org/pie/",
    "http://example.com/newformat#",
)
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_TYPES = {
    "text": "text/plain",
    "plain": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
}
_CONTENT_ATTRIBUTES = frozenset({"type", _LANG, _BASE, _XML + "space"})
_MOST_TAGS = 45
_MOST_NAMES = 4096
_AMPERSAND = re.compile("&[A-Za-z0-9_]+;")
_MAX_AUTHOR = 300


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class _NotSure(Exception):
    """This document is for feedparser."""


# What feedparser does at the elements of an item, by the name it gives them: prefix and local name, in lower case.
_ITEM_ACTIONS = {
    "title": ("title",),
    "link": ("link",),
    "id": ("guid", "id"),
    "description": ("description", "dc_description"),
    "summary": ("summary", "itunes_summary"),
    "content": ("content",),
    "encoded": ("content_encoded", "fullitem"),
    "published": ("published", "issued", "pubdate", "dcterms_issued"),
    "updated": ("updated", "modified", "dc_date", "dcterms_modified"),
    "created": ("created", "dcterms_created"),
    "author": ("author", "dc_creator", "dc_author", "itunes_author"),
    "category": ("category", "dc_subject", "media_category"),
    "keywords": ("media_keywords", "itunes_keywords"),
    "enclosure": ("enclosure",),
    "media": ("media_content", "media_group", "media_thumbnail", "media_title", "media_description", "media_credit"),
    "image": ("itunes_image",),
    "origlink": ("feedburner_origlink",),
    "apart": ("source", "contributor", "dc_contributor", "psc_chapters", "georss_where", "where", "media_community"),
    # Handled there, but nothing that we read comes of it.
    "skip": (
        *("comments", "generator", "rights", "copyright", "subtitle", "itunes_subtitle", "expirationdate", "cloud"),
        *("webmaster", "dc_publisher", "dc_rights", "dc_language", "language", "dcterms_valid", "itunes_block"),
        *("itunes_explicit", "georss_point", "georss_line", "georss_polygon", "georss_box", "cc_license"),
        *("creativecommons_license", "admin_generatoragent", "admin_errorreportsto", "media_rating", "media_player"),
        *("media_restriction", "media_license"),
    ),
}
_ACTION = {name: action for action, names in _ITEM_ACTIONS.items() for name in names}
# Keys of feedparser's entry that we read: an element of that very name would write there.
_READ = _words(
    "id link links title title_detail summary summary_detail content authors author author_detail tags published "
    "published_parsed updated updated_parsed created created_parsed media_content media_thumbnail media_title "
    "media_description credit image enclosures language feedburner_origlink href items entries date description "
    "guid modified issued url"
)
_APART_INSIDE = _words(
    "title id updated published link author name uri url email logo icon rights subtitle generator category "
    "psc_chapter georss_point georss_line georss_polygon georss_box gml_point gml_pos gml_polygon gml_exterior "
    "gml_linearring gml_poslist media_starrating media_statistics media_tags"
)


@lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    """Return what feedparser calls *tag*; an unknown namespace, whose prefix is harmless, is "?"."""
    if tag[0] != "{":
        return tag.lower()
    uri, _, local = tag[1:].partition("}")
    lower = uri.lower()
    prefix = "" if "backend.userland.com/rss" in lower else _KNOWN.get(lower, "?")
    return f"{prefix}_{local}".lower() if prefix else local.lower()


def _action(tag: str) -> str:
    """Return what an element of an item does; "" where only feedparser knows."""
    name = _name(tag)
    if found := _ACTION.get(name):
        return found
    return "skip" if _harmless(name) else ""


@lru_cache(maxsize=4096)
def _harmless(name: str) -> bool:
    if name.startswith("?_"):
        return True
    handled = hasattr(_FeedParserMixin, f"_start_{name}") or hasattr(_FeedParserMixin, f"_end_{name}")
    return not handled and name not in _READ


def read(data: bytes) -> RawFeed | None:
    """Return the feed in *data* (UTF-8), or None where feedparser is to look at it."""
    if data.rfind(b"<!DOCTYPE") >= 0 or data.rfind(b"<!ENTITY") >= 0:  # a sixth of the time of "in"
        return None
    try:
        # As `iterparse` does it, which makes a class at each call; nothing else tells of namespaces.
        builder = TreeBuilder()
        parser = XMLPullParser(("start-ns",), _parser=XMLParser(target=builder))
        parser.feed(data)
        parser.close()
        default_uris, atom = [], False
        events = cast("Iterator[tuple[str, tuple[str, str]]]", parser.read_events())
        for _, (prefix, uri) in events:
            lower = uri.lower()
            if not lower.isascii() or lower in _OLD_ATOM:
                return None
            usual = "" if "backend.userland.com/rss" in lower else _KNOWN.get(lower)
            if not prefix:
                default_uris.append(lower)
                if usual is None and lower:
                    return None
            elif usual is None and prefix.lower() in _PREFIXES:
                return None
            atom = atom or lower in _ATOM_URIS
        return _feed(builder.close(), atom)
    except (ParseError, _NotSure, ValueError):
        return None


def _feed(root: Element, atom_declared: bool) -> RawFeed:
    kind = _name(root.tag)
    document = _Document(is_atom=kind == "feed")
    document.enter(root)
    if kind == "rss":
        document.root_language(root)
        children = [child for child in root if isinstance(child.tag, str)]
        if len(children) != 1 or _name(children[0].tag) != "channel":
            raise _NotSure
        channel = children[0]
        if channel.attrib.keys() - {_LANG, _BASE} and any(key.lower() in ("href", "lastmod") for key in channel.attrib):
            raise _NotSure
        document.enter(channel)
        document.read(channel)
    elif kind == "feed":
        if root.tag != "{http://www.w3.org/2005/Atom}feed":
            raise _NotSure
        document.root_language(root)
        document.read(root)
    elif kind == "rdf_rdf" and not atom_declared:
        document.read(root, rdf=True)
    else:
        raise _NotSure
    return RawFeed(
        title=document.title or Text(""),
        site_url=document.link or "",
        language=document.language,
        items=document.items,
        well_formed=True,
    )


class _Document:
    """One document while it is read: what holds for all that is inside, and what was found."""

    def __init__(self, *, is_atom: bool) -> None:
        self.is_atom = is_atom
        self.lang: str | None = None
        self.base = ""
        self.title: Text | None = None
        self.link: str | None = None
        self.language = ""
        self.items: list[RawItem] = []
        self.dates = DateReader()

    def enter(self, element: Element) -> None:
        """Take the language and the base of an outer element."""
        if element.attrib:
            self.lang = _lang(element, self.lang)
            self.base = _base_of(element, self.base)

    def root_language(self, root: Element) -> None:
        if self.lang and (root.get(_LANG) or root.get("lang")):
            self.language = self.lang.replace("_", "-")

    def read(self, holder: Element, rdf: bool = False) -> None:
        for child in holder:
            name = _name(child.tag)
            if name in ("item", "entry"):
                self.items.append(_Item(self, child).raw())
            elif rdf and name == "channel":
                lang, base = self.lang, self.base
                self.enter(child)
                self.read(child)
                self.lang, self.base = lang, base
            elif name in ("image", "textinput"):
                if not {_name(inner.tag) for inner in child.iter()} <= _IMAGE_INSIDE:
                    raise _NotSure
            elif rdf:
                if not _harmless(name):
                    raise _NotSure
            else:
                self._of_feed(child, name)

    def _of_feed(self, child: Element, name: str) -> None:
        if name == "title":
            if self.title is not None:
                raise _NotSure
            self.title = self.text_of(child, "text/plain")
        elif name == "link":
            _, href, leads = self.link_of(child, feed=True)
            if leads:
                self.link = href
        elif name in ("id", "guid"):
            if self.link is None and not child.attrib:
                self.link = _resolved(self.base, _plain(child))
        elif name in ("language", "dc_language"):
            self.language = _plain(child)
        elif name in ("content", "content_encoded", "summary", "description", "subtitle", "rights", "copyright"):
            if len(child):
                raise _NotSure
        else:
            for inner in child.iter():
                found = _name(inner.tag)
                if found in _FEED_DANGERS or (found in _READ and found not in _FEED_HARMLESS):
                    raise _NotSure

    def text_of(self, element: Element, default: str) -> Text:
        """Return an element that may hold markup, and whether it counts as such."""
        if len(element):
            raise _NotSure
        value = _plain(element)
        kind = default
        if element.keys():
            if not element.attrib.keys() <= _CONTENT_ATTRIBUTES:
                raise _NotSure
            if "type" in element.attrib:
                kind = _TYPES.get(element.attrib["type"].lower(), "")
                if not kind:
                    raise _NotSure
        if kind == "text/plain" and not self.is_atom and ("</" in value or "&" in value):
            return Text(value, is_html=_FeedParserMixin.looks_like_html(value))
        return Text(value, is_html=kind != "text/plain")

    def link_of(self, element: Element, *, feed: bool = False, base: str = "") -> tuple[dict[str, str], str, bool]:
        """Return a link as feedparser lists it, its address, and whether it is the address of what it stands in."""
        if len(element):
            raise _NotSure
        base = base or self.base
        attributes = {key.lower(): value for key, value in element.items()} if element.keys() else {}
        href = attributes.get("url", attributes.get("uri", attributes.get("href"))) if attributes else None
        if href is None:
            if attributes:
                raise _NotSure
            href = _resolved(base, _plain(element))
            if "&" in href:
                href = href if feed else href.replace("&amp;", "&")
                href = _AMPERSAND.sub(lambda found: found[0][:-1], href)
            return {"rel": "alternate", "href": href}, href, True
        if not href:
            raise _NotSure
        rel = attributes.get("rel", "alternate").lower()
        kind = attributes.get("type", "application/atom+xml" if rel == "self" else "text/html").lower()
        href = _resolved(_base_of(element, base), href)
        link = attributes | {"rel": rel, "type": kind, "href": href}
        return link, href, rel == "alternate" and (kind == "html" or kind in _HTML_TYPES)


class _Item:
    """One item while it is read: each method but the last takes in an element that does what its name says."""

    __slots__ = (
        *("alternates", "author", "base", "content_base", "contents", "dates", "depths", "document", "entry", "guid"),
        *("lang", "link", "links", "names", "pictured", "summary", "summary_base", "tags", "title", "title_lang"),
    )

    def __init__(self, document: _Document, item: Element) -> None:
        self.document = document
        self.lang, self.base = document.lang, document.base
        self.guid = ""
        self.link: str | None = None
        if item.keys():
            self.lang, self.base = _lang(item, self.lang), _base_of(item, self.base)
            self.guid = item.get(_ABOUT, "")
            if not item.attrib.keys() <= _ITEM_ATTRIBUTES:
                raise _NotSure
        self.alternates: list[str] = []
        self.links: list[dict[str, str]] = []
        """All but the alternates."""
        self.title: Text | None = None
        self.title_lang: str | None = ""
        self.summary: Text | None = None
        self.summary_base = ""
        self.contents: list[Text] = []
        self.content_base = ""
        self.dates: dict[str, str] = {}
        self.names: list[str] = []
        self.author = ""
        self.tags: list[str] = []
        self.entry: dict[str, Any] = {}
        self.depths: dict[str, int] = {}
        self.pictured = False
        for child in item:
            _TAKES[child.tag](self, child)
        if len(self.tags) > _MOST_TAGS:
            raise _NotSure

    def _skip(self, element: Element) -> None:
        if len(element) and not all(_harmless(_name(inner.tag)) for inner in element.iter()):
            raise _NotSure

    def _apart(self, element: Element) -> None:
        if not all(_inside(_name(inner.tag)) for inner in element.iter() if inner is not element):
            raise _NotSure

    def _title(self, element: Element) -> None:
        if self.title is not None:
            raise _NotSure
        self.title = self.document.text_of(element, "text/plain")
        self.title_lang = _lang(element, self.lang)

    def _link(self, element: Element) -> None:
        link, href, leads = self.document.link_of(element, base=self.base)
        if leads:
            self.link = href
        if link["rel"] == "alternate":
            self.alternates.append(href)
        else:
            self.links.append(link)
            self.pictured = self.pictured or link["rel"] == "enclosure"

    def _id(self, element: Element) -> None:
        is_link = True
        for key, value in element.items():
            if key.lower() == "ispermalink":
                is_link = value == "true"
        self.guid = _plain(element)
        if is_link:
            self.guid = _resolved(self.base, self.guid)
            if self.link is None:
                self.link = self.guid

    def _encoded(self, element: Element) -> None:
        self._add_content(element, "text/html")

    def _content(self, element: Element) -> None:
        self._add_content(element, "text/plain")

    def _add_content(self, element: Element, default: str) -> None:
        text = self.document.text_of(element, default)
        if not self.contents:
            self.content_base = self.content_base or _base_of(element, self.base)
        self.contents.append(text)
        self.summary = self.summary or Text(text.value)

    def _description(self, element: Element) -> None:
        self._describe(element, "text/html")

    def _summary(self, element: Element) -> None:
        self._describe(element, "text/plain")

    def _describe(self, element: Element, default: str) -> None:
        """Take a summary; a second one is content, as long as there is none."""
        if self.summary is not None and not self.contents:
            self.contents.append(self.document.text_of(element, "text/plain"))
            self.content_base = _base_of(element, self.base)
        else:
            self.summary = self.document.text_of(element, default)
            self.summary_base = _base_of(element, self.base)

    def _published(self, element: Element) -> None:
        self.dates["published"] = _plain(element)

    def _updated(self, element: Element) -> None:
        self.dates["updated"] = _plain(element)

    def _created(self, element: Element) -> None:
        self.dates["created"] = _plain(element)

    def _author(self, element: Element) -> None:
        found, self.author = _author(element)
        self.names += found

    def _category(self, element: Element) -> None:
        tag = _plain(element)
        if element.keys():
            tag = _stated_tag(element, tag)
        if tag:
            self.tags.append(tag)

    def _keywords(self, element: Element) -> None:
        if element.keys():
            raise _NotSure
        self.tags += [word.strip() for word in _plain(element).split(",") if word.strip()]

    def _enclosure(self, element: Element) -> None:
        self.links.append(_enclosure(element))
        self.pictured = True

    def _image(self, element: Element) -> None:
        if address := element.get("href") or element.get("url"):
            self.pictured = True
            self.entry["image"] = {"href": address}

    def _origlink(self, element: Element) -> None:
        if element.keys():
            raise _NotSure
        self.entry["feedburner_origlink"] = _plain(element)

    def _media(self, element: Element, depth: int = 0) -> None:
        name, entry, depths = _name(element.tag), self.entry, self.depths
        self.pictured = True
        if name == "media_group":
            for child in element:
                self._media(child, depth + 1)
        elif name == "media_content":
            entry.setdefault("media_content", []).append(_attributes(element))
            for child in element:
                self._media(child, depth + 1)
        elif len(element):
            if not all(_inside(_name(inner.tag)) or _harmless(_name(inner.tag)) for inner in element.iter()):
                raise _NotSure
        elif name == "media_thumbnail":
            attributes = _attributes(element)
            if not attributes.get("url") and (value := _plain(element)):
                if "url" in attributes:
                    raise _NotSure
                attributes["url"] = _resolved(self.base, value)
            entry.setdefault("media_thumbnail", []).append(attributes)
        elif name in ("media_title", "media_description", "media_credit"):
            key = "credit" if name == "media_credit" else name
            held, value = entry.get(key), _plain(element)
            if key not in depths or depth <= depths[key]:
                depths[key] = depth
                entry[key] = value
            if value:
                if entry.get("media_content"):
                    entry["media_content"][-1].setdefault(f"groundswell_{key}", value)
                if not held:
                    entry[key] = value
        elif _action(element.tag) != "skip":
            raise _NotSure

    def raw(self) -> RawItem:
        """Return what all its elements came to."""
        entry = self.entry
        title, summary = self.title or Text(""), self.summary or Text("")
        stated, moment = self._dated()
        return RawItem(
            guid=self.guid,
            links=self._candidates(),
            title=title if title.value else Text(entry.get("media_title", "")),
            summary=summary if summary.value or self.contents else Text(entry.get("media_description", "")),
            contents=self.contents,
            author=", ".join(dict.fromkeys(self.names[:10])) if self.names else self.author,
            tags=self.tags,
            language=self.title_lang.replace("_", "-") if self.title_lang else "",
            pictures=pictures_of(entry | {"links": self.links}) if self.pictured else [],
            stated_at=stated,
            published_at=moment,
            base=self.content_base or self.summary_base,
        )

    def _candidates(self) -> list[str]:
        """Return the links that may lead to the item, the best first."""
        found = [self.link, *self.alternates]
        if self.guid.startswith(("http://", "https://")):
            found.append(self.guid)
        if self.entry or self.links:
            found.insert(0, self.entry.get("feedburner_origlink"))
            for rel in ("via", "related", "enclosure"):
                found += [one.get("href") for one in self.links if one.get("rel") == rel]
        return [one for one in dict.fromkeys(found) if one]

    def _dated(self) -> tuple[str, datetime | None]:
        """Return the date as stated and what it means: the first that means something, else the first there is."""
        first = ""
        for kind in ("published", "updated", "created"):
            if value := self.dates.get(kind, ""):
                if moment := self.document.dates.read(value, self.document.language):
                    return value, moment
                first = first or value
        return first, None


class _Takes(dict[str, Callable[[_Item, Element], None]]):
    """What takes in an element of an item, by its tag, found when it is first met."""

    def __missing__(self, tag: str) -> Callable[[_Item, Element], None]:
        action = _action(tag)
        if not action:
            raise _NotSure
        if len(self) >= _MOST_NAMES:
            self.clear()
        take: Callable[[_Item, Element], None] = getattr(_Item, f"_{action}")
        self[tag] = take
        return take


_TAKES = _Takes()


_IMAGE_INSIDE = _words("image textinput title link description url href width height name")
_FEED_DANGERS = _words(
    "title link id guid item entry image textinput language dc_title dc_language source feed channel rss xhtml_body "
    "body svg_title newlocation content_encoded fullitem content"
)
_FEED_HARMLESS = _words(
    "author authors tags published updated created modified issued date credit url href summary description items"
)
_ITEM_ATTRIBUTES = frozenset({_LANG, _BASE, _ABOUT})


def _inside(name: str) -> bool:
    return name in _APART_INSIDE or name.startswith("?_")


def _lang(element: Element, outer: str | None) -> str | None:
    if not element.keys():  # .attrib would make a dictionary for it
        return outer
    stated = element.get(_LANG, element.get("lang"))
    return outer if stated is None else stated or None


def _base_of(element: Element, outer: str) -> str:
    # feedparser lets a base run on behind its element where nothing outside states one; here it ends with it.
    if not element.keys():
        return outer
    stated = element.get(_BASE, element.get("base"))
    if not stated:
        return outer
    if outer:
        return str(make_safe_absolute_uri(outer, stated) or outer)
    return str(_urljoin("", stated))


def _resolved(base: str, address: str) -> str:
    if not address or (not base and ":///" not in address) or (is_usual(address) and is_usual(base)):
        return address
    return str(_urljoin(base, address))


# Without one of these, text is no UTF-8 taken for ISO 8859-1, nor windows-1252.
_MENDABLE = re.compile("[\x80-\xbf]")


def _plain(element: Element) -> str:
    """Return the text of an element without children, mended as feedparser does."""
    if len(element):
        raise _NotSure
    text = element.text
    if not text:
        return ""
    text = text.strip()
    if text.isascii() or not _MENDABLE.search(text):
        return text
    with contextlib.suppress(UnicodeError):  # UTF-8 taken for ISO 8859-1 and encoded once more
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_cp1252)


def _attributes(element: Element) -> dict[str, str]:
    return {
        lower: value.lower() if lower in ("rel", "type") else value
        for key, value in element.items()
        if (lower := key.lower())
    }


def _enclosure(element: Element) -> dict[str, str]:
    attributes = _attributes(element)
    href = attributes.get("url", attributes.get("uri", attributes.get("href")))
    if href:
        attributes["href"] = href
    attributes["rel"] = "enclosure"
    return attributes


def _stated_tag(element: Element, value: str) -> str:
    """Return the tag that an element with attributes and the text *value* gives."""
    attributes = {key.lower(): text for key, text in element.items()}
    label, term = attributes.get("label"), attributes.get("term")
    if value and (label or term):
        raise _NotSure
    return label or term or value


def _author(element: Element) -> tuple[list[str], str]:
    """Return the names that an author element gives, and the author where no element gives a name."""
    if not len(element):
        value = _plain(element)
        if "@" not in value:
            value = value[:_MAX_AUTHOR]
            return ([value] if value else []), value
        value = value[:_MAX_AUTHOR]
        context = FeedParserDict(author=value, authors=[FeedParserDict()])
        _Mail(context)._sync_author_detail()
        name = dict.get(context["authors"][-1], "name") or ""
        return ([name] if name else []), value
    if (element.text or "").strip():
        raise _NotSure
    names = []
    for child in element:
        name = _name(child.tag)
        if name == "name":
            names.append((child.text or "").strip())
        elif name not in ("email", "uri", "url", "homepage") and not name.startswith("?_"):
            raise _NotSure
        if len(child):
            raise _NotSure
    if len(names) != 1 or not names[0]:
        raise _NotSure
    return names, names[0]


class _Mail(_FeedParserMixin):  # type: ignore[misc]
    """As much of feedparser as takes the address out of "a@example.org (Ada)"."""

    def __init__(self, context: FeedParserDict) -> None:
        self._context = context

    def _get_context(self) -> FeedParserDict:
        return self._context
