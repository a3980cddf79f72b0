"""Read and write OPML, the lists of feeds that readers exchange.

Pure. Reads outlines by their tags and never as XML: 40 of 59 files of the most copied public collection are not
well-formed (a bare & in an attribute), and a document type, its entities and what they include are not even looked
at that way. Leaves fetching and feeds.yaml to others.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.parsers import expat

from aggregator.errors import OpmlError
from aggregator.text.tokens import clip, storable
from aggregator.text.urls import safe_link

MOST_BYTES = 1_000_000
MOST_FEEDS = 1_000

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(/?)outline\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]{0,60})\s*=\s*(?:"([^"]{0,8000})"|'([^']{0,8000})')""")
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_NAMES = frozenset(("text", "title", "description", "type", "xmlurl", "htmlurl", "url", "category"))
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed that an OPML file names."""

    url: str
    name: str = ""
    folder: str = ""
    """The innermost outline around it, "" where there is none."""
    site_url: str = ""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What an OPML file holds, and a word on what was wrong with it."""

    feeds: tuple[Subscription, ...]
    notes: tuple[str, ...] = ()


def read(data: bytes, most_bytes: int = MOST_BYTES, most_feeds: int = MOST_FEEDS) -> Subscriptions:
    """Return the feeds that the OPML file *data* names, in its order; OpmlError when it is none or too large.

    A file that is not well-formed is read as far as its outlines can be told, and a note says so.
    """
    if len(data) > most_bytes:
        raise OpmlError(f"an OPML file of more than {most_bytes / 1e6:g} MB; --large takes it all the same")
    text = _decoded(data)
    if not re.search(r"<opml[\s>]", text[:20_000], re.IGNORECASE):
        raise OpmlError("this is no OPML file: it has no <opml>")
    notes = [f"not well-formed, read as far as it goes: {fault}"] if (fault := _fault(data, text)) else []
    found: list[Subscription] = []
    unusable = 0
    folders: list[str] = []
    text = _COMMENT.sub("", text)
    tags = list(_TAG.finditer(text))
    ends = [*(tag.start() for tag in tags[1:]), len(text)][: len(tags)]
    for tag, end in zip(tags, ends, strict=True):
        if tag[1]:
            if folders:
                folders.pop()
            continue
        attributes, closed = _attributes(text[tag.end() : end])
        name = _words(attributes.get("title") or attributes.get("text") or "")
        address = attributes.get("xmlurl") or ""
        if not address and attributes.get("type", "").lower() in ("rss", "atom"):
            address = attributes.get("url", "")
        if address:
            url = safe_link(address)
            unusable += not url
            if url:
                folder = next((one for one in reversed(folders) if one), "") or _category(attributes)
                found.append(Subscription(url, name, folder, safe_link(attributes.get("htmlurl", ""))))
        if not closed and len(folders) < _DEEPEST:
            folders.append("" if address else name)
    if unusable:
        notes.append(f"{unusable} without a usable address left out")
    if len(found) > most_feeds:
        notes.append(f"{len(found):,} feeds in it, the first {most_feeds:,} taken")
    return Subscriptions(tuple(found[:most_feeds]), tuple(notes))


def _attributes(text: str) -> tuple[dict[str, str], bool]:
    """Return what stands in an outline's tag, and whether the tag closes itself."""
    attributes: dict[str, str] = {}
    end = 0
    for match in _ATTRIBUTE.finditer(text):
        # Some put HTML into a description, quotes and all; what OPML itself knows goes on behind it.
        name = match[1].lower()
        if name in _NAMES:
            attributes.setdefault(name, html.unescape(match[2] if match[2] is not None else match[3]))
            end = match.end()
    return attributes, text[end:].partition(">")[0].rstrip().endswith("/")


def _category(attributes: dict[str, str]) -> str:
    return _words(attributes.get("category", "").partition(",")[0].rstrip("/").rpartition("/")[2])


def _words(text: str) -> str:
    return clip(storable(" ".join(text.split())), 200)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _DECLARED.match(data)
        name = declared[1].decode() if declared and declared[1].lower() not in (b"utf-8", b"utf8") else "cp1252"
        try:
            return data.decode(name, "replace")
        except LookupError:
            return data.decode("cp1252", "replace")


def _fault(data: bytes, text: str) -> str:
    """Return what an XML parser holds against the file, "" for nothing; a document type is not even tried."""
    if "<!DOCTYPE" in text[:20_000].upper() or "<!ENTITY" in text.upper():
        return "it has a document type, which is not read"
    try:
        expat.ParserCreate().Parse(data, True)
    except (expat.ExpatError, ValueError) as error:
        return str(error)
    return ""


def write(title: str, folders: Iterable[tuple[str, Sequence[Subscription]]]) -> str:
    """Return an OPML 2.0 file: an outline a folder, and in it one a feed."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"  <head><title>{_escaped(title)}</title></head>",
        "  <body>",
    ]
    for folder, feeds in folders:
        lines.append(f'    <outline text="{_escaped(folder)}" title="{_escaped(folder)}">')
        lines += [
            f'      <outline type="rss" text="{_escaped(feed.name)}" title="{_escaped(feed.name)}" '
            f'xmlUrl="{_escaped(feed.url)}"' + (f' htmlUrl="{_escaped(feed.site_url)}"' if feed.site_url else "") + "/>"
            for feed in feeds
        ]
        lines.append("    </outline>")
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _escaped(text: str) -> str:
    return html.escape(storable(" ".join(text.split())), quote=True)
