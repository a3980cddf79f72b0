"""RSS 2.0, with Atom links (RFC 5005), Dublin Core and Media RSS."""

from __future__ import annotations

from email.utils import format_datetime
from xml.etree import ElementTree as ET

from web.syndication import markup
from web.syndication.channel import Channel, Item, iso
from web.syndication.markup import ATOM, DC, text_element

MEDIA_TYPE = "application/rss+xml"
TTL_MINUTES = "5"


def write(channel: Channel) -> bytes:
    """Return *channel* as RSS 2.0."""
    root = ET.Element("rss", {"version": "2.0"})
    head = ET.SubElement(root, "channel")
    text_element(head, "title", markup.escape_if_ambiguous(channel.title))
    text_element(head, "link", channel.page_url)
    text_element(head, "description", markup.escape_if_ambiguous(channel.description))
    text_element(head, "language", channel.language)
    text_element(head, "lastBuildDate", format_datetime(channel.updated_at, usegmt=True))
    text_element(head, "generator", "Groundswell")
    text_element(head, "docs", "https://www.rssboard.org/rss-specification")
    text_element(head, "ttl", TTL_MINUTES)
    for attributes in markup.links(channel, MEDIA_TYPE):
        ET.SubElement(head, f"{{{ATOM}}}link", attributes)
    for item in channel.items:
        _add_item(head, item)
    return markup.document(root, "atom", channel.style_urls)


def _add_item(head: ET.Element, item: Item) -> None:
    node = ET.SubElement(head, "item")
    text_element(node, "title", markup.escape_if_ambiguous(item.title))
    text_element(node, "link", item.url)
    text_element(node, "description", markup.body_html(item))
    text_element(node, f"{{{DC}}}creator", item.source)
    if item.category:
        text_element(node, "category", item.category)
    text_element(node, "guid", item.id).set("isPermaLink", "false")
    text_element(node, "pubDate", format_datetime(item.date, usegmt=True))
    # Readers take one enclosure per item, so a recording goes before the picture, which is also in media:content.
    # RSS requires a length; 0 means that it is unknown, as the RSS Profile recommends.
    if recording := item.enclosure:
        length = str(recording.length or 0)
        ET.SubElement(node, "enclosure", {"url": recording.url, "length": length, "type": recording.media_type})
    elif item.image and item.image.media_type:
        ET.SubElement(node, "enclosure", {"url": item.image.url, "length": "0", "type": item.image.media_type})
    markup.add_media(node, item)
    if item.original:
        ET.SubElement(node, f"{{{ATOM}}}link", {"href": item.original, "rel": "via"})
    text_element(node, f"{{{ATOM}}}updated", iso(item.updated_at))
    markup.add_own_elements(node, item)
