"""What RSS and Atom share: namespaces, escaping, the readable body of an item, the finished document."""

from __future__ import annotations

import html
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from aggregator.text.markup import storable
from web.syndication.channel import Channel, Item, iso

NAMESPACE = "urn:uuid:7374c621-3b81-5aa8-bd74-0db6c9c124d9"
"""Of our own elements: a name-based UUID, a URN that needs no registration and that no one else can claim."""
ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"

for _prefix, _uri in (("gs", NAMESPACE), ("dc", DC), ("media", MEDIA)):
    ET.register_namespace(_prefix, _uri)


def text_element(parent: ET.Element, name: str, text: str) -> ET.Element:
    """Append an element that contains a text, and return it."""
    node = ET.SubElement(parent, name)
    node.text = text
    return node


def body_html(item: Item) -> str:
    """Return the readable body of an item; everything that comes from sources is escaped.

    Pictures are in elements of their own (`media:content`, `enclosure`, `image`), so a body loads nothing.
    """
    if item.html:
        return item.html
    parts = []
    if item.text:
        parts.append(f"<p>{html.escape(item.text)}</p>")
    parts.append(f"<p><strong>{html.escape(item.facts)}</strong></p>")
    if item.original:
        parts.append(f'<p><a href="{html.escape(item.original)}">Read it at {html.escape(item.source)}</a></p>')
    related = [
        f'<li>{html.escape(name)}: <a href="{html.escape(link)}">{html.escape(title)}</a></li>'
        if link
        else f"<li>{html.escape(name)}: {html.escape(title)}</li>"
        for name, title, link in item.related
    ]
    if related:
        parts.append(f"<p>Also reporting:</p><ul>{''.join(related)}</ul>")
    return "".join(parts)


def escape_if_ambiguous(text: str) -> str:
    """Return *text*, escaped again if a reader that treats it as HTML would show something else.

    RSS 2.0 does not say whether a title is text or HTML, so readers guess. "AT&T" reads the same either way.
    """
    if "<" in text or html.unescape(text) != text:
        return html.escape(text, quote=False)
    return text


def add_own_elements(node: ET.Element, item: Item) -> None:
    """Append the elements of our own namespace to an item; only stories have them."""
    if item.html:
        return
    for name, value in (
        ("score", str(item.score)),
        ("provisional", "true" if item.provisional else "false"),
        ("sources", str(item.sources)),
        ("independentSources", str(item.independent)),
        ("via", item.via),
        ("firstSeen", iso(item.first_seen_at)),
        ("dateStated", "true" if item.published_at else "false"),
    ):
        text_element(node, f"{{{NAMESPACE}}}{name}", value)


def add_media(node: ET.Element, item: Item) -> None:
    """Append the picture of an item as Media RSS."""
    if item.image is None:
        return
    attributes = {"url": item.image.url, "medium": "image"}
    if item.image.media_type:
        attributes["type"] = item.image.media_type
    if item.image.width and item.image.height:
        attributes |= {"width": str(item.image.width), "height": str(item.image.height)}
    content = ET.SubElement(node, f"{{{MEDIA}}}content", attributes)
    if item.image.caption:
        # Not media:description: feedparser, and so many readers, would use it as the text of the item.
        text_element(content, f"{{{MEDIA}}}title", item.image.caption).set("type", "plain")
    if item.image.credit:
        text_element(content, f"{{{MEDIA}}}credit", item.image.credit)


def links(channel: Channel, media_type: str) -> list[dict[str, str]]:
    """Return the attributes of a channel's Atom links, except the link to its page."""
    named = [("self", channel.self_url), ("first", channel.first_url), ("next", channel.next_url)]
    results = [{"rel": rel, "type": media_type, "href": url} for rel, url in named if url]
    return [*results, {"rel": "hub", "href": channel.hub_url}] if channel.hub_url else results


def document(root: ET.Element, atom_prefix: str, styles: tuple[tuple[str, str], ...]) -> bytes:
    """Return the finished XML document; *atom_prefix* is the prefix of Atom's namespace, "" for the default."""
    # ElementTree maps a namespace to one prefix per process, but Atom should be the default namespace
    # in Atom documents and `atom` in RSS; so the prefix is set in the finished tree.
    # Characters that XML cannot represent are removed there too.
    for node in root.iter():
        node.text = storable(node.text) if node.text else node.text
        if isinstance(node.tag, str) and node.tag.startswith(f"{{{ATOM}}}"):
            name = node.tag.rpartition("}")[2]
            node.tag = f"{atom_prefix}:{name}" if atom_prefix else name
    root.set(f"xmlns:{atom_prefix}" if atom_prefix else "xmlns", ATOM)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8", short_empty_elements=True)
    head = "".join(f"<?xml-stylesheet type={quoteattr(kind)} href={quoteattr(url)}?>\n" for kind, url in styles)
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + head.encode() + body
