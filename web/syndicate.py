"""Write a list of stories as RSS 2.0, Atom 1.0 and JSON Feed 1.1.

Pure: a `Channel` in, bytes out; the same channel gives the same bytes. One item a story, its id a
tag URI (RFC 4151) that outlives headlines and slugs. Score and sources stand in readable text and in
a namespace of our own, `NAMESPACE`, described on /feeds. Leaves choosing the stories to `lists`.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from aggregator.model import Entry, Listed
from aggregator.text.tokens import storable
from aggregator.text.urls import safe_link
from web.present import sources_words, standfirst, story_path

NAMESPACE = "https://groundswell.example/ns/1"
_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/elements/1.1/"

for _prefix, _uri in (("gs", NAMESPACE), ("dc", _DC)):
    ET.register_namespace(_prefix, _uri)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """A story as a feed carries it."""

    id: str
    url: str
    title: str
    text: str
    """Plain: the summary, may be empty."""
    facts: str
    """Plain: `Score: 87 · 9 sources, 6 independent · via techcrunch_ai`."""
    original: str
    """The lead entry at its source; "" when it has no usable link."""
    via: str
    """The source that had it first."""
    source: str
    category: str
    category_id: str
    language: str
    score: int
    provisional: bool
    sources: int
    independent: int
    published: datetime
    updated: datetime
    related: tuple[tuple[str, str, str], ...] = ()
    """Other sources' headlines: source, title, link."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A list of stories with where it is found."""

    title: str
    description: str
    page_url: str
    self_url: str
    language: str
    items: tuple[Item, ...]
    hub_url: str = ""
    """Where a subscription to its changes is asked for; "" for nowhere."""

    @property
    def updated(self) -> datetime:
        """When the newest of its items last had news."""
        return max((item.updated for item in self.items), default=EPOCH)


def material(channel: Channel) -> str:
    """Return what counts as a change of *channel*, as words: those that are new in a later one are its news.

    A word for each item in each state that is worth showing as new. Another order, a score that moved, a view or an
    item that fell off the end is no news.
    """
    states = (f"{one.id} {_iso(one.updated)}" for one in channel.items)
    return " ".join(sorted(hashlib.sha256(state.encode()).hexdigest()[:12] for state in states))


def tag_uri(base_url: str, path: str) -> str:
    """Return an id for *path* under the site's name that no later redirect or port changes."""
    host = urlsplit(base_url).hostname or "localhost"
    return f"tag:{host.strip('[]').replace(':', '-')},2026:{path}"


def item(
    listed: Listed,
    *,
    base_url: str,
    id_base: str,
    source: str,
    category: str,
    related: Sequence[tuple[Entry, str]] = (),
) -> Item:
    """Return a story as a feed carries it; *base_url* has no slash at its end."""
    story, lead = listed.story, listed.lead
    facts = [f"Score: {story.score}{' (provisional)' if story.provisional else ''}"]
    facts += [sources_words(story.sources, story.independent_sources), f"via {listed.first_source_id}"]
    return Item(
        id=tag_uri(id_base, f"story/{story.story_id}"),
        url=base_url + story_path(story),
        title=storable(story.headline),
        text=storable(standfirst(story, 2_000)),
        facts=storable(" · ".join(facts)),
        original=safe_link(lead.link),
        via=listed.first_source_id,
        source=storable(source),
        category=storable(category),
        category_id=story.category_id,
        language=lead.language,
        score=story.score,
        provisional=story.provisional,
        sources=story.sources,
        independent=story.independent_sources,
        published=story.first_seen_at,
        # News is another source that joins; a score that moved is no reason to show an item as new.
        updated=max(story.first_seen_at, story.last_source_at),
        related=tuple((storable(name), storable(entry.title), safe_link(entry.link)) for entry, name in related),
    )


def rss(channel: Channel) -> bytes:
    """Return *channel* as RSS 2.0."""
    root = ET.Element("rss", {"version": "2.0"})
    head = ET.SubElement(root, "channel")
    _text(head, "title", _as_html(channel.title))
    _text(head, "link", channel.page_url)
    _text(head, "description", _as_html(channel.description))
    _text(head, "language", channel.language)
    _text(head, "lastBuildDate", format_datetime(channel.updated, usegmt=True))
    _text(head, "generator", "Groundswell")
    _text(head, "docs", "https://www.rssboard.org/rss-specification")
    _text(head, "ttl", "5")
    ET.SubElement(head, f"{{{_ATOM}}}link", {"href": channel.self_url, "rel": "self", "type": "application/rss+xml"})
    if channel.hub_url:
        ET.SubElement(head, f"{{{_ATOM}}}link", {"href": channel.hub_url, "rel": "hub"})
    for one in channel.items:
        node = ET.SubElement(head, "item")
        _text(node, "title", _as_html(one.title))
        _text(node, "link", one.url)
        _text(node, "description", _html(one))
        _text(node, f"{{{_DC}}}creator", one.source)
        if one.category:
            _text(node, "category", one.category)
        _text(node, "guid", one.id).set("isPermaLink", "false")
        _text(node, "pubDate", format_datetime(one.published, usegmt=True))
        if one.original:
            ET.SubElement(node, f"{{{_ATOM}}}link", {"href": one.original, "rel": "via"})
        _text(node, f"{{{_ATOM}}}updated", _iso(one.updated))
        _own(node, one)
    return _document(root, "atom")


def atom(channel: Channel) -> bytes:
    """Return *channel* as Atom 1.0 (RFC 4287)."""
    root = ET.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": channel.language})

    def child(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
        node = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
        node.text = text or None
        return node

    def words(parent: ET.Element, name: str, text: str) -> None:
        # Text is text in Atom, but careless readers take all of it for HTML; where it says so, all read alike.
        shown = _as_html(text)
        child(parent, name, shown, type="text" if shown == text else "html")

    child(root, "id", channel.self_url)
    words(root, "title", channel.title)
    words(root, "subtitle", channel.description)
    child(root, "updated", _iso(channel.updated))
    child(root, "link", rel="self", type="application/atom+xml", href=channel.self_url)
    child(root, "link", rel="alternate", type="text/html", href=channel.page_url)
    if channel.hub_url:
        child(root, "link", rel="hub", href=channel.hub_url)
    child(root, "generator", "Groundswell")
    for one in channel.items:
        node = child(root, "entry")
        child(node, "id", one.id)
        words(node, "title", one.title)
        child(node, "link", rel="alternate", type="text/html", href=one.url)
        if one.original:
            child(node, "link", rel="via", href=one.original)
        child(node, "published", _iso(one.published))
        child(node, "updated", _iso(one.updated))
        child(child(node, "author"), "name", one.source)
        if one.category:
            child(node, "category", term=one.category_id, label=one.category)
        if one.text:
            words(node, "summary", one.text)
        child(node, "content", _html(one), type="html")
        _own(node, one)
    return _document(root, "")


def json_feed(channel: Channel) -> bytes:
    """Return *channel* as JSON Feed 1.1."""
    items = []
    for one in channel.items:
        node: dict[str, object] = {"id": one.id, "url": one.url}
        if one.original:
            node["external_url"] = one.original
        node |= {
            "title": one.title,
            "content_html": _html(one),
            "content_text": "\n\n".join(part for part in (one.text, one.facts) if part),
            "summary": one.text or one.facts,
            "date_published": _iso(one.published),
            "date_modified": _iso(one.updated),
            "authors": [{"name": one.source}],
            "tags": [one.category] if one.category else [],
            "_groundswell": {
                "about": NAMESPACE,
                "score": one.score,
                "provisional": one.provisional,
                "sources": one.sources,
                "independent_sources": one.independent,
                "via": one.via,
            },
        }
        items.append(node)
    document: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "description": channel.description,
        "home_page_url": channel.page_url,
        "feed_url": channel.self_url,
        "language": channel.language,
    }
    if channel.hub_url:
        document["hubs"] = [{"type": "WebSub", "url": channel.hub_url}]
    document["items"] = items
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


@dataclass(frozen=True, slots=True)
class Format:
    """One of the ways to spell a channel."""

    name: str
    content_type: str
    write: Callable[[Channel], bytes]


FORMATS = {
    "rss": Format("RSS", "application/rss+xml; charset=utf-8", rss),
    "atom": Format("Atom", "application/atom+xml; charset=utf-8", atom),
    "json": Format("JSON Feed", "application/feed+json; charset=utf-8", json_feed),
}


def _html(one: Item) -> str:
    """Return the readable body of an item: everything of others is escaped."""
    parts = [f"<p>{html.escape(one.text)}</p>"] if one.text else []
    parts.append(f"<p><strong>{html.escape(one.facts)}</strong></p>")
    if one.original:
        parts.append(f'<p><a href="{html.escape(one.original)}">Read it at {html.escape(one.source)}</a></p>')
    related = [
        f'<li>{html.escape(name)}: <a href="{html.escape(link)}">{html.escape(title)}</a></li>'
        if link
        else f"<li>{html.escape(name)}: {html.escape(title)}</li>"
        for name, title, link in one.related
    ]
    if related:
        parts.append(f"<p>Also:</p><ul>{''.join(related)}</ul>")
    return "".join(parts)


def _as_html(text: str) -> str:
    # RSS 2.0 does not say whether a title is text or HTML, and readers guess. "AT&T" is shown alike by
    # both; what would turn into markup or into another character is escaped once more.
    if "<" in text or html.unescape(text) != text:
        return html.escape(text, quote=False)
    return text


def _own(node: ET.Element, one: Item) -> None:
    for name, value in (
        ("score", str(one.score)),
        ("provisional", "true" if one.provisional else "false"),
        ("sources", str(one.sources)),
        ("independentSources", str(one.independent)),
        ("via", one.via),
    ):
        _text(node, f"{{{NAMESPACE}}}{name}", value)


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    node = ET.SubElement(parent, name)
    node.text = text
    return node


def _document(root: ET.Element, atom_prefix: str) -> bytes:
    # ElementTree has one prefix a namespace for the whole process, and Atom wants to be the default
    # in its own documents and `atom` in RSS; so the prefix is settled on the finished tree.
    # Characters that XML has no spelling for are left out there too.
    for node in root.iter():
        node.text = storable(node.text) if node.text else node.text
        if isinstance(node.tag, str) and node.tag.startswith(f"{{{_ATOM}}}"):
            name = node.tag.rpartition("}")[2]
            node.tag = f"{atom_prefix}:{name}" if atom_prefix else name
    root.set(f"xmlns:{atom_prefix}" if atom_prefix else "xmlns", _ATOM)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True, short_empty_elements=True)
    return body


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
