"""Describe a document that is not a feed, and find the feeds that it names."""

from __future__ import annotations

import html
import re

from aggregator.text.urls import safe_link
from aggregator.text.wording import plural

_LINK = re.compile(r"<link\b([^>]{0,3000})>", re.IGNORECASE)
_BASE = re.compile(r"<base\b([^>]{0,3000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
# Types of other documents too; such a link names a feed if its address or its title does.
_POSSIBLE_TYPES = ("", "text/xml", "application/xml", "text/rss+xml", "text/rss", "application/json")
_NAMES_A_FEED = re.compile(r"(?:^|[^a-z])(?:rss|atom|feeds?|rdf)(?:[^a-z]|$)", re.IGNORECASE)
_OF_COMMENTS = re.compile(
    r"(?:^|[^a-z])(?:comments?|replies|kommentare?|commentaires|comentarios|commenti)(?:[^a-z]|$)", re.IGNORECASE
)
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)", re.IGNORECASE)
_ROOT = re.compile(r"<([a-zA-Z_][\w:.-]{0,60})")
_SNIFFED = 300_000
_MAX_FEEDS = 20

_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"RIFF", "a media file"),
)


def describe(data: bytes, url: str) -> tuple[str, tuple[str, ...]]:
    """Return a description of *data*, which is not a feed, and the feeds that it names."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return f"this is {name}, not a feed", ()
    text = data[:_SNIFFED].decode("utf-8", "replace")
    head = text[:5_000].lower()
    if "<html" in head or "<!doctype html" in head or "<body" in head or "<head" in head:
        feeds = _named_feeds(text, url)
        message = "this is a web page, not a feed"
        if feeds:
            message += f"; it names {plural(len(feeds), 'feed')}: {', '.join(feeds[:3])}"
        return message, feeds
    if root := _ROOT.search(text):
        return f"not a feed: a document of <{root[1]}>", ()
    printable = sum(1 for byte in data[:1_000] if byte >= 32 or byte in (9, 10, 13))
    if printable < len(data[:1_000]) * 0.9 or text.count("\ufffd") > len(text) // 10:
        return "not a feed: neither XML nor JSON, but binary data", ()
    return "not a feed: neither XML nor JSON, but plain text", ()


def base_of(page: str, url: str) -> str:
    """Return the base URL of the HTML *page* at *url*: its <base href>, else *url*."""
    for base in _BASE.finditer(page):
        for name, double, single, bare in _ATTRIBUTE.findall(base[1]):
            if name.lower() == "href":
                return safe_link(html.unescape(double or single or bare), url) or url
    return url


def _named_feeds(text: str, url: str) -> tuple[str, ...]:
    """Return the feeds that a page names, in its order; those of comments come last, since nobody looks for them."""
    feeds: dict[str, bool] = {}
    text = _COMMENT.sub("", text) if "<!--" in text else text
    url = base_of(text, url)
    for link in _LINK.finditer(text):
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(link[1])
        }
        address = safe_link(_FEED_SCHEME.sub("", attributes.get("href", "").strip(), count=1), url)
        if address and _is_feed(attributes):
            path, _, query = address.partition("//")[2].partition("/")[2].partition("?")
            feeds.setdefault(address, bool(_OF_COMMENTS.search(f"{path}?{query} {attributes.get('title', '')}")))
        if len(feeds) >= _MAX_FEEDS:
            break
    return tuple(sorted(feeds, key=feeds.__getitem__))


def _is_feed(attributes: dict[str, str]) -> bool:
    """Return whether a `<link>` names a feed of its page."""
    rel = attributes.get("rel", "").lower().split()
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    if "alternate" not in rel and "feed" not in rel:
        return False
    if kind in _FEED_TYPES:
        return True
    return kind in _POSSIBLE_TYPES and bool(
        _NAMES_A_FEED.search(f"{attributes.get('href', '')} {attributes.get('title', '')}")
    )
