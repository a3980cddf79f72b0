"""Read one item of a well-formed feed, as feedparser would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from aggregator.parse.links.choice import in_order, origin_address
from aggregator.parse.media import pictures_of, recordings_of
from aggregator.parse.raw_items import RawItem, Text
from aggregator.parse.xml.elements import (
    ABOUT,
    BASE,
    LANG,
    NotSureError,
    attributes_of,
    author_of,
    base_of,
    enclosure_of,
    language_of,
    plain_text,
    resolved,
    tag_of,
)
from aggregator.parse.xml.names import action_of, is_harmless, is_inside, name_of
from aggregator.parse.xml.scope import Scope

_MAX_TAGS = 45
_MAX_NAMES = 4096
_ITEM_ATTRIBUTES = frozenset({LANG, BASE, ABOUT})


class FastItem:
    """One item while it is read: each method but the last takes in an element that does what its name says."""

    __slots__ = (
        *("alternates", "author", "base", "comments", "content_base", "contents", "dates", "depths", "document"),
        *("entry", "guid", "lang", "link", "links", "names", "origin", "pictured", "summary", "summary_base", "tags"),
        *("title", "title_lang"),
    )

    def __init__(self, document: Scope, item: Element) -> None:
        self.document = document
        self.lang, self.base = document.lang, document.base
        self.guid = ""
        self.link: str | None = None
        if item.keys():
            self.lang, self.base = language_of(item, self.lang), base_of(item, self.base)
            self.guid = item.get(ABOUT, "")
            if not item.attrib.keys() <= _ITEM_ATTRIBUTES:
                raise NotSureError
        self.alternates: list[dict[str, str]] = []
        self.links: list[dict[str, str]] = []
        """All but the alternates."""
        self.comments = ""
        self.origin = ("", "")
        """Name and address of its first publisher."""
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
        if len(self.tags) > _MAX_TAGS:
            raise NotSureError

    def _skip(self, element: Element) -> None:
        if len(element) and not all(is_harmless(name_of(inner.tag)) for inner in element.iter()):
            raise NotSureError

    def _apart(self, element: Element) -> None:
        if not all(is_inside(name_of(inner.tag)) for inner in element.iter() if inner is not element):
            raise NotSureError

    def _source(self, element: Element) -> None:
        self._apart(element)
        if not len(element):
            self.origin = (plain_text(element), element.get("url") or "")
            return
        name, links = "", []
        for child in element:
            kind = name_of(child.tag)
            if kind == "title" and not len(child):
                name = (child.text or "").strip()
            elif kind == "link":
                links.append(attributes_of(child))
        self.origin = (name, origin_address(links))

    def _comments(self, element: Element) -> None:
        if not len(element) and "/" in (element.text or ""):  # some state how many there are
            self.comments = resolved(self.base, plain_text(element))

    def _title(self, element: Element) -> None:
        if self.title is not None:
            raise NotSureError
        self.title = self.document.text_of(element, "text/plain")
        self.title_lang = language_of(element, self.lang)

    def _link(self, element: Element) -> None:
        link, href, leads = self.document.link_of(element, base=self.base)
        if leads:
            self.link = href
        if link["rel"] == "alternate":
            self.alternates.append(link)
        else:
            self.links.append(link)
            self.pictured = self.pictured or link["rel"] == "enclosure"

    def _id(self, element: Element) -> None:
        is_link = True
        for key, value in element.items():
            if key.lower() == "ispermalink":
                is_link = value == "true"
        self.guid = plain_text(element)
        if is_link:
            self.guid = resolved(self.base, self.guid)
            if self.link is None:
                self.link = self.guid

    def _encoded(self, element: Element) -> None:
        self._add_content(element, "text/html")

    def _content(self, element: Element) -> None:
        self._add_content(element, "text/plain")

    def _add_content(self, element: Element, default: str) -> None:
        text = self.document.text_of(element, default)
        if not self.contents:
            self.content_base = self.content_base or base_of(element, self.base)
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
            self.content_base = base_of(element, self.base)
        else:
            self.summary = self.document.text_of(element, default)
            self.summary_base = base_of(element, self.base)

    def _published(self, element: Element) -> None:
        self.dates["published"] = plain_text(element)

    def _updated(self, element: Element) -> None:
        self.dates["updated"] = plain_text(element)

    def _created(self, element: Element) -> None:
        self.dates["created"] = plain_text(element)

    def _author(self, element: Element) -> None:
        names, self.author = author_of(element)
        self.names += names

    def _category(self, element: Element) -> None:
        tag = plain_text(element)
        if element.keys():
            tag = tag_of(element, tag)
        if tag:
            self.tags.append(tag)

    def _keywords(self, element: Element) -> None:
        if element.keys():
            raise NotSureError
        self.tags += [word.strip() for word in plain_text(element).split(",") if word.strip()]

    def _enclosure(self, element: Element) -> None:
        self.links.append(enclosure_of(element))
        self.pictured = True

    def _image(self, element: Element) -> None:
        if address := element.get("href") or element.get("url"):
            self.pictured = True
            self.entry["image"] = {"href": address}

    def _itunes_title(self, element: Element) -> None:
        self.entry["itunes_title"] = plain_text(element)

    def _origlink(self, element: Element) -> None:
        if element.keys():
            raise NotSureError
        self.entry["feedburner_origlink"] = plain_text(element)

    def _media(self, element: Element, depth: int = 0) -> None:
        name, entry, depths = name_of(element.tag), self.entry, self.depths
        self.pictured = True
        if name == "media_group":
            for child in element:
                self._media(child, depth + 1)
        elif name == "media_content":
            entry.setdefault("media_content", []).append(attributes_of(element))
            for child in element:
                self._media(child, depth + 1)
        elif len(element):
            if not all(is_inside(name_of(inner.tag)) or is_harmless(name_of(inner.tag)) for inner in element.iter()):
                raise NotSureError
        elif name == "media_thumbnail":
            attributes = attributes_of(element)
            if not attributes.get("url") and (value := plain_text(element)):
                if "url" in attributes:
                    raise NotSureError
                attributes["url"] = resolved(self.base, value)
            entry.setdefault("media_thumbnail", []).append(attributes)
        elif name in ("media_title", "media_description", "media_credit"):
            key = "credit" if name == "media_credit" else name
            media, value = entry.get(key), plain_text(element)
            if key not in depths or depth <= depths[key]:
                depths[key] = depth
                entry[key] = value
            if value:
                if entry.get("media_content"):
                    entry["media_content"][-1].setdefault(f"groundswell_{key}", value)
                if not media:
                    entry[key] = value
        elif action_of(element.tag) != "skip":
            raise NotSureError

    def raw(self) -> RawItem:
        """Return the item that its elements describe."""
        entry = self.entry
        title, summary = self.title or Text(""), self.summary or Text("")
        stated, moment = self._dated()
        media = entry | {"links": self.links} if self.pictured else {}
        return RawItem(
            guid=self.guid,
            links=self._candidates(),
            title=title if title.value else Text(entry.get("itunes_title") or entry.get("media_title", "")),
            summary=summary if summary.value or self.contents else Text(entry.get("media_description", "")),
            contents=self.contents,
            author=", ".join(dict.fromkeys(self.names[:10])) if self.names else self.author,
            tags=self.tags,
            language=self.title_lang.replace("_", "-") if self.title_lang else "",
            pictures=pictures_of(media) if media else [],
            enclosures=recordings_of(media) if media else [],
            stated_at=stated,
            published_at=moment,
            base=self.content_base or self.summary_base,
            comments=self.comments,
            origin_name=self.origin[0],
            origin_url=self.origin[1],
        )

    def _candidates(self) -> list[str]:
        """Return the links that may lead to the item, the best first."""
        links = in_order(self.link, self.alternates, self.lang or self.document.language)
        if self.guid.startswith(("http://", "https://")):
            links.append(self.guid)
        if self.entry or self.links:
            links.insert(0, self.entry.get("feedburner_origlink"))
            for rel in ("via", "related", "enclosure"):
                links += [link.get("href") for link in self.links if link.get("rel") == rel]
        return [candidate for candidate in dict.fromkeys(links) if candidate]

    def _dated(self) -> tuple[str, datetime | None]:
        """Return the date as stated and what it means: the first that means something, else the first there is."""
        first = ""
        for kind in ("published", "updated", "created"):
            if value := self.dates.get(kind, ""):
                if moment := self.document.dates.read(value, self.document.language):
                    return value, moment
                first = first or value
        return first, None


class _Takes(dict[str, Callable[[FastItem, Element], None]]):
    """What takes in an element of an item, by its tag, found when it is first met."""

    def __missing__(self, tag: str) -> Callable[[FastItem, Element], None]:
        action = action_of(tag)
        if not action:
            raise NotSureError
        if len(self) >= _MAX_NAMES:
            self.clear()
        take: Callable[[FastItem, Element], None] = getattr(FastItem, f"_{action}")
        self[tag] = take
        return take


_TAKES = _Takes()
