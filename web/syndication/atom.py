"""Atom 1.0 (RFC 4287) with paging links (RFC 5005) and Media RSS."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from web.syndication import markup
from web.syndication.channel import Channel, Item, iso
from web.syndication.markup import ATOM

MEDIA_TYPE = "application/atom+xml"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def write(channel: Channel) -> bytes:
    """Return *channel* as Atom 1.0."""
    root = ET.Element(f"{{{ATOM}}}feed", {_XML_LANG: channel.language})
    _child(root, "id", channel.self_url)
    _text(root, "title", channel.title)
    _text(root, "subtitle", channel.description)
    _child(root, "updated", iso(channel.updated_at))
    for attributes in markup.links(channel, MEDIA_TYPE):
        _child(root, "link", **attributes)
    _child(root, "link", rel="alternate", type="text/html", href=channel.page_url)
    _child(root, "generator", "Groundswell")
    for item in channel.items:
        _add_entry(root, item)
    return markup.document(root, "", channel.style_urls)


def _add_entry(root: ET.Element, item: Item) -> None:
    node = _child(root, "entry")
    _child(node, "id", item.id)
    _text(node, "title", item.title)
    _child(node, "link", rel="alternate", type="text/html", href=item.url)
    if item.original:
        _child(node, "link", rel="via", href=item.original)
    if recording := item.enclosure:
        length = {"length": str(recording.length)} if recording.length else {}
        _child(node, "link", rel="enclosure", href=recording.url, type=recording.media_type, **length)
    if item.image:
        kind = {"type": item.image.media_type} if item.image.media_type else {}
        _child(node, "link", rel="enclosure", href=item.image.url, **kind)
    _child(node, "published", iso(item.date))
    _child(node, "updated", iso(item.updated_at))
    _child(_child(node, "author"), "name", item.source)
    if item.category:
        _child(node, "category", term=item.category_id, label=item.category)
    if item.text:
        _text(node, "summary", item.text)
    _child(node, "content", markup.body_html(item), type="html")
    markup.add_media(node, item)
    markup.add_own_elements(node, item)


def _child(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    node = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    node.text = text or None
    return node


def _text(parent: ET.Element, name: str, text: str) -> None:
    # Atom text is plain unless marked otherwise, but careless readers treat all of it as HTML. Where the two
    # would differ, the text is escaped and marked as HTML, so that all readers agree.
    shown = markup.escape_if_ambiguous(text)
    _child(parent, name, shown, type="text" if shown == text else "html")
