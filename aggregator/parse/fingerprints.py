"""Know again what stood in a document when it was last stored, so that only the rest is read.

A whole document is known by its bytes, an item by its bytes within the document, and an item whose bytes
changed (a count of comments, say) by its fields. Pure, and imports nothing of the parser: the process that
polls asks about whole documents, the child that parses about items. Leaves making entries to `parse`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple

from aggregator.model import DocumentMemory, Limits

_VERSION = "5"
"""To be raised when drafts are made differently of the same bytes, so that entries are looked at once more."""

_START = re.compile(rb"<(item|entry)[\s>]")
_TAG = re.compile(rb"<[A-Za-z][^>]*>")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_NONE = "-"


def document_mark(data: bytes, content_type: str, url: str, limits: Limits) -> str:
    """Return a short hash of a document and of all else that its entries depend on."""
    bounds = (limits.entries_per_poll, limits.title_chars, limits.text_bytes, limits.tags, limits.feed_bytes)
    digest = blake2b(f"{_VERSION} {content_type} {url} {bounds} ".encode("utf-8", "surrogatepass"), digest_size=8)
    digest.update(data)
    return digest.hexdigest()


def link_mark(link: str) -> str:
    """Return a short sum of a canonical link; where two links share one, both items are only looked at again."""
    return f"{zlib.crc32(link.encode('utf-8', 'surrogatepass')):08x}" if link else _NONE


class ItemFingerprint(NamedTuple):
    """An item that is stored as it is."""

    bytes_mark: str
    """Of its bytes in the document; "-" where they were not looked at."""
    fields_mark: str
    """Of what was read of it; "-" where its bytes, as long as they stay, tell enough."""
    link_mark: str
    """Of its canonical link, since an item with the same one could be the same entry; "-" without."""
    identity: str


@dataclass(frozen=True, slots=True)
class DocumentFingerprints:
    """What is remembered of the document that was stored last."""

    document: str = _NONE
    """Its `document_mark`; "-" where it is to be read again in any case."""
    context: str = _NONE
    """What its items depend on beside their own bytes."""
    items: tuple[ItemFingerprint, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> DocumentFingerprints:
        """Return what `as_text` gave *text* for; nothing for a text of another version."""
        head, *lines = text.split("\n")
        version, _, marks = head.partition(" ")
        if version != _VERSION:
            return cls()
        document, _, context = marks.partition(" ")
        return cls(document, context, tuple(ItemFingerprint._make(line.split(" ", 3)) for line in lines))

    def as_text(self) -> str:
        """Return all of it as a text, one item a line; identities hold no line breaks."""
        lines = [f"{_VERSION} {self.document} {self.context}"]
        lines += map(" ".join, self.items)
        return "\n".join(lines)


def remember(memory: DocumentMemory, data: bytes, content_type: str, url: str, limits: Limits) -> DocumentMemory:
    """Return *memory* with the mark of the document at hand."""
    return replace(memory, mark=document_mark(data, content_type, url, limits))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A document in pieces: what is before its items, each item, what is behind them."""

    head: bytes
    items: tuple[bytes, ...]
    tail: bytes

    @property
    def opening(self) -> bytes:
        """The start tags of the elements that hold the items: their namespaces, language and base."""
        return b"".join(_TAG.findall(_COMMENT.sub(b"", self.head))[:2])

    def marks(self) -> list[str]:
        """Return the `bytes_mark` of each item."""
        return [blake2b(item, digest_size=8).hexdigest() for item in self.items]

    def without(self, known: Sequence[bool]) -> bytes:
        """Return the document without the items that are *known*."""
        rest = [item for item, is_known in zip(self.items, known, strict=True) if not is_known]
        return b"".join([self.head, *rest, self.tail])


def in_pieces(data: bytes) -> Pieces | None:
    """Return an RSS or Atom document in pieces, or None where its bytes alone do not tell them for certain.

    Only white space may stand between items, and nothing there may be a comment, another item's tags (a post about
    feeds has them) or half a CDATA section: so an item that is cut out was an item, and what is left is what it was.
    """
    first = _START.search(data)
    if first is None:
        return None
    name = first[1]
    head, end = data[: first.start()], b"</" + name + b">"
    if b"\0" in head or b"<items" in head or not _balanced(head):
        return None
    body = data[first.start() :]
    # From behind, where CPython searches in a third of the time.
    *items, tail = body.rsplit(end)
    start = b"<" + name
    if body.rfind(b"<!--") >= 0 or start in tail:
        return None
    results = []
    for piece in items:
        item = piece.lstrip()
        if item.rfind(start) != 0 or item.rfind(b"<![CDATA[") > item.rfind(b"]]>"):
            return None
        results.append(item + end)
    return Pieces(head, tuple(results), tail)


def _balanced(head: bytes) -> bool:
    return head.count(b"<!--") == head.count(b"-->") and head.count(b"<![CDATA[") == head.count(b"]]>")
