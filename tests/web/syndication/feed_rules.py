"""The rules of the W3C Feed Validation Service that our feeds could break, as a function from bytes to messages.

Written from the specifications (RSS 2.0 and the RSS Profile, RFC 4287, RFC 5005, Media RSS, JSON Feed 1.1), since the
service needs the internet. `test_feed_rules.py` checks that each rule detects a document that breaks it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
XML = "{http://www.w3.org/XML/1998/namespace}"
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
LINK_RELATIONS = {"self", "alternate", "via", "enclosure", "next", "previous", "first", "last", "hub"}
CHANNEL_ELEMENTS = {"title", "link", "description", "language", "lastBuildDate", "generator", "docs", "ttl", "item"}
ITEM_ELEMENTS = {"title", "link", "description", "category", "guid", "pubDate", "enclosure"}
ATOM_ENTRY_ELEMENTS = {"id", "title", "link", "published", "updated", "author", "category", "summary", "content"}


def rss_errors(document: bytes) -> list[str]:
    """Return the errors of an RSS 2.0 document."""
    return list(_rss(ET.fromstring(document)))


def atom_errors(document: bytes) -> list[str]:
    """Return the errors of an Atom 1.0 document."""
    return list(_atom(ET.fromstring(document)))


def json_feed_errors(document: bytes) -> list[str]:
    """Return the errors of a JSON Feed 1.1 document."""
    return list(_json_feed(json.loads(document)))


def _rss(root: ET.Element) -> Iterator[str]:
    if root.tag != "rss" or root.get("version") != "2.0" or [child.tag for child in root] != ["channel"]:
        yield "an RSS document is one channel in <rss version='2.0'>"
        return
    channel = root[0]
    yield from _once(channel, "title", "link", "description")
    yield from _unknown(channel, CHANNEL_ELEMENTS)
    yield from _web_address(channel.findtext("link"), "channel link")
    if not LANGUAGE.fullmatch(channel.findtext("language") or "en"):
        yield "language is not a language tag"
    if not (channel.findtext("ttl") or "5").isdigit():
        yield "ttl is not a number of minutes"
    if not RFC822.fullmatch(channel.findtext("lastBuildDate") or ""):
        yield "lastBuildDate is not an RFC 822 date"
    yield from _links(channel, "channel")
    if [link.get("rel") for link in channel.findall(f"{ATOM}link")].count("self") != 1:
        yield "a channel names its own address once"
    guids = Counter(item.findtext("guid") for item in channel.findall("item"))
    yield from (f"guid {guid} occurs {count} times" for guid, count in guids.items() if count > 1)
    for item in channel.findall("item"):
        yield from _rss_item(item)


def _rss_item(item: ET.Element) -> Iterator[str]:
    yield from _once(item, "title", "link", "description", "guid", "pubDate")
    yield from _unknown(item, ITEM_ELEMENTS)
    yield from _web_address(item.findtext("link"), "item link")
    guid = item.find("guid")
    if guid is not None and guid.get("isPermaLink") != "false" and not _is_web_address(guid.text):
        yield "a guid that is no address says isPermaLink='false'"
    if not RFC822.fullmatch(item.findtext("pubDate") or "") or not _is_moment(item.findtext("pubDate"), rfc822=True):
        yield f"pubDate {item.findtext('pubDate')!r} is not an RFC 822 date"
    if len(item.findall("enclosure")) > 1:
        yield "more than one enclosure"
    for enclosure in item.findall("enclosure"):
        yield from _web_address(enclosure.get("url"), "enclosure")
        if not (enclosure.get("length") or "").isdigit():
            yield "an enclosure has a length in bytes"
        if not MEDIA_TYPE.fullmatch(enclosure.get("type") or ""):
            yield "an enclosure has a media type"
    yield from _links(item, "item")
    yield from _media(item)
    yield from _html(item.findtext("description") or "", "description")


def _atom(root: ET.Element) -> Iterator[str]:
    if root.tag != f"{ATOM}feed":
        yield "an Atom document is a feed"
        return
    yield from _once(root, *(f"{ATOM}{name}" for name in ("id", "title", "updated")))
    if not LANGUAGE.fullmatch(root.get(f"{XML}lang") or "en"):
        yield "xml:lang is not a language tag"
    yield from _links(root, "feed")
    relations = Counter(link.get("rel") for link in root.findall(f"{ATOM}link"))
    if relations["self"] != 1 or relations["alternate"] != 1:
        yield "a feed has one link to itself and one to its page"
    entries = root.findall(f"{ATOM}entry")
    ids = Counter(entry.findtext(f"{ATOM}id") for entry in entries)
    yield from (f"id {name} occurs {count} times" for name, count in ids.items() if count > 1)
    for node in (root, *entries):
        if not urlsplit(node.findtext(f"{ATOM}id") or "").scheme:
            yield "an id is not a URI"
        if not RFC3339.fullmatch(node.findtext(f"{ATOM}updated") or ""):
            yield "updated is not an RFC 3339 date"
    for entry in entries:
        yield from _atom_entry(entry, root)


def _atom_entry(entry: ET.Element, root: ET.Element) -> Iterator[str]:
    yield from _once(entry, *(f"{ATOM}{name}" for name in ("id", "title", "updated", "content")))
    yield from _unknown(entry, {f"{ATOM}{name}" for name in ATOM_ENTRY_ELEMENTS}, prefix=ATOM)
    if not entry.findtext(f"{ATOM}author/{ATOM}name") and not root.findtext(f"{ATOM}author/{ATOM}name"):
        yield "an entry has an author"
    published = entry.findtext(f"{ATOM}published")
    if published is not None and (not RFC3339.fullmatch(published) or not _is_moment(published)):
        yield "published is not an RFC 3339 date"
    alternates = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    if len(alternates) != 1:
        yield "an entry has one link to its page"
    for name in ("title", "summary", "content"):
        node = entry.find(f"{ATOM}{name}")
        if node is None:
            continue
        if node.get("type", "text") not in ("text", "html", "xhtml"):
            yield f"{name} has no known type"
        if node.get("type") == "html":
            yield from _html(node.text or "", name)
    for category in entry.findall(f"{ATOM}category"):
        if not category.get("term"):
            yield "a category has a term"
    yield from _links(entry, "entry")
    yield from _media(entry)


def _json_feed(feed: dict[str, Any]) -> Iterator[str]:
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "version is not that of JSON Feed 1.1"
    if not isinstance(feed.get("title"), str) or not feed["title"]:
        yield "a feed has a title"
    for name in ("home_page_url", "feed_url", "next_url"):
        if name in feed:
            yield from _web_address(feed[name], name)
    if "next_url" in feed and feed["next_url"] == feed.get("feed_url"):
        yield "next_url leads back to the feed"
    for hub in feed.get("hubs", []):
        if set(hub) != {"type", "url"}:
            yield "a hub has a type and a url"
    ids = Counter(item.get("id") for item in feed["items"])
    yield from (f"id {name} occurs {count} times" for name, count in ids.items() if count > 1)
    for item in feed["items"]:
        if not isinstance(item.get("id"), str) or not item["id"]:
            yield "an id is a text"
        if "content_html" not in item and "content_text" not in item:
            yield "an item has content"
        for name in ("url", "external_url", "image"):
            if name in item:
                yield from _web_address(item[name], name)
        for name in ("date_published", "date_modified"):
            if name in item and not (RFC3339.fullmatch(item[name]) and _is_moment(item[name])):
                yield f"{name} is not an RFC 3339 date"
        if "author" in item or not all(author.get("name") or author.get("url") for author in item.get("authors", [])):
            yield "authors is a list of objects with a name or url"
        if not all(isinstance(tag, str) for tag in item.get("tags", [])):
            yield "tags are texts"
        for attachment in item.get("attachments", []):
            yield from _web_address(attachment.get("url"), "attachment")
            if not MEDIA_TYPE.fullmatch(attachment.get("mime_type") or ""):
                yield "an attachment has a media type"
        yield from _html(item.get("content_html", ""), "content_html")


def _once(node: ET.Element, *names: str) -> Iterator[str]:
    for name in names:
        children = node.findall(name)
        if len(children) != 1 or not (children[0].text or "").strip():
            yield f"{node.tag} has {name} once, and not empty"


def _unknown(node: ET.Element, allowed: set[str], prefix: str = "") -> Iterator[str]:
    for child in node:
        if child.tag not in allowed and (child.tag.startswith(prefix) if prefix else not child.tag.startswith("{")):
            yield f"{node.tag} has an unknown element {child.tag}"


def _links(node: ET.Element, where: str) -> Iterator[str]:
    for link in node.findall(f"{ATOM}link"):
        yield from _web_address(link.get("href"), f"{where} link")
        if link.get("rel") not in LINK_RELATIONS:
            yield f"{link.get('rel')!r} is not a registered link relation"


def _media(node: ET.Element) -> Iterator[str]:
    for content in node.findall(f"{MEDIA}content"):
        yield from _web_address(content.get("url"), "media:content")
        if content.get("medium") not in ("image", "audio", "video", "document", "executable"):
            yield "media:content has no known medium"
        if content.get("type") is not None and not MEDIA_TYPE.fullmatch(content.get("type") or ""):
            yield "media:content has no valid media type"
        for size in ("width", "height"):
            if not (content.get(size) or "1").isdigit() or content.get(size) == "0":
                yield f"media:content has no valid {size}"


def _html(text: str, where: str) -> Iterator[str]:
    if re.search(r"<\s*(script|style|iframe|object|embed|form|meta)\b|\son\w+\s*=", text, re.I):
        yield f"{where} has markup that readers refuse"
    for address in re.findall(r'(?:href|src)="([^"]*)"', text):
        if not _is_web_address(address.replace("&amp;", "&")):
            yield f"{where} has a relative or unsafe address {address!r}"
    opened = Counter(re.findall(r"<(p|a|strong|ul|li)\b", text))
    closed = Counter(re.findall(r"</(p|a|strong|ul|li)>", text))
    if opened != closed:
        yield f"{where} has elements that are not closed"


def _web_address(text: str | None, where: str) -> Iterator[str]:
    if not _is_web_address(text):
        yield f"{where} {text!r} is not a web address"


def _is_web_address(text: str | None) -> bool:
    parts = urlsplit(text or "")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"]", text or "")


def _is_moment(text: str | None, rfc822: bool = False) -> bool:
    try:
        moment = parsedate_to_datetime(text or "") if rfc822 else datetime.fromisoformat(text or "")
    except ValueError:
        return False
    return moment.tzinfo is not None
