"""Streams as Atom, as the original Google Reader served them: some apps (newsboat's FeedHQ source) need that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from aggregator.text.markup import storable
from web.syndication.channel import iso
from web.syndication.markup import ATOM, text_element

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
SCHEME = "http://www.google.com/reader/"


def write(title: str, url: str, items: Sequence[dict[str, Any]], now: datetime) -> bytes:
    """Return *items*, made by `items.items`, as an Atom document."""
    root = ET.Element("feed", {"xmlns": ATOM})
    text_element(root, "id", url)
    text_element(root, "title", storable(title))
    text_element(root, "updated", iso(now))
    for item in items:
        entry = ET.SubElement(root, "entry")
        text_element(entry, "id", item["id"])
        text_element(entry, "title", item["title"]).set("type", "html")
        ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": item["alternate"][0]["href"]})
        text_element(entry, "published", iso(datetime.fromtimestamp(item["published"], UTC)))
        text_element(entry, "updated", iso(datetime.fromtimestamp(item["updated"], UTC)))
        text_element(entry, "summary", item["summary"]["content"]).set("type", "html")
        text_element(ET.SubElement(entry, "author"), "name", item["author"])
        for category in item["categories"]:
            label = category.rpartition("/")[2]
            ET.SubElement(entry, "category", {"term": category, "scheme": SCHEME, "label": label})
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
