"""Recognise unchanged documents and items, so that only the rest is parsed.

A document is compared by its bytes, an item by its bytes within the document, and an item whose bytes changed (a count
of comments, say) by its fields. Pure, and independent of the parser: the polling process compares documents, the
parsing child items.
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
"""Raise it when the same bytes give other drafts, so that entries are parsed again."""

_START = re.compile(rb"<(item|entry)[\s>]")
_TAG = re.compile(rb"<[A-Za-z][^>]*>")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_NONE = "-"


def document_mark(data: bytes, content_type: str, url: str, limits: Limits) -> str:
    """Return a short hash of a document and of everything else that its entries depend on."""
    bounds = (limits.entries_per_poll, limits.title_chars, limits.text_bytes, limits.tags, limits.feed_bytes)
    digest = blake2b(f"{_VERSION} {content_type} {url} {bounds} ".encode("utf-8", "surrogatepass"), digest_size=8)
    digest.update(data)
    return digest.hexdigest()


def link_mark(link: str) -> str:
    """Return a short checksum of a canonical link; a collision only causes both items to be parsed again."""
    return f"{zlib.crc32(link.encode('utf-8', 'surrogatepass')):08x}" if link else _NONE


class ItemFingerprint(NamedTuple):
    """The fingerprint of a stored item."""

    bytes_mark: str
    """Of its bytes in the document; "-" if unknown."""
    fields_mark: str
    """Of its fields; "-" if its bytes suffice."""
    link_mark: str
    """Of its canonical link, since an item with the same link could be the same entry; "-" without one."""
    identity: str


@dataclass(frozen=True, slots=True)
class DocumentFingerprints:
    """The memory of the last stored document."""

    document: str = _NONE
    """Its `document_mark`; "-" if it must be parsed again in any case."""
    context: str = _NONE
    """A hash of everything that its items depend on apart from their bytes."""
    items: tuple[ItemFingerprint, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> DocumentFingerprints:
        """Parse *text* from `as_text`; empty for a text of another version."""
        head, *lines = text.split("\n")
        version, _, marks = head.partition(" ")
        if version != _VERSION:
            return cls()
        document, _, context = marks.partition(" ")
        return cls(document, context, tuple(ItemFingerprint._make(line.split(" ", 3)) for line in lines))

    def as_text(self) -> str:
        """Return it as text, one item per line; identities contain no line breaks."""
        lines = [f"{_VERSION} {self.document} {self.context}"]
        lines += map(" ".join, self.items)
        return "\n".join(lines)


def remember(memory: DocumentMemory, data: bytes, content_type: str, url: str, limits: Limits) -> DocumentMemory:
    """Return *memory* with the mark of the current document."""
    return replace(memory, mark=document_mark(data, content_type, url, limits))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A document in pieces: the part before its items, each item, and the part after them."""

    head: bytes
    items: tuple[bytes, ...]
    tail: bytes

    @property
    def opening(self) -> bytes:
        """The start tags of the elements around the items: namespaces, language and base."""
        return b"".join(_TAG.findall(_COMMENT.sub(b"", self.head))[:2])

    def marks(self) -> list[str]:
        """Return the `bytes_mark` of each item."""
        return [blake2b(item, digest_size=8).hexdigest() for item in self.items]

    def without(self, unchanged: Sequence[bool]) -> bytes:
        """Return the document without the items that are *unchanged*."""
        rest = [item for item, is_unchanged in zip(self.items, unchanged, strict=True) if not is_unchanged]
        return b"".join([self.head, *rest, self.tail])


def in_pieces(data: bytes) -> Pieces | None:
    """Return an RSS or Atom document in pieces, or None if its bytes alone do not determine them.

    Only white space may be between items; comments, nested item tags (in a post about feeds) and unfinished CDATA
    sections give None. So every piece is a real item, and removing it leaves the others intact.
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
