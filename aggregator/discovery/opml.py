"""Read and write OPML, the lists of feeds that readers exchange.

Pure. Reads outlines by their tags, not as XML: 40 of 59 files of the most copied public collection are not well-formed
(a bare & in an attribute), and document types and entities are ignored this way.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.parsers import expat

from aggregator.discovery.feed_address import feed_address
from aggregator.errors import OpmlError
from aggregator.parse.xml.encodings import decode, encoding_of
from aggregator.text.markup import clip, storable
from aggregator.text.urls import safe_link, shown
from aggregator.translatable import Translatable

MAX_BYTES = 1_000_000
MAX_FEEDS = 1_000

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(/?)outline\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]{0,60})\s*=\s*(?:"([^"]{0,8000})"|'([^']{0,8000})')""")
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_NAMES = frozenset(("text", "title", "description", "type", "xmlurl", "htmlurl", "url", "category"))
_TITLE = re.compile(r"<head\b[^>]{0,200}>.{0,5000}?<title>([^<]{0,300})</title>", re.IGNORECASE | re.DOTALL)
_WRAPPERS = frozenset(
    ("subscriptions", "my subscriptions", "feeds", "my feeds", "all", "all feeds", "rss feeds", "opml")
)
_MAX_DEPTH = 50
_MAX_FOLDER_CHARS = 100


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed in an OPML file."""

    url: str
    name: str = ""
    folder: str = ""
    """Its folder and those around it, `Apple: News`, "" if there is none. See `_folder_names`."""
    site_url: str = ""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The content of an OPML file, and its errors."""

    feeds: tuple[Subscription, ...]
    notes: tuple[str, ...] = ()
    """About the file as a whole."""
    left_out: tuple[str, ...] = ()
    """Each outline that looks like a feed and is not among *feeds*: its name, its address, and why."""


def read(data: bytes, max_bytes: int = MAX_BYTES, max_feeds: int = MAX_FEEDS) -> Subscriptions:
    """Return the feeds in the OPML file *data*, in order; OpmlError if it is not OPML, or too large.

    A file that is not well-formed is read as far as its outlines can be recognised, with a note.
    """
    if len(data) > max_bytes:
        raise OpmlError(f"an OPML file of more than {max_bytes / 1e6:g} MB; use --large to import it anyway")
    text = _decoded(data)
    if not re.search(r"<opml[\s>]", text[:20_000], re.IGNORECASE):
        raise OpmlError(Translatable("this is not an OPML file: it has no <opml> element"))
    error = _xml_error(text)
    notes = [f"not well-formed, read as far as it goes: {error}"] if error else []
    outlines: list[_Outline] = []
    left_out: list[str] = []
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
        name = _one_line(attributes.get("title") or attributes.get("text") or "")
        address = attributes.get("xmlurl") or ""
        is_feed = attributes.get("type", "").lower() in ("rss", "atom")
        if not address and is_feed:
            address = attributes.get("url", "")
        if address or (is_feed and closed):
            url = feed_address(address)
            if url:
                path = tuple(filter(None, folders)) or _category(attributes)
                outlines.append(_Outline(url, name, path, safe_link(attributes.get("htmlurl", ""))))
            else:
                reason = "its address cannot be used" if address.strip() else "it has no address"
                left_out.append(_named(name, address, reason))
        if not closed and len(folders) < _MAX_DEPTH:
            folders.append("" if address else name)
    if len(outlines) > max_feeds:
        notes.append(f"{len(outlines):,} feeds in it, the first {max_feeds:,} taken; --large takes up to 20,000")
        left_out += [
            _named(outline.name, outline.url, f"behind the first {max_feeds:,}") for outline in outlines[max_feeds:]
        ]
    outlines = outlines[:max_feeds]
    title = _TITLE.search(text[:20_000])
    names = _folder_names((outline.path for outline in outlines), _one_line(html.unescape(title[1])) if title else "")
    feeds = (Subscription(outline.url, outline.name, names[outline.path], outline.site_url) for outline in outlines)
    return Subscriptions(tuple(feeds), tuple(notes), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Outline:
    """A feed as in the file."""

    url: str
    name: str
    path: tuple[str, ...]
    """The folders around it, the outermost first."""
    site_url: str


def _folder_names(paths: Iterable[tuple[str, ...]], title: str) -> dict[tuple[str, ...], str]:
    """Return a name for each path of folders: the folders joined with a colon, `Apple: News`.

    So "News" below "Apple" and "News" below "Politics" stay apart, and the parents are not lost. A folder that readers
    put around the whole list, called "Subscriptions" or like the list itself, is left out.
    """
    distinct = set(paths)
    outermost = {path[0].casefold() if len(path) > 1 else "" for path in distinct}
    is_wrapper = len(outermost) == 1 and bool(outermost & (_WRAPPERS | {title.casefold()}) - {""})
    return {path: clip(": ".join(path[is_wrapper:]), _MAX_FOLDER_CHARS) for path in distinct}


def _named(name: str, address: str, reason: str) -> str:
    address = clip(_one_line(shown(address)), 200)
    label = f"{name} ({address})" if name and address else name or address or "an outline without a name"
    return f"{label}: {reason}"


def _attributes(text: str) -> tuple[dict[str, str], bool]:
    """Return the attributes of an outline's tag, and whether the tag closes itself."""
    attributes: dict[str, str] = {}
    end = 0
    for match in _ATTRIBUTE.finditer(text):
        # Some put HTML into a description, quotes and all; what OPML itself knows goes on behind it.
        name = match[1].lower()
        if name in _NAMES:
            attributes.setdefault(name, html.unescape(match[2] if match[2] is not None else match[3]))
            end = match.end()
    return attributes, text[end:].partition(">")[0].rstrip().endswith("/")


def _category(attributes: dict[str, str]) -> tuple[str, ...]:
    """Return the first of the categories that an outline names, as a path of folders: `/Food/Cuisine,/b`."""
    first = attributes.get("category", "").partition(",")[0]
    return tuple(filter(None, map(_one_line, first.split("/")[:_MAX_DEPTH])))


def _one_line(text: str) -> str:
    return clip(storable(" ".join(text.split())), 200)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _DECLARED.match(data)
        encoding = encoding_of(declared[1].decode()) if declared else ""
        return decode(data, encoding if encoding and encoding != "utf-8" else "windows-1252")


def _xml_error(text: str) -> str:
    """Return the XML parser's error for the file, "" for none; a document type is not parsed."""
    if "<!DOCTYPE" in text[:20_000].upper() or "<!ENTITY" in text.upper():
        return "it has a document type, which is not read"
    try:
        # As UTF-8, whatever it declares: expat would look for Python's codec of that name.
        expat.ParserCreate("UTF-8").Parse(text.encode("utf-8", "replace"), True)
    except (expat.ExpatError, ValueError) as error:
        return clip(_one_line(str(error)), 200)
    return ""


def write(title: str, folders: Iterable[tuple[str, Sequence[Subscription]]]) -> str:
    """Return an OPML 2.0 file: one outline per folder, with one per feed inside."""
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
