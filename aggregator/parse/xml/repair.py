"""Repair broken XML documents: bare ampersands, a truncated end, far too many items.

Each repair is a note. What is left is for feedparser's loose parser.
"""

from __future__ import annotations

import html
import re
from xml.parsers.expat import ExpatError, ParserCreate

from aggregator.model import Limits
from aggregator.text.markup import with_joined_surrogates
from aggregator.text.wording import plural

_ITEM = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,20}:)?(item|entry)[\s>/]")
ITEMS_READ = 10
"""How many times `entries_per_poll` items are read to find the newest among them."""
SMALL = 300_000
"""Bytes that may be read before their items are counted: 43,000 empty ones at the most, 0.3 s."""


def shortened(data: bytes, limits: Limits, notes: list[str]) -> bytes:
    """Cut the items out that are far over the limit; feedparser takes 0.2 ms for each at the least."""
    most = limits.entries_per_poll * ITEMS_READ
    if len(data) < most * len(b"<item/>") or data.count(b"item") + data.count(b"entry") < most:
        return data
    starts = [match.start() for match in _ITEM.finditer(data)]
    if len(starts) <= most:
        return data
    end = max(data.rfind(b"</item>"), data.rfind(b"</entry>"))
    after = data[data.find(b">", end) + 1 :] if end > starts[most] else b""
    notes.append(f"{len(starts)} entries in the document, only the first {most} looked at")
    return data[: starts[most]] + after


def is_well_formed(data: bytes) -> bool:
    """Return whether *data*, in UTF-8, is a well-formed document whose prefixes are all bound."""
    parser = ParserCreate("utf-8", namespace_separator=" ")
    try:
        parser.Parse(data, True)
    except ExpatError:
        return False
    return True


# Bare ampersands. Observed: titles ("R&D"), addresses ("?a=1&b=2"), entities of HTML that no DOCTYPE declares (&nbsp;),
# an emoji as the two halves of UTF-16 (&#55357;&#56832;), control characters (&#8;).

_XML_ENTITIES = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))
_AMPERSAND = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)"
    rb"|&#(?:[xX][dD][89abAB][0-9a-fA-F]{2}|55[2-9]\d\d|56[0-2]\d\d|563[01]\d);"
    rb"&#(?:[xX][dD][c-fC-F][0-9a-fA-F]{2}|56[3-9]\d\d|57[0-2]\d\d|573[0-3]\d|5734[0-3]);"
    rb"|&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?",
    re.DOTALL,
)


def with_references(data: bytes, notes: list[str]) -> bytes:
    """Return *data* with bare ampersands escaped and entities of HTML as characters; CDATA and comments stay."""
    if b"&" not in data:
        return data
    escaped = unusable = 0

    def replaced(match: re.Match[bytes]) -> bytes:
        nonlocal escaped, unusable
        if not match[0].startswith(b"&"):
            return match[0]
        name = match[1]
        if name is None and match[0] != b"&":
            return with_joined_surrogates(match[0].decode()).encode()
        if name is None:
            escaped += 1
            return b"&amp;"
        if name.startswith(b"#"):
            if _is_character(name):
                return match[0]
            unusable += 1
            return b""
        if name in _XML_ENTITIES:
            return match[0]
        text = html.unescape(f"&{name.decode()};")
        if text.startswith("&"):
            escaped += 1
            return b"&amp;" + match[0][1:]
        return text.replace("&", "&amp;").replace("<", "&lt;").encode()

    repaired = _AMPERSAND.sub(replaced, data)
    if escaped:
        notes.append(f"{plural(escaped, 'bare ampersand')} read as text")
    if unusable:
        notes.append(f"{plural(unusable, 'reference')} to no character left out")
    return repaired


def _is_character(reference: bytes) -> bool:
    """Return whether XML allows the character that a reference such as #8217 or #x2019 names."""
    number = int(reference[2:], 16) if reference[1:2] in b"xX" else int(reference[1:])
    return number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000


# A cut end

_ROOT = re.compile(
    rb"\A(?:<\?[^>]*\?>|<!--.{0,2000}?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>|\s)*"
    rb"<((?:[A-Za-z_][\w.-]{0,20}:)?(?:rss|feed|RDF|channel))[\s>/]",
    re.DOTALL,
)
_HEAD_BYTES = 20_000


def root_of(data: bytes) -> bytes:
    """Return the name of the root element of a feed, with its prefix; b"" if the document has another root."""
    match = _ROOT.match(data[:_HEAD_BYTES])
    return match[1] if match else b""


def without_truncated_item(data: bytes, notes: list[str]) -> bytes:
    """Return a document that ends in the middle without the item that it ends in, and with its end tags.

    An item whose end did not come has lost an unknown part of its text, its link or its guid, and would be stored as
    another entry than the whole item at the next poll. A document that opens several items and closes none keeps what
    it has: its author leaves out end tags.
    """
    root = root_of(data)
    if not root or root in (b"channel", b"CHANNEL") or data.rfind(b"</" + root) >= 0:
        return data
    end, name = max((data.rfind(b"</item>"), b"item"), (data.rfind(b"</entry>"), b"entry"))
    intact_until = end + len(name) + 3 if end >= 0 else 0
    start = _ITEM.search(data, intact_until)
    if end < 0 and (start is None or _ITEM.search(data, start.end())):
        return data
    head, left_out = (data[:intact_until], 0) if start is None else (data[: start.start()], 1)
    notes.append("the document ends in the middle" + (", its last item is left out" if left_out else ""))
    channel = b"</channel>" if root == b"rss" and b"<channel" in head and b"</channel" not in head else b""
    return head + channel + b"</" + root + b">"
